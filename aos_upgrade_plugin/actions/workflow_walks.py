"""Workflows walked from their start to their end, by calls of a real server."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from aos_upgrade_plugin.decide.service.older_tools import TOOL
from aos_upgrade_plugin.decide.workflow import verifying
from aos_upgrade_plugin.decide.workflow.definitions import phase_of
from aos_upgrade_plugin.decide.workflow.fulfilling import specimen
from aos_upgrade_plugin.models.definition import Definition, Listed
from aos_upgrade_plugin.models.verification import WalkResult

if TYPE_CHECKING:
    from aos_upgrade_plugin.effects.service.mcp_conversation import Conversation

_LOOK_AGAIN_S, _PATIENCE_S = 0.2, 600.0


class Answered(NamedTuple):
    """An answer of the tool, and why it is none."""

    answer: dict[str, Any]
    is_error: bool
    took_ms: float
    problem: str | None


class Asked:
    """The tool of one server, and how long its answers took."""

    def __init__(self, conversation: "Conversation") -> None:
        """Ask nothing yet."""
        self._call = conversation.call
        self.tools = conversation.tools
        self.server, self.protocol = conversation.server, conversation.protocol
        self.took: list[tuple[str, float]] = []

    def __call__(self, action: str, **arguments: Any) -> Answered:  # noqa: ANN401  any JSON
        """Call the tool. Whatever goes wrong is an answer."""
        told = self._call(TOOL, {"action": action, **arguments})
        answer = dict(told.answer)
        if verifying.answered(answer) == verifying.SUCCESS:
            self.took.append((action, told.took_ms))
        return Answered(answer, told.is_error, told.took_ms, told.problem)


def walk(asked: Asked, listed: Listed) -> WalkResult:
    """Walk a workflow with made-up evidence, after trying to leave each phase with none.

    A broken one has to be refused, and is a problem all the same.
    """
    definition = listed.definition
    begun = asked("start", workflow_type=listed.workflow_type, target_file="src")
    if definition is None:
        refused = "" if begun.is_error else ", and it starts all the same"
        return result_of(listed, {"problem": f"it is broken: {listed.problem}{refused}"})
    if begun.is_error:
        return result_of(listed, {"problem": f"start: {why(begun)}"})
    walked = _Walk(asked, definition, begun.answer)
    walked.to_its_end()
    return result_of(listed, walked.found)


def walk_upgrade(asked: Asked, listed: Listed, *, options: Mapping[str, Any]) -> WalkResult:
    """Walk the upgrade as a dry run: measured, not claimed, so a wrong claim has to be refused."""
    if listed.definition is None:
        return result_of(listed, {"problem": f"it is broken: {listed.problem}"})
    what = {"workflow_type": listed.workflow_type, "target_file": "mcp_server"}
    if not asked("start", **what).is_error:
        return result_of(listed, {"problem": "an upgrade starts without a source"})
    begun = asked("start", **what, options={**options, "dry_run": True})
    if begun.is_error:
        return result_of(listed, {"problem": f"start: {why(begun)}"})
    walked = _WalkOfUpgrade(asked, listed.definition, begun.answer)
    walked.to_its_end()
    return result_of(listed, walked.found)


def result_of(listed: Listed, found: Mapping[str, Any]) -> WalkResult:
    """Return what a walk came to."""
    return WalkResult.model_validate(
        {
            "workflow_type": listed.workflow_type,
            "version": listed.definition.version if listed.definition else "",
            "origin": listed.origin,
            "phases": 0,
            "tasks": 0,
            "refused": 0,
            "completed": False,
            **found,
        }
    )


def why(told: Answered) -> str:
    """Say how a call went wrong."""
    return told.problem or f"{verifying.answered(told.answer)}: {told.answer.get('error')}"


class _Walk:
    """One session, from its start to its end."""

    def __init__(self, asked: Asked, definition: Definition, begun: dict[str, Any]) -> None:
        self._ask, self._definition = asked, definition
        self._total = begun.get("total_phases")
        self._content: dict[str, Any] | None = begun.get("phase_content")
        self._session = str(begun.get("session_id"))
        self._left: list[int] = []
        self.found: dict[str, Any] = {"phases": 0, "tasks": 0, "refused": 0}

    def to_its_end(self) -> None:
        """Leave phase after phase; what goes wrong is among what was found."""
        while self._content is not None and not {"problem", "left_out"} & {*self.found}:
            self._leave(self._content)
        if not {"problem", "left_out"} & {*self.found}:
            self._end()
        self._ask("delete_session", session_id=self._session, reason="verified")

    def _leave(self, content: dict[str, Any]) -> None:
        number = content["phase_number"]
        if not self._tasks_are_there(content) or not self._refuses_nothing(number):
            return
        phase = phase_of(definition=self._definition, number=number, total=self._total)
        evidence = specimen(phase)
        if evidence is None:
            self.found["left_out"] = f"no evidence could be made up for the gate of phase {number}"
            return
        self._complete(number, evidence)

    def _tasks_are_there(self, content: dict[str, Any]) -> bool:
        number = content["phase_number"]
        for task in content.get("tasks", ()):
            told = self._of_session("get_task", phase=number, task_number=task["task_number"])
            steps = told.answer.get("task_content", {}).get("execution_steps")
            if told.is_error or not steps:
                self.found["problem"] = f"phase {number}: get_task: {why(told)}"
                return False
            self.found["tasks"] += 1
        return True

    def _complete(self, number: int, evidence: Mapping[str, Any]) -> None:
        done = self._complete_in_time(number, evidence)
        if done.answer.get("checkpoint_passed") is not True:
            self.found["problem"] = f"phase {number}: complete_phase: {why(done)}"
            return
        self.found["phases"] += 1
        self._left.append(number)
        self._content = done.answer.get("next_phase_content")

    def _complete_in_time(self, number: int, evidence: Mapping[str, Any]) -> Answered:
        """Ask again for as long as an upgrade measures."""
        give_up_at = time.monotonic() + _PATIENCE_S
        while True:
            done = self._of_session("complete_phase", phase=number, evidence=evidence)
            if not done.answer.get("phase_running") or time.monotonic() > give_up_at:
                return done
            time.sleep(_LOOK_AGAIN_S)

    def _refuses_nothing(self, number: int) -> bool:
        """Say whether a phase cannot be left without any evidence, and can be tried again then."""
        told = self._of_session("complete_phase", phase=number, evidence={})
        if told.answer.get("checkpoint_passed") is not False or not told.is_error:
            self.found["problem"] = f"phase {number}: it can be left with no evidence at all"
            return False
        again = self._of_session("retry_phase", phase=number)
        if again.is_error:
            self.found["problem"] = f"phase {number}: retry_phase: {why(again)}"
            return False
        self.found["refused"] += 1
        return True

    def _end(self) -> None:
        state = self._of_session("get_state")
        is_over = state.answer.get("session_status") == "completed"
        if is_over and state.answer.get("completed_phases") == self._left:
            self.found["completed"] = True
        else:
            self.found["problem"] = f"get_state after the last phase: {why(state)}"

    def _of_session(self, action: str, **arguments: Any) -> Answered:  # noqa: ANN401  any JSON
        return self._ask(action, session_id=self._session, **arguments)


class _WalkOfUpgrade(_Walk):
    """An upgrade: what is claimed is compared with what was measured."""

    def _leave(self, content: dict[str, Any]) -> None:
        number = content["phase_number"]
        if self._tasks_are_there(content) and (number != 0 or self._refuses_wrong_claim(number)):
            self._complete(number, {})

    def _refuses_wrong_claim(self, number: int) -> bool:
        told = self._complete_in_time(number, {"source_git_clean": False})
        if not told.answer.get("contradictions"):
            self.found["problem"] = f"phase {number}: a wrong claim is not refused: {why(told)}"
            return False
        self.found["refused"] += 1
        return True
