"""What has to be decided before an upgrade can begin, asked of the client's user as a form.

Asked only where the client says that it can; else the answer of ``start`` names the choices.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

from mcp.server.elicitation import AcceptedElicitation, ElicitationResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit
from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, create_model

from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool
from aos_upgrade_plugin.models.settings import separated

_MOST_CONFLICTS = 40
"""In one form; more are decided by an option for all."""
_NO_FORM = "own"
"""A choice that needs a text of one's own."""


class Form(BaseModel):
    """A form with a field for each decision."""

    needed: ClassVar[Mapping[str, Any]] = {}
    """What ``start`` asked for."""


Outcome = ElicitationResult[Form]


def asking(tool: WorkflowTool) -> Callable[..., Any]:
    """Return what asks the client about a call of the tool, where something has to be decided."""

    def ask_what_to_decide(
        context: Context[Any, Any],
        action: Any,  # noqa: ANN401  as the client sent them
        workflow_type: Any,  # noqa: ANN401
        target_file: Any,  # noqa: ANN401
        options: Any,  # noqa: ANN401
    ) -> Elicit[Form] | None:
        if action != "start" or not _can_be_asked(context):
            return None
        needed = tool.questions(
            {
                "action": action,
                "workflow_type": workflow_type,
                "target_file": target_file,
                "options": options,
            }
        )
        if needed is None or len(needed["conflicts"]) > _MOST_CONFLICTS:
            return None
        return Elicit(_message(needed), _form(needed))

    return ask_what_to_decide


def _can_be_asked(context: Context[Any, Any]) -> bool:
    try:
        capabilities = context.client_capabilities
    except ValueError:  # called in this process, without a client
        return False
    return capabilities is not None and capabilities.elicitation is not None


def with_decisions(options: Any, outcome: Outcome) -> Any:  # noqa: ANN401
    """Return the options of a call with what was decided; as they are where nothing was."""
    form = outcome.data if isinstance(outcome, AcceptedElicitation) else None
    if not isinstance(form, Form):
        return options
    said, given = form.model_dump(), dict(options or {})
    answers = [
        {**answer, "decision": said[f"conflict_{number}"]}
        for number, answer in enumerate(form.needed["answers"], start=1)
    ]
    agreed = [
        each["id"]
        for number, each in enumerate(form.needed["migrations"], start=1)
        if said[f"migration_{number}"]
    ]
    if answers:
        given["answers"] = [*(given.get("answers") or ()), *answers]
    if agreed:
        given["migrate"] = [*separated(given.get("migrate") or ()), *agreed]
    return given


def _message(needed: Mapping[str, Any]) -> str:
    counted = [
        f"{len(needed[what])} {what}" for what in ("conflicts", "migrations") if needed[what]
    ]
    return f"Before the upgrade can begin, {' and '.join(counted)} have to be decided."


def _form(needed: Mapping[str, Any]) -> type[Form]:
    fields: dict[str, Any] = {}
    for number, each in enumerate(needed["conflicts"], start=1):
        about = "; ".join((each["relation"].replace("_", " "), *each["about"]))
        choices = [choice for choice in each["choices"] if choice != _NO_FORM]
        fields[f"conflict_{number}"] = (
            _one_of(choices),
            Field(title=each["path"], description=about),
        )
    for number, each in enumerate(needed["migrations"], start=1):
        fields[f"migration_{number}"] = (bool, Field(title=each["title"], description=each["why"]))
    form = create_model("Decisions", __base__=Form, **fields)
    form.needed = needed
    return form


def _one_of(choices: list[str]) -> Any:  # noqa: ANN401  a type
    def fits(said: str) -> str:
        if said not in choices:
            raise ValueError(f"choose one of: {', '.join(choices)}")
        return said

    schema = WithJsonSchema({"type": "string", "enum": choices})
    return Annotated[str, AfterValidator(fits), schema]
