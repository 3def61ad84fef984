"""What a server of the workflow tool is asked to show that it keeps its contract, and the verdict.

Source: docs/reference/workflow-tool.md.
"""

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType
from typing import Any, NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.models.verification import CallResult, Latency, WalkResult
from aos_upgrade_plugin.models.workflow_call import Action

Answer = Mapping[str, Any]
Arguments = Mapping[str, JsonValue]

SUCCESS = "success"
SESSION = "{session}"
"""In the arguments of a step: the session that was started."""
LEAST_WALKS = 3

GROUPS: Mapping[str, tuple[Action, ...]] = MappingProxyType(
    {
        "Discovery": (Action.LIST_WORKFLOWS,),
        "Execution": (
            Action.START,
            Action.GET_PHASE,
            Action.GET_TASK,
            Action.COMPLETE_PHASE,
            Action.GET_STATE,
        ),
        "Management": (
            Action.LIST_SESSIONS,
            Action.GET_SESSION,
            Action.DELETE_SESSION,
            Action.PAUSE,
            Action.RESUME,
        ),
        "Recovery": (Action.RETRY_PHASE, Action.ROLLBACK, Action.GET_ERRORS),
    }
)
"""The fourteen, as the report lists them."""

TARGETS_MS: Mapping[Action, float] = MappingProxyType(
    {
        Action.LIST_WORKFLOWS: 100.0,
        Action.START: 500.0,
        Action.COMPLETE_PHASE: 500.0,
        Action.GET_PHASE: 50.0,
        Action.GET_TASK: 50.0,
        Action.GET_STATE: 50.0,
        Action.GET_SESSION: 50.0,
        Action.GET_ERRORS: 50.0,
        Action.LIST_SESSIONS: 200.0,
    }
)


class Step(NamedTuple):
    """One call, and what its answer has to be."""

    action: str
    arguments: Arguments
    expects: str = SUCCESS
    holds: Mapping[str, JsonValue] = MappingProxyType({})
    """Fields of the answer that have to have exactly this."""
    has: tuple[str, ...] = ()
    """Fields that have to be there."""


_GOING = ("session_id", "current_phase", "total_phases")
_ONE: Arguments = {"session_id": SESSION}
_NOBODY: Arguments = {"session_id": "nobody_started_this"}


def steps(workflow_type: str, evidence: dict[str, JsonValue]) -> tuple[Step, ...]:
    """Return a walk in which each action succeeds at least once and fails at least once.

    The workflow has two phases, a task in the first, and a gate there that takes the evidence.
    """
    first: Arguments = {**_ONE, "phase": 0}
    start: Arguments = {"workflow_type": workflow_type, "target_file": "src"}
    return (
        Step("list_workflows", {}, has=("workflows", "count")),
        Step("list_workflows", {"to_phase": 1}, "ValueError"),
        Step("start", {**start, "workflow_type": "there_is_none_v1"}, "NotFoundError"),
        Step("start", {**start, "target_file": "../src"}, "ValueError"),
        Step("start", start, has=(*_GOING, "phase_content", "acknowledgment_required")),
        Step("get_phase", _ONE, has=(*_GOING, "phase_content")),
        Step("get_phase", _NOBODY, "NotFoundError"),
        Step("get_task", {**first, "task_number": 1}, has=("task_content",)),
        Step("get_task", {**first, "task_number": 9}, "ValidationError"),
        Step("get_state", _ONE, holds={"session_status": "active"}, has=("completed_phases",)),
        Step("get_state", _NOBODY, "NotFoundError"),
        Step("list_sessions", {"status": "active"}, holds={"count": 1}, has=("sessions",)),
        Step("list_sessions", {"status": "asleep"}, "ValueError"),
        Step("get_session", _ONE, has=("session",)),
        Step("get_session", _NOBODY, "NotFoundError"),
        Step("resume", _ONE, "StateError"),
        Step("retry_phase", first, "StateError"),
        Step("pause", {**_ONE, "checkpoint_note": "tea"}, holds={"paused": True}),
        Step("pause", _ONE, "StateError"),
        Step("complete_phase", {**first, "evidence": evidence}, "StateError"),
        Step("resume", _ONE, holds={"resumed": True}, has=("phase_content",)),
        Step("complete_phase", {**first, "phase": 1, "evidence": evidence}, "StateError"),
        Step(
            "complete_phase",
            {**first, "evidence": {}},
            "ValidationError",
            holds={"checkpoint_passed": False},
            has=("missing_evidence", "validation_errors"),
        ),
        Step("get_errors", _ONE, holds={"error_count": 1}, has=("errors", "last_error")),
        Step("get_errors", _NOBODY, "NotFoundError"),
        Step("retry_phase", first, holds={"retrying": True}, has=("previous_errors",)),
        Step(
            "complete_phase",
            {**first, "evidence": evidence},
            holds={"checkpoint_passed": True, "phase_completed": 0},
            has=("next_phase", "next_phase_content"),
        ),
        Step("rollback", {**_ONE, "to_phase": 7}, "ValidationError"),
        Step("rollback", {**_ONE, "to_phase": 0}, holds={"rolled_back": True, "from_phase": 1}),
        Step("delete_session", {"session_id": "../x"}, "ValueError"),
        Step("delete_session", {**_ONE, "reason": "verified"}, holds={"deleted": True}),
        Step("delete_session", _ONE, holds={"deleted": False, "already_absent": True}),
        Step("fly", {}, "ValueError", holds={"valid_actions": [*Action]}),
    )


def filled_in(arguments: Arguments, *, session_id: str) -> Arguments:
    """Return the arguments with the session that was started."""
    return {name: session_id if value == SESSION else value for name, value in arguments.items()}


def answered(answer: Answer) -> str:
    """Return how a call ended: in success, or with which type of error."""
    if answer.get("status") == SUCCESS:
        return SUCCESS
    return str(answer.get("error_type") or "no answer")


def wrong_with(step: Step, answer: Answer, *, is_error: bool) -> str | None:
    """Say what in an answer is not as the contract has it; nothing where all is."""
    if (said := answered(answer)) != step.expects:
        return f"{step.expects} was due, and it answers {said}: {answer.get('error', '')}".rstrip()
    if is_error is (said == SUCCESS):
        return "the answer's mark for errors contradicts its status"
    common = ("status", "action", "next_actions")
    needed = common if said == SUCCESS else (*common, "error", "remediation")
    if missing := [name for name in (*needed, *step.has) if name not in answer]:
        return f"{', '.join(missing)} is missing in the answer"
    for name, value in step.holds.items():
        if answer.get(name) != value:
            return f"{name} is {answer.get(name)!r}, and {value!r} was due"
    return None


def latencies(calls: Iterable[tuple[str, float]]) -> tuple[Latency, ...]:
    """Return how long the successful calls of each action took, in milliseconds."""
    took: dict[Action, list[float]] = {}
    for action, took_ms in calls:
        took.setdefault(Action(action), []).append(took_ms)
    return tuple(
        Latency(
            action=action,
            calls=len(took[action]),
            median_ms=round(statistics.median(took[action]), 3),
            longest_ms=round(max(took[action]), 3),
            target_ms=TARGETS_MS.get(action),
        )
        for action in Action
        if action in took
    )


def problems(calls: Sequence[CallResult], walks: Sequence[WalkResult]) -> Iterator[str]:
    """Yield everything that did not hold, a line each."""
    for each in calls:
        if each.problem is not None:
            yield f"{each.action} ({each.expected}): {each.problem}"
    yield from _never_seen({(each.action, each.expected == SUCCESS) for each in calls})
    for walk in walks:
        if walk.problem is not None:
            yield f"workflow {walk.workflow_type}: {walk.problem}"
    done = sum(walk.completed for walk in walks)
    if done < LEAST_WALKS:
        yield f"{done} workflows were walked to their end, and {LEAST_WALKS} are the least"


def _never_seen(kinds: AbstractSet[tuple[str, bool]]) -> Iterator[str]:
    for action in Action:
        for succeeds, word in ((True, "succeed"), (False, "fail")):
            if (action, succeeds) not in kinds:
                yield f"{action}: it was never seen to {word}"
