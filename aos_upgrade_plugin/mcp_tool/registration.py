"""The one tool and its resources, on a server of the official SDK."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import anyio.from_thread
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ResourceError
from mcp.server.mcpserver.resolve import Resolve
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from aos_upgrade_plugin.actions.workflow_desk import Waiting
from aos_upgrade_plugin.actions.workflow_reference import actions_page, page_of
from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool, open_tool
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.mcp_tool.arguments import as_sent, without_action
from aos_upgrade_plugin.mcp_tool.questions import Outcome, asking, with_decisions
from aos_upgrade_plugin.models.session import SessionStatus
from aos_upgrade_plugin.models.workflow_call import Action

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

TOOL = "aos_workflow"
PATIENCE_S = 45.0
"""How long an answer may take: many clients give up after a minute."""
DESCRIPTION = """\
Walk a workflow: instructions in phases, each left only with evidence of what was done.

Discover: list_workflows [category].
Work: start workflow_type target_file [options] -> session_id and the first phase; an upgrade
(agent_os_upgrade_v1, target_file mcp_server) needs options.source_path and is measured: claim
nothing you did not see; while an answer says phase_running, ask get_state, then complete_phase;
get_phase session_id; get_task session_id phase task_number;
complete_phase session_id phase evidence (fields: phase_content.evidence_required);
get_state session_id.
Sessions: list_sessions [status]; get_session session_id; delete_session session_id [reason];
pause session_id [checkpoint_note]; resume session_id.
Recover: retry_phase session_id phase [reset_evidence] after a failed checkpoint;
rollback session_id to_phase; get_errors session_id.

Answers have status, action and next_actions; errors have error, error_type and remediation.
A failed checkpoint names missing_evidence and validation_errors: do what is missing, never
claim it. Work on one phase at a time, in order.
"""


class Answer(BaseModel):
    """What every answer has. What else it has depends on the action."""

    model_config = ConfigDict(extra="allow")

    status: Annotated[str, Field(json_schema_extra={"enum": ["success", "error"]})]
    action: str | None
    next_actions: list[str]
    error: str | None = None
    error_type: str | None = None
    remediation: str | None = None


def _given(description: str, **schema: object) -> WithJsonSchema:
    """Return what clients are told of a parameter; what is given is checked by ourselves."""
    return WithJsonSchema({**schema, "description": description})


_NUMBER, _TEXT, _OBJECT = {"type": "integer", "minimum": 0}, {"type": "string"}, {"type": "object"}
_ACTION = Annotated[Any, WithJsonSchema({"type": "string", "enum": [*Action]})]
_SESSION = Annotated[Any, _given("The session, as start named it", pattern="^[a-z0-9_]+$", **_TEXT)]
_WORKFLOW = Annotated[Any, _given("A workflow, as list_workflows names it", **_TEXT)]
_TARGET = Annotated[Any, _given("What it works on: a path in the project, relative to it", **_TEXT)]
_OPTIONS = Annotated[Any, _given("Settings of the workflow", **_OBJECT)]
_PHASE = Annotated[Any, _given("The number of a phase", **_NUMBER)]
_TASK = Annotated[Any, _given("The number of a task of the phase", **_NUMBER)]
_EVIDENCE = Annotated[
    Any, _given("What was really done, by the fields that the phase asks for", **_OBJECT)
]
_CATEGORY = Annotated[Any, _given("Only workflows of this category", **_TEXT)]
_STATUS = Annotated[Any, _given("Only sessions in this state", enum=[*SessionStatus], **_TEXT)]
_REASON = Annotated[Any, _given("Why it is deleted; kept", **_TEXT)]
_NOTE = Annotated[Any, _given("What to remember until it is resumed", **_TEXT)]
_RESET = Annotated[Any, _given("Submit all evidence again", type="boolean")]
_TO_PHASE = Annotated[Any, _given("The phase to go back to", **_NUMBER)]


def register_workflow_tools(
    server: MCPServer[Any],
    *,
    target: Path | None = None,
    source: Path | None = None,
    name: str = TOOL,
    registry: "CollectorRegistry | None" = None,
) -> int:
    """Mount the tool on a server and return how many tools that is: one.

    It works on the installation that ``target``, or else the working directory, is, holds or lies
    in. ``source`` adds the workflows of a source. Reading is offered as resources, too.
    ``registry``, of the Prometheus client, gets the metrics of the tool; without it, none is kept.
    """
    tool = open_tool(target or Path.cwd(), source=source, patience_s=PATIENCE_S)
    if registry is not None:
        from aos_upgrade_plugin.mcp_tool.metrics import measure  # noqa: PLC0415  only if asked for

        measure(tool, registry)
    server.add_tool(
        _function(tool),
        name=name,
        title="Workflows",
        description=DESCRIPTION,
        annotations=ToolAnnotations(
            title="Workflows",
            read_only_hint=False,
            destructive_hint=True,
            idempotent_hint=False,
            open_world_hint=False,
        ),
    )
    server.middleware.append(without_action(name))
    _offer(server, tool)
    _offer_reference(server)
    return 1


def _function(tool: WorkflowTool) -> Callable[..., CallToolResult]:
    def aos_workflow(  # noqa: PLR0913, PLR0917 - the parameters of the contract
        action: _ACTION,
        session_id: _SESSION = None,
        workflow_type: _WORKFLOW = None,
        target_file: _TARGET = None,
        options: _OPTIONS = None,
        phase: _PHASE = None,
        task_number: _TASK = None,
        evidence: _EVIDENCE = None,
        category: _CATEGORY = None,
        status: _STATUS = None,
        reason: _REASON = None,
        checkpoint_note: _NOTE = None,
        reset_evidence: _RESET = False,  # noqa: FBT002 - by name only, over the wire
        to_phase: _TO_PHASE = None,
        *,
        context: Context[Any, Any],
        decided: Annotated[Outcome, Resolve(asking(tool))],
    ) -> Annotated[CallToolResult, Answer]:
        given = {
            "action": action,
            "session_id": session_id,
            "workflow_type": workflow_type,
            "target_file": target_file,
            "options": with_decisions(options, decided),
            "phase": phase,
            "task_number": task_number,
            "evidence": evidence,
            "category": category,
            "status": status,
            "reason": reason,
            "checkpoint_note": checkpoint_note,
            "reset_evidence": reset_evidence,
            "to_phase": to_phase,
        }
        return _result(tool.call(as_sent(context, given), waiting=_telling(context)))

    return aos_workflow


def _telling(context: Context[Any, Any]) -> Waiting:
    """Return what tells a client how far something is; the call waits in a thread of its own."""

    def tell(done: int, planned: int, what: str) -> None:
        words = f"{what}: {done} of {planned} checks" if planned else what
        anyio.from_thread.run(context.report_progress, done, planned or None, words)

    return tell


def _result(answer: dict[str, Any]) -> CallToolResult:
    text = json.dumps(answer, ensure_ascii=False)
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=answer,
        is_error=answer["status"] == "error",
    )


def _offer(server: MCPServer[Any], tool: WorkflowTool) -> None:
    """Offer what only reads as resources, which clients may read without asking anybody."""

    def read(action: Action, **arguments: str) -> str:
        answer = tool.call({"action": action, **arguments})
        if answer["status"] == "error":
            raise ResourceError(f"{answer['error']}; {answer['remediation']}")
        return json.dumps(answer, ensure_ascii=False)

    @server.resource("aos://workflows", title="Workflows", mime_type="application/json")
    def workflows() -> str:
        """Return every workflow there is."""
        return read(Action.LIST_WORKFLOWS)

    @server.resource("aos://sessions", title="Sessions", mime_type="application/json")
    def sessions() -> str:
        """Return every session, the one that was used last first."""
        return read(Action.LIST_SESSIONS)

    @server.resource("aos://sessions/{session_id}", mime_type="application/json")
    def session(session_id: str) -> str:
        """Return all that is kept of a session."""
        return read(Action.GET_SESSION, session_id=session_id)

    @server.resource("aos://workflows/{workflow_type}", mime_type="application/json")
    def workflow(workflow_type: str) -> str:
        """Return one workflow with its phases."""
        answer = json.loads(read(Action.LIST_WORKFLOWS))
        found = [each for each in answer["workflows"] if each["workflow_type"] == workflow_type]
        if not found:
            raise ResourceError(f"there is no workflow {workflow_type!r}")
        return json.dumps(found[0], ensure_ascii=False)


def _offer_reference(server: MCPServer[Any]) -> None:
    """Offer the page of the actions, whole and action by action."""
    where = "aos://reference/workflow-actions"

    @server.resource(where, title="The actions, by example", mime_type="text/markdown")
    def reference() -> str:
        """Return each action with a call, its answer and everything that it refuses."""
        return actions_page()

    @server.resource(f"{where}/{{action}}", mime_type="text/markdown")
    def reference_of(action: str) -> str:
        """Return one action with a call, its answer and everything that it refuses."""
        try:
            return page_of(action)
        except NotFoundError as error:
            raise ResourceError(f"{error}; {error.cure}") from error
