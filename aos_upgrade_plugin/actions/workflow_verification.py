"""The workflow tool verified: a real server, in a scratch project, asked by the official client."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue
from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.decide.service.older_tools import TOOL
from aos_upgrade_plugin.decide.workflow import verifying
from aos_upgrade_plugin.decide.workflow.definitions import phase_of
from aos_upgrade_plugin.decide.workflow.fulfilling import specimen
from aos_upgrade_plugin.effects.workflow.own_workflows import EVIDENCE, GATED, OWN
from aos_upgrade_plugin.models.definition import Definition, Listed, Origin
from aos_upgrade_plugin.models.verification import CallResult, Verification, WalkResult
from aos_upgrade_plugin.models.words import line
from aos_upgrade_plugin.phases.installation import Installation, find
from aos_upgrade_plugin.phases.scratch import scratch_project
from aos_upgrade_plugin.plugins import installed_plugins

if TYPE_CHECKING:
    from aos_upgrade_plugin.effects.service.mcp_conversation import Conversation

_LIMIT_S = 60.0
_MOST_WALKS = 25
_ASKED_AGAIN = 4
"""Once tells how long reading everything takes, not how long an answer does."""
_CONVERSATION = "aos_upgrade_plugin.effects.service.mcp_conversation"


def verify(
    installation: Installation, *, command: list[str], source: Path | None = None
) -> Verification:
    """Let a real server show all fourteen actions, and walk every usable workflow to its end.

    ``command`` starts the server; ``--target`` and ``--source`` are added. Works on copies of the
    installation's workflows, so no session is left in it. Raises ServerError where the server
    does not answer, DiskError.
    """
    with scratch_project(installation) as project:
        listed = Catalogue(installed_plugins(), source=source).listed(find(project))
        words = [*command, "--target", str(project)]
        words += ["--source", str(source)] if source is not None else []
        talk = import_module(_CONVERSATION).conversation(
            words, folder=str(project), limit_s=_LIMIT_S
        )
        with talk as conversation:
            asked = _Asked(conversation)
            calls = tuple(_calls(asked))
            walks = tuple(_walk(asked, each) for each in _chosen(listed))
            for _ in range(_ASKED_AGAIN):
                asked("list_workflows")
    problems = [*_unfit(asked.tools), *verifying.problems(calls, walks)]
    return Verification(
        made_at=datetime.now(UTC),
        version=__version__,
        server=asked.server,
        protocol=asked.protocol,
        installation=installation.layout.name,
        calls=calls,
        walks=walks,
        latencies=verifying.latencies(asked.took),
        problems=tuple(map(line, problems)),
    )


class _Answered(NamedTuple):
    """An answer of the tool, and why it is none."""

    answer: dict[str, Any]
    is_error: bool
    took_ms: float
    problem: str | None


class _Asked:
    """The tool of one server, and how long its answers took."""

    def __init__(self, conversation: "Conversation") -> None:
        self._call = conversation.call
        self.tools = conversation.tools
        self.server, self.protocol = conversation.server, conversation.protocol
        self.took: list[tuple[str, float]] = []

    def __call__(self, action: str, **arguments: Any) -> _Answered:  # noqa: ANN401  any JSON
        told = self._call(TOOL, {"action": action, **arguments})
        answer = dict(told.answer)
        if verifying.answered(answer) == verifying.SUCCESS:
            self.took.append((action, told.took_ms))
        return _Answered(answer, told.is_error, told.took_ms, told.problem)


def _unfit(tools: tuple[str, ...]) -> Iterator[str]:
    if tools != (TOOL,):
        yield f"the server has the tools {', '.join(tools) or 'none'}, and {TOOL} alone was due"


def _calls(asked: _Asked) -> Iterator[CallResult]:
    """Make every step; a step whose session is not there fails by itself."""
    session = "nobody_started_any"
    for step in verifying.steps(GATED, dict(EVIDENCE)):
        arguments = verifying.filled_in(step.arguments, session_id=session)
        told = asked(step.action, **arguments)
        session = str(told.answer.get("session_id") or session) if _begins(step) else session
        problem = told.problem or verifying.wrong_with(step, told.answer, is_error=told.is_error)
        yield CallResult(
            action=step.action,
            expected=step.expects,
            answered=verifying.answered(told.answer),
            took_ms=round(told.took_ms, 3),
            problem=None if problem is None else line(problem),
        )


def _begins(step: verifying.Step) -> bool:
    return step.action == "start" and step.expects == verifying.SUCCESS


# ---- the workflows -------------------------------------------------------------------------------


def _chosen(listed: tuple[Listed, ...]) -> list[Listed]:
    """Return the workflows to walk: those of the installation by name, the others, then ours."""
    places = [Origin.INSTALLATION, Origin.SOURCE, Origin.PLUGIN, Origin.BUNDLED]
    others = [each for each in listed if each.workflow_type not in OWN]
    others.sort(key=lambda each: (places.index(each.origin), each.workflow_type))
    own = [each for each in listed if each.workflow_type in OWN]
    return [
        *others[:_MOST_WALKS],
        *(each.model_copy(update={"origin": Origin.BUNDLED}) for each in own),
    ]


def _walk(asked: _Asked, listed: Listed) -> WalkResult:
    definition = listed.definition
    result = WalkResult(
        workflow_type=listed.workflow_type,
        version=definition.version if definition else "",
        origin=listed.origin,
        phases=0,
        tasks=0,
        refused_empty=0,
        completed=False,
    )
    begun = asked("start", workflow_type=listed.workflow_type, target_file="src")
    if definition is None:
        refused = "" if begun.is_error else ", and it starts all the same"
        return result.model_copy(update={"problem": f"it is broken: {listed.problem}{refused}"})
    if listed.workflow_type in UPGRADE_WORKFLOWS:
        return result.model_copy(update=_upgrade(begun))
    if begun.is_error:
        return result.model_copy(update={"problem": f"start: {_why(begun)}"})
    walk = _Walk(asked, definition, begun.answer)
    walk.to_its_end()
    return result.model_copy(update=walk.found)


def _upgrade(begun: _Answered) -> dict[str, str]:
    if not begun.is_error:
        return {"problem": "an upgrade starts without a source"}
    return {"left_out": "an upgrade is not begun without a source, and was refused without one"}


def _why(told: _Answered) -> str:
    return told.problem or f"{verifying.answered(told.answer)}: {told.answer.get('error')}"


class _Walk:
    """One session, from its start to its end."""

    def __init__(self, asked: _Asked, definition: Definition, begun: dict[str, Any]) -> None:
        self._ask, self._definition = asked, definition
        self._total = begun.get("total_phases")
        self._content: dict[str, Any] | None = begun.get("phase_content")
        self._session = str(begun.get("session_id"))
        self._left: list[int] = []
        self.found: dict[str, Any] = {"phases": 0, "tasks": 0, "refused_empty": 0}

    def to_its_end(self) -> None:
        """Leave phase after phase; what goes wrong is among what was found."""
        while self._content is not None and not {"problem", "left_out"} & {*self.found}:
            self._leave(self._content)
        if not {"problem", "left_out"} & {*self.found}:
            self._end()
        self._ask("delete_session", session_id=self._session, reason="verified")

    def _leave(self, content: dict[str, Any]) -> None:
        number = content["phase_number"]
        for task in content.get("tasks", ()):
            told = self._of_session("get_task", phase=number, task_number=task["task_number"])
            steps = told.answer.get("task_content", {}).get("execution_steps")
            if told.is_error or not steps:
                self.found["problem"] = f"phase {number}: get_task: {_why(told)}"
                return
            self.found["tasks"] += 1
        if not self._refuses_nothing(number):
            return
        phase = phase_of(definition=self._definition, number=number, total=self._total)
        evidence = specimen(phase)
        if evidence is None:
            self.found["left_out"] = f"no evidence could be made up for the gate of phase {number}"
            return
        done = self._of_session("complete_phase", phase=number, evidence=evidence)
        if done.answer.get("checkpoint_passed") is not True:
            self.found["problem"] = f"phase {number}: complete_phase: {_why(done)}"
            return
        self.found["phases"] += 1
        self._left.append(number)
        self._content = done.answer.get("next_phase_content")

    def _refuses_nothing(self, number: int) -> bool:
        """Say whether a phase cannot be left without any evidence, and can be tried again then."""
        told = self._of_session("complete_phase", phase=number, evidence={})
        if told.answer.get("checkpoint_passed") is not False or not told.is_error:
            self.found["problem"] = f"phase {number}: it can be left with no evidence at all"
            return False
        again = self._of_session("retry_phase", phase=number)
        if again.is_error:
            self.found["problem"] = f"phase {number}: retry_phase: {_why(again)}"
            return False
        self.found["refused_empty"] += 1
        return True

    def _end(self) -> None:
        state = self._of_session("get_state")
        is_over = state.answer.get("session_status") == "completed"
        if is_over and state.answer.get("completed_phases") == self._left:
            self.found["completed"] = True
        else:
            self.found["problem"] = f"get_state after the last phase: {_why(state)}"

    def _of_session(self, action: str, **arguments: Any) -> _Answered:  # noqa: ANN401  any JSON
        return self._ask(action, session_id=self._session, **arguments)
