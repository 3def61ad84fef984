"""The verdict on a server of the workflow tool."""

import pytest

from aos_upgrade_plugin.decide.workflow.verifying import (
    GROUPS,
    SUCCESS,
    Step,
    latencies,
    problems,
    steps,
    wrong_with,
)
from aos_upgrade_plugin.models.definition import Origin
from aos_upgrade_plugin.models.verification import CallResult, WalkResult
from aos_upgrade_plugin.models.workflow_call import Action

GOOD = {"status": "success", "action": "pause", "next_actions": [], "paused": True}
BAD = {
    "status": "error",
    "action": "pause",
    "next_actions": [],
    "error": "no",
    "error_type": "StateError",
    "remediation": "wait",
}


@pytest.mark.parametrize(
    ("step", "answer", "is_error", "holds"),
    [
        (Step("pause", {}, holds={"paused": True}), GOOD, False, True),
        (Step("pause", {}, "StateError"), BAD, True, True),
        (Step("pause", {}, holds={"paused": False}), GOOD, False, False),
        (Step("pause", {}, has=("checkpoint",)), GOOD, False, False),
        (Step("pause", {}), GOOD, True, False),
        (Step("pause", {}), {}, False, False),
        (Step("pause", {}), BAD, True, False),
        (Step("pause", {}, "ValueError"), BAD, True, False),
        (Step("pause", {}, "StateError"), {**BAD, "remediation": None}, True, True),
        (Step("pause", {}, "StateError"), {k: BAD[k] for k in BAD if k != "error"}, True, False),
    ],
)
def test_an_answer(step: Step, answer: dict[str, object], is_error: bool, holds: bool) -> None:
    """The type of the error, the mark, what every answer has, and what this one has to have."""
    assert (wrong_with(step, answer, is_error=is_error) is None) is holds


def test_every_action_succeeds_and_fails_in_the_steps() -> None:
    """The script itself leaves none out; the report's four groups are the fourteen."""
    told = steps("x_v1", {})
    for success in (True, False):
        assert {each.action for each in told if (each.expects == SUCCESS) is success} >= {*Action}
    assert sorted(each for group in GROUPS.values() for each in group) == sorted(Action)


def _call(action: str, expected: str, problem: str | None = None) -> CallResult:
    return CallResult(
        action=action, expected=expected, answered=expected, took_ms=1, problem=problem
    )


def _walk(*, completed: bool = True, problem: str | None = None) -> WalkResult:
    return WalkResult(
        workflow_type="a_v1",
        version="1",
        origin=Origin.SOURCE,
        phases=1,
        tasks=0,
        refused=1,
        completed=completed,
        problem=problem,
    )


def test_what_keeps_it_from_holding() -> None:
    """A wrong answer, an action never seen to fail, a walk that failed, too few walks."""
    every = [_call(action, kind) for action in Action for kind in (SUCCESS, "ValueError")]
    assert not list(problems(every, [_walk()] * 3))
    assert list(problems(every[:-1], [_walk()] * 3)) == ["get_errors: it was never seen to fail"]
    assert list(problems([*every, _call("pause", SUCCESS, "odd")], [_walk()] * 3)) == [
        "pause (success): odd"
    ]
    (failed,) = problems(every, [*[_walk()] * 3, _walk(completed=False, problem="stuck")])
    assert failed == "workflow a_v1: stuck"
    (few,) = problems(every, [_walk()] * 2)
    assert "2 workflows" in few


def test_how_long_it_took() -> None:
    """The middle counts, so that one slow answer among many is none."""
    (found,) = latencies([("get_state", 1.0), ("get_state", 3.0), ("get_state", 900.0)])
    assert (found.calls, found.median_ms, found.longest_ms, found.within) == (3, 3.0, 900.0, True)
    (slow,) = latencies([("get_state", 60.0)])
    assert not slow.within
