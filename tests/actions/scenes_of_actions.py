"""What is shown of each action: how it succeeds, and everything that it refuses."""

from collections.abc import Callable, Mapping
from typing import Any

from aos_upgrade_plugin.decide.workflow.checkpoint import DEEPEST, MOST_EVIDENCE_BYTES
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.actions.scenes import EVIDENCE, REVIEW, Scene

_WRONG: Mapping[str, object] = {"reset_evidence": "yes", "evidence": "all of it", "options": []}
_TARGETS = {
    "`target_file` is an absolute path": "/etc/passwd",
    "`target_file` leaves the project": "../other/a.py",
    "`target_file` leads out of the project through a link": "elsewhere/a.py",
    "`target_file` is the project itself": ".",
    "`target_file` has a backslash": "src\\parser.py",
    "`target_file` holds what cannot be printed": "src/\n.py",
}


def every_action(scene: Scene) -> None:
    """Show what any action is answered with."""
    scene.fails("there is no such action", "finish_phase", session_id="a_session")
    scene.fails("no action is named", None, session_id="a_session")
    scene.lay_elsewhere()
    scene.fails("there is no installation", "list_workflows")


def list_workflows(scene: Scene) -> None:
    """Show the list, by category too."""
    scene.shows("Every workflow, a broken one with its problem", "list_workflows")
    scene.shows("Of a category that there is not", "list_workflows", category="gardening")
    _refusals(scene, Action.LIST_WORKFLOWS, {"category": "review"})


def start(scene: Scene) -> None:
    """Show a session begun, and everything that cannot be begun."""
    good = {"workflow_type": REVIEW, "target_file": "src/parser.py"}
    scene.shows("A session begins", "start", **good, options={"depth": "thorough"})
    _refusals(scene, Action.START, {**good, "options": {}})
    scene.fails("there is no such workflow", "start", **{**good, "workflow_type": "review_v9"})
    scene.fails("the workflow is broken", "start", **{**good, "workflow_type": "broken_v1"})
    (scene.project / "elsewhere").symlink_to("/")
    for when, target in _TARGETS.items():
        scene.fails(when, "start", **{**good, "target_file": target})
    scene.fails("`options` are too large", "start", **good, options={"notes": "x" * 100_000})
    scene.fails("`options` are nested too deep", "start", **good, options=_nested())
    scene.lay("rollout_v1", total_phases="dynamic")
    dynamic = {**good, "workflow_type": "rollout_v1"}
    scene.fails(
        "the option `total_phases` of a dynamic workflow is too small",
        "start",
        **dynamic,
        options={"total_phases": 1},
    )
    scene.limit_active_sessions(1)
    scene.fails("there are as many active sessions as may be", "start", **good)


def get_phase(scene: Scene) -> None:
    """Show the current phase."""
    name = scene.session("in phase 1")
    scene.shows("The phase that the session is in", "get_phase", session_id=name)
    _refusals(scene, Action.GET_PHASE, {"session_id": name})
    _broken(scene, Action.GET_PHASE, {})


def get_task(scene: Scene) -> None:
    """Show a task taken apart."""
    name = scene.session()
    good = {"session_id": name, "phase": 0, "task_number": 1}
    scene.shows("A task with its steps", "get_task", **good)
    _refusals(scene, Action.GET_TASK, good)
    _broken(scene, Action.GET_TASK, {"phase": 0, "task_number": 1})
    scene.fails("there is no such task", "get_task", **{**good, "task_number": 4})
    scene.fails("the phase has no tasks", "get_task", **{**good, "phase": 1})
    scene.fails("there is no such phase", "get_task", **{**good, "phase": 2})


def complete_phase(scene: Scene) -> None:
    """Show evidence accepted and refused."""
    good = {"phase": 0, "evidence": EVIDENCE}
    scene.shows("The gate opens", "complete_phase", session_id=scene.session(), **good)
    last = {"phase": 1, "evidence": {"report": "docs/review.md"}}
    scene.shows(
        "After the last phase the session is completed",
        "complete_phase",
        session_id=scene.session("in phase 1"),
        **last,
    )
    scene.fails(
        "the checkpoint fails",
        "complete_phase",
        session_id=scene.session(),
        phase=0,
        evidence={"findings": "two", "seen": True},
    )
    name = scene.session()
    _refusals(scene, Action.COMPLETE_PHASE, {"session_id": name, **good})
    _broken(scene, Action.COMPLETE_PHASE, good)
    ask = {"session_id": name, "phase": 0}
    scene.fails("it is another phase", "complete_phase", **{**ask, "phase": 1}, evidence={})
    scene.fails("`evidence` is too large", "complete_phase", **ask, evidence=_large())
    scene.fails("`evidence` is nested too deep", "complete_phase", **ask, evidence=_nested())
    endless = {"findings": float("inf")}
    scene.fails("a number in `evidence` is not finite", "complete_phase", **ask, evidence=endless)
    _states(scene, Action.COMPLETE_PHASE, good, "paused", "failed", "completed")
    _lost(scene, Action.COMPLETE_PHASE, good)


def get_state(scene: Scene) -> None:
    """Show where a session stands."""
    name = scene.session("in phase 1")
    scene.shows("Where the session stands", "get_state", session_id=name)
    _refusals(scene, Action.GET_STATE, {"session_id": name})


def list_sessions(scene: Scene) -> None:
    """Show the sessions."""
    scene.session()
    scene.session("paused")
    scene.damaged()
    scene.shows("Those in one state", "list_sessions", status="paused")
    scene.shows("All of them, the one used last first; a damaged one too", "list_sessions")
    _refusals(scene, Action.LIST_SESSIONS, {"status": "paused"})
    scene.fails("there is no such state", "list_sessions", status="asleep")


def get_session(scene: Scene) -> None:
    """Show all of a session."""
    name = scene.session("in phase 1")
    scene.shows("All that is kept of the session", "get_session", session_id=name)
    _refusals(scene, Action.GET_SESSION, {"session_id": name})


def delete_session(scene: Scene) -> None:
    """Show a session deleted, and one that was not there."""
    name = scene.session()
    _refusals(scene, Action.DELETE_SESSION, {"session_id": name, "reason": "given up"})
    scene.shows("A session goes", "delete_session", session_id=name, reason="given up")
    scene.shows("What is not there is no error", "delete_session", session_id=name)


def pause(scene: Scene) -> None:
    """Show a session put aside."""
    note = "waiting for the author"
    name = scene.session()
    scene.shows("The session waits", "pause", session_id=name, checkpoint_note=note)
    _refusals(scene, Action.PAUSE, {"session_id": scene.session(), "checkpoint_note": note})
    _states(scene, Action.PAUSE, {}, "paused", "failed", "completed")
    _lost(scene, Action.PAUSE, {})


def resume(scene: Scene) -> None:
    """Show a session taken up again."""
    name = scene.session("paused")
    scene.shows("The session goes on", "resume", session_id=name)
    _refusals(scene, Action.RESUME, {"session_id": name})
    _broken(scene, Action.RESUME, {}, "paused")
    _states(scene, Action.RESUME, {}, "active", "failed", "completed")
    _lost(scene, Action.RESUME, {}, "paused")


def retry_phase(scene: Scene) -> None:
    """Show a phase tried again."""
    name = scene.session("failed")
    scene.shows("The phase is tried again", "retry_phase", session_id=name, phase=0)
    good = {"session_id": scene.session("failed"), "phase": 0}
    _refusals(scene, Action.RETRY_PHASE, {**good, "reset_evidence": True})
    _broken(scene, Action.RETRY_PHASE, {"phase": 0}, "failed")
    scene.fails("it is another phase", "retry_phase", **{**good, "phase": 1})
    _states(scene, Action.RETRY_PHASE, {"phase": 0}, "active", "paused", "completed")
    _lost(scene, Action.RETRY_PHASE, {"phase": 0}, "failed")


def rollback(scene: Scene) -> None:
    """Show a session back at an earlier phase."""
    name = scene.session("in phase 1")
    scene.shows("Back to the first phase", "rollback", session_id=name, to_phase=0)
    good = {"session_id": scene.session("in phase 1"), "to_phase": 0}
    _refusals(scene, Action.ROLLBACK, good)
    _broken(scene, Action.ROLLBACK, {"to_phase": 0})
    scene.fails("the phase was not reached", "rollback", **{**good, "to_phase": 2})
    _states(scene, Action.ROLLBACK, {"to_phase": 0}, "paused", "completed")
    _lost(scene, Action.ROLLBACK, {"to_phase": 0})


def get_errors(scene: Scene) -> None:
    """Show what went wrong."""
    name = scene.session("failed")
    scene.shows("What went wrong so far", "get_errors", session_id=name)
    _refusals(scene, Action.GET_ERRORS, {"session_id": name})


SCENES: Mapping[Action, Callable[[Scene], None]] = {
    Action.LIST_WORKFLOWS: list_workflows,
    Action.START: start,
    Action.GET_PHASE: get_phase,
    Action.GET_TASK: get_task,
    Action.COMPLETE_PHASE: complete_phase,
    Action.GET_STATE: get_state,
    Action.LIST_SESSIONS: list_sessions,
    Action.GET_SESSION: get_session,
    Action.DELETE_SESSION: delete_session,
    Action.PAUSE: pause,
    Action.RESUME: resume,
    Action.RETRY_PHASE: retry_phase,
    Action.ROLLBACK: rollback,
    Action.GET_ERRORS: get_errors,
}


# ---- what several actions refuse -----------------------------------------------------------------


def _refusals(scene: Scene, action: Action, good: Mapping[str, Any]) -> None:
    """Show what is refused of the parameters themselves, and sessions that cannot be read."""
    fields = REQUESTS[action].model_fields
    for name in (name for name, field in fields.items() if field.is_required()):
        given = {other: value for other, value in good.items() if other != name}
        scene.fails(f"`{name}` is missing", action, **given)
    for name in fields:
        wrong = {**good, name: _WRONG.get(name, 7 if isinstance(good[name], str) else "first")}
        scene.fails(f"`{name}` is of another type", action, **wrong)
    foreign = "to_phase" if "to_phase" not in fields else "category"
    scene.fails("a parameter that it does not take", action, **good, **{foreign: "x"})
    if "session_id" not in fields:
        return
    scene.fails("`session_id` is no name", action, **{**good, "session_id": "../state"})
    if action is not Action.DELETE_SESSION:
        scene.fails("there is no such session", action, **{**good, "session_id": "never_begun"})
        scene.fails("the session is damaged", action, **{**good, "session_id": scene.damaged()})


def _broken(scene: Scene, action: Action, more: Mapping[str, Any], state: str = "active") -> None:
    name = scene.orphaned(state)
    scene.fails("its workflow was broken meanwhile", action, session_id=name, **more)


def _states(scene: Scene, action: Action, more: Mapping[str, Any], *states: str) -> None:
    for state in states:
        name = scene.session(state)
        asked = {**more, **({"phase": 1} if state == "completed" and "phase" in more else {})}
        scene.fails(f"the session is {state}", action, session_id=name, **asked)


def _lost(scene: Scene, action: Action, more: Mapping[str, Any], state: str = "active") -> None:
    def prepare() -> dict[str, object]:
        return {"action": action, "session_id": scene.session(state), **more}

    scene.loses("somebody else was faster", prepare)


def _nested() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(DEEPEST):
        value = {"in": value}
    return value


def _large() -> dict[str, object]:
    return {"notes": "x" * (MOST_EVIDENCE_BYTES + 1 - len('{"notes":""}'))}
