"""Sessions of driven upgrades between two calls: what is refused, what is said, what is next."""

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue
from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool
from aos_upgrade_plugin.decide.run.sessions import BOUND_BACK, DRIVEN
from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.effects.session import detached, run_folder, sessions
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.errors import StaleError, StateError
from aos_upgrade_plugin.models.session import (
    PhaseAttempt,
    PhaseStatus,
    SessionError,
    SessionStatus,
    WorkflowSession,
)
from aos_upgrade_plugin.plugins import Plugins
from tests.actions.workflow_places import lay_installation, tool_at

Answer = dict[str, Any]
Call = Callable[..., Answer]
S = SessionStatus
NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
NAME = "agent_os_upgrade_v1_mcp_server_20261121123000_00000000"
CHANGES = ("pause", "complete_phase", "retry_phase", "resume", "rollback", "delete_session")
NEEDS: Mapping[str, Mapping[str, object]] = {
    "complete_phase": {"phase": 2, "evidence": {}},
    "retry_phase": {"phase": 2},
    "rollback": {"to_phase": 0},
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lay down an installation, and give the user a home of their own."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    return lay_installation(tmp_path / "project")


@pytest.fixture
def call(install: Path) -> Call:
    """Call the tool about the session."""
    tool = tool_at(install)

    def ask(action: str, **arguments: object) -> Answer:
        every = {"session_id": NAME, **NEEDS.get(action, {}), **arguments}
        return tool.call({"action": action, **every})

    return ask


def session_in(status: SessionStatus = S.ACTIVE, **fields: Any) -> WorkflowSession:  # noqa: ANN401
    """Return a driven upgrade in phase 2, of which phases 0 and 1 have passed."""
    return WorkflowSession(
        session_id=NAME,
        workflow_type="agent_os_upgrade_v1",
        target_file="mcp_server",
        session_status=status,
        current_phase=2,
        total_phases=6,
        completed_phases=(0, 1),
        created_at=NOW,
        last_updated=NOW,
        **{"metadata": {DRIVEN: True}, **fields},
    )


def working_in(phase: int) -> tuple[PhaseAttempt, ...]:
    """Return the history of a session in the middle of a phase."""
    return (PhaseAttempt(phase=phase, status=PhaseStatus.RUNNING, started_at=NOW),)


def a_command_works(tmp_path: Path, *, answer: Mapping[str, object] | None = None) -> None:
    """Leave a record with the user that a command is at work; ended, where it has an answer."""
    (state,) = (path for path in [run_folder.user_state()] if path.is_relative_to(tmp_path))
    kept = state / "detached" / NAME
    kept.mkdir(parents=True)
    born = moments.birth(psutil.Process()).model_dump(mode="json")
    record = {"pid": os.getpid(), "born": born, "since": NOW.isoformat(), "arguments": ["resume"]}
    if answer is not None:
        record["pid"] = 2**22 + 1
        (kept / "answer.json").write_text(json.dumps(answer))
    (kept / "command.json").write_text(json.dumps(record))


@pytest.mark.parametrize("begun", [True, False])
def test_nothing_is_changed_under_a_command_that_works(
    call: Call, install: Path, tmp_path: Path, begun: bool
) -> None:
    """Who asks is told to wait, and the session is the one that the command has seen."""
    place = install if begun else run_folder.with_user(install)
    sessions.save(place, session_in())
    a_command_works(tmp_path)
    for action in CHANGES:
        answer = call(action)
        told = answer["error_type"] if answer["status"] == "error" else answer["phase_running"]
        refused = action in {"pause", "retry_phase", "delete_session"}
        assert told == ("StateError" if refused else True), answer
    after = sessions.load(place, NAME).session
    assert after is not None
    assert after.revision == 1


@pytest.mark.parametrize("looks", ["get_state", "get_phase", "get_session", "get_errors"])
def test_what_works_is_not_called_interrupted(
    call: Call, install: Path, tmp_path: Path, looks: str
) -> None:
    """Also while the last gate measures, which wants the lock released."""
    sessions.save(install, session_in(phase_history=working_in(2)))
    a_command_works(tmp_path)
    answer = call(looks)
    assert answer["next_actions"] == ["get_state", "complete_phase"]
    assert not answer.get("interrupted")


def test_who_holds_the_lock_keeps_the_session_as_it_is(call: Call, install: Path) -> None:
    """A rollback of somebody at a terminal would fail halfway under another revision of it."""
    sessions.save(install, session_in())
    with hold(install, session=NAME, command="rollback"):
        answer = call("pause")
    assert (answer["status"], answer["error_type"]) == ("error", "RuntimeError")
    assert "lock" in answer["error"]
    assert call("pause")["session_status"] == "paused"
    found = sessions.load(install, NAME).session
    assert found is not None
    assert found.revision == 2


def test_what_somebody_at_a_terminal_works_on_was_not_interrupted(
    call: Call, install: Path
) -> None:
    """The refusal says that somebody works on it; only when nobody does it was interrupted."""
    sessions.save(install, session_in(phase_history=working_in(2)))
    with hold(install, session=NAME, command="resume"):
        assert "somebody else works" in call("complete_phase")["error"]
        assert call("get_state")["next_actions"] == ["get_state", "get_errors"]
    assert "was interrupted" in call("complete_phase")["error"]


def test_an_upgrade_cut_off_on_its_way_back_is_interrupted(call: Call, install: Path) -> None:
    """It does not wait for its next phase: nothing but going back is left."""
    sessions.save(install, session_in(metadata={DRIVEN: True, BOUND_BACK: ["a gate stayed shut"]}))
    state = call("get_state")
    assert (state["interrupted"], state["next_actions"][0]) == (True, "resume")
    for action in ("pause", "complete_phase"):
        assert call(action)["error_type"] == "StateError"


def test_what_a_phase_waits_for_is_said_to_whoever_asks_again(call: Call, install: Path) -> None:
    """The first answer was a handle only, so it is the second that has to say it."""
    waits = {"status_reason": "start it: cd /a/b", "phase_history": working_in(2)}
    sessions.save(install, session_in(S.PAUSED, **waits))
    assert call("get_state")["status_reason"] == "start it: cd /a/b"
    answer = call("complete_phase")
    assert (answer["status"], answer["waits_for"]) == ("success", "start it: cd /a/b")


@pytest.mark.parametrize("answered", [None, {"status": "at_rest", "reasons": []}])
def test_an_end_is_told_without_the_answer_of_what_came_to_it(
    call: Call, install: Path, tmp_path: Path, answered: Mapping[str, object] | None
) -> None:
    """What the user keeps may be gone, or be of something before; the session knows its end."""
    error = SessionError(
        phase=2, timestamp=NOW, error_type="gate", message="m", remediation="look at /a/b/file"
    )
    ended = {"status_reason": "AOS-C001: /a/b/file is gone", "errors": (error,)}
    sessions.save(install, session_in(S.ROLLED_BACK, **ended))
    if answered is not None:
        a_command_works(tmp_path, answer=answered)
    answer = call("complete_phase")
    assert answer["error"] == "the upgrade is rolled back: AOS-C001: …/file is gone"
    assert (answer["rolled_back"], answer["remediation"]) == (True, "look at …/file")
    assert "/a/b" not in json.dumps([answer, call("get_errors"), call("get_state")])


@pytest.mark.parametrize("plan", [None, "{", '{"schema_version": 0}'])
def test_an_unbegun_upgrade_can_be_deleted_whatever_its_plan_is(
    call: Call, install: Path, plan: str | None
) -> None:
    """It may be gone, or be one that another version wrote; and nothing of it is left."""
    place = run_folder.with_user(install)
    sessions.save(place, session_in())
    if plan is not None:
        (place / NAME).mkdir()
        (place / NAME / "plan.json").write_text(plan)
    assert call("rollback")["remediation"] == "delete the session, and start another one"
    answer = call("delete_session")
    assert (answer["deleted"], answer["already_absent"]) == (True, False)
    assert not (place / NAME).exists()
    assert call("list_sessions", session_id=None)["count"] == 0


def test_what_a_kill_left_in_both_places_is_deleted_in_both(call: Call, install: Path) -> None:
    """Else the session that had not begun would be there again, with a plan of long ago."""
    place = run_folder.with_user(install)
    unbegun = sessions.save(place, session_in())
    sessions.save(install, unbegun, moves_in=True)
    assert call("list_sessions", session_id=None)["count"] == 1
    assert call("delete_session")["deleted"]
    assert call("list_sessions", session_id=None)["count"] == 0


def test_who_saw_a_session_before_it_moved_in_loses(install: Path) -> None:
    """However often it was saved with the user: a later save must not undo that it has begun."""
    place = run_folder.with_user(install)
    unbegun = session_in()
    for _ in range(5):
        unbegun = sessions.save(place, unbegun)
    begun = sessions.save(install, unbegun, moves_in=True)
    with pytest.raises(StaleError):
        sessions.save(install, unbegun)
    assert sessions.load(install, NAME).session == begun


def test_no_second_upgrade_begins_beside_one_at_rest(install: Path) -> None:
    """Two that passed pre-flight together: who comes to the lock second is told of the first."""
    runs.refuse_beside_an_open_one(install)
    begun = sessions.save(install, session_in())
    with pytest.raises(StateError, match=NAME):
        runs.refuse_beside_an_open_one(install)
    over = begun.model_copy(update={"session_status": S.ROLLED_BACK})
    sessions.save(install, over)
    runs.refuse_beside_an_open_one(install)


def test_without_a_home_other_workflows_go_on(
    call: Call, monkeypatch: pytest.MonkeyPatch, install: Path
) -> None:
    """Where nothing can be with the user, nothing is: that is no error of theirs."""
    monkeypatch.setattr(run_folder, "user_state_path", lambda name: Path("~", name))
    name = call("start", session_id=None, workflow_type="review_v1", target_file="a")["session_id"]
    assert call("list_sessions", session_id=None)["count"] == 1
    assert call("get_state", session_id=name)["status"] == "success"
    assert call("delete_session", session_id=name)["deleted"]
    shutil.rmtree(install / "state")
    assert call("get_state", session_id=name)["error_type"] == "NotFoundError"


def test_what_aos_upgrade_run_began_names_only_what_it_takes(call: Call, install: Path) -> None:
    """Its phases are not for the tool to complete, pause or try again."""
    for status in (S.ACTIVE, S.PAUSED, S.FAILED):
        sessions.save(install, session_in(status, metadata={}, phase_history=working_in(2)))
        with hold(install, session=NAME, command="run"):
            named = {*call("get_state")["next_actions"]}
        assert not named & {"complete_phase", "pause", "retry_phase"}, status
        assert call("complete_phase")["error_type"] == "StateError"
        sessions.delete(install, NAME, reason="the next one")


@pytest.mark.parametrize("driven", [True, False])
def test_only_what_stops_no_server_is_waited_for(install: Path, driven: bool) -> None:
    """One that is driven comes to rest before the server's phase; any other goes on through it."""
    metadata = {DRIVEN: True} if driven else {}
    sessions.save(install, session_in(metadata=metadata, phase_history=working_in(2)))
    patient = WorkflowTool(install, Catalogue(Plugins()), patience_s=60.0)
    answer = patient.call({"action": "resume", "session_id": NAME})
    assert answer.get("phase_running", False) is not driven, answer
    while (command := detached.look(NAME)) is not None and command.works:
        time.sleep(0.02)
    assert command is not None
    assert "error" in (command.answer or {})  # there is no plan of it
