"""What is said of an upgrade that the tool drives."""

from collections.abc import Mapping
from typing import Any

import pytest

from aos_upgrade_plugin.decide.workflow.claims import Contradiction
from aos_upgrade_plugin.decide.workflow.driven_answers import (
    at_work,
    contradicted,
    report_of,
    stopped,
    tells_of,
    waits_for,
    with_refused_claims,
)
from aos_upgrade_plugin.models.session import PhaseAttempt, PhaseStatus, SessionStatus
from tests.decide.workflow.test_driving import NOW, session_at

S = SessionStatus
KILLED = "the command was killed before it could answer"
RUNNING = (PhaseAttempt(phase=2, status=PhaseStatus.RUNNING, started_at=NOW),)


@pytest.mark.parametrize(
    ("answer", "error", "cure"),
    [
        pytest.param(
            {"status": "rolled_back", "reasons": ["AOS-C001: wrong", "more"], "cure": "mend it"},
            "AOS-C001: wrong",
            "mend it",
            id="its-first-reason",
        ),
        pytest.param(
            {"error": {"message": "the lock of /a/b is held", "cure": "look into /a/log"}},
            "the lock of /a/b is held",
            "look into /a/log",
            id="an-error",
        ),
        pytest.param(
            {"status": "cleanup_incomplete"},
            "the upgrade is cleanup incomplete",
            "see get_errors",
            id="no-reason-at-all",
        ),
        pytest.param({"reasons": ["one\ntwo"]}, "one two", "see get_errors", id="one-line"),
    ],
)
def test_why_an_upgrade_went_no_further(answer: Mapping[str, Any], error: str, cure: str) -> None:
    """The command's own words, in one line."""
    told = stopped(answer, session=session_at(2))
    assert (told["status"], told["checkpoint_passed"]) == ("error", False)
    assert (told["error"], told["remediation"]) == (error, cure)
    assert told["validation_errors"][0]["error"] == error


def test_what_a_killed_command_leaves_to_do() -> None:
    """Between two phases its phase is completed anew; in the middle of one it is resumed."""
    before_it_began = stopped(None, session=session_at(1))
    assert (before_it_began["error"], before_it_began["remediation"]) == (
        KILLED,
        "complete the phase again",
    )
    cut_off = session_at(1).model_copy(update={"phase_history": RUNNING})
    assert stopped(None, session=cut_off)["remediation"] == "take it up again: resume"


@pytest.mark.parametrize("status", [S.FAILED, S.ROLLED_BACK, S.INCONSISTENT])
def test_an_end_is_told_by_the_session_where_no_answer_does(status: SessionStatus) -> None:
    """It is not called killed, and whether it went back is the session's to say."""
    ended = session_at(2, status).model_copy(update={"status_reason": "AOS-C001: /a/b is gone"})
    told = stopped(None, session=ended)
    assert told["error"] == f"the upgrade is {status.replace('_', ' ')}: AOS-C001: /a/b is gone"
    assert told["rolled_back"] is (status is S.ROLLED_BACK)


@pytest.mark.parametrize(
    ("status", "answered", "tells"),
    [
        (S.FAILED, "blocked", True),
        (S.FAILED, "needs_decision", True),
        (S.FAILED, "at_rest", False),
        (S.ROLLED_BACK, "rolled_back", True),
        (S.ROLLED_BACK, "completed", False),
        (S.ROLLED_BACK, None, False),
        (S.INCONSISTENT, "inconsistent", True),
        (S.INCONSISTENT, "rolled_back", False),
    ],
)
def test_which_answer_is_of_the_end(
    status: SessionStatus, answered: str | None, tells: bool
) -> None:
    """What was answered before somebody else ended the session says nothing of that."""
    assert tells_of({"status": answered}, session=session_at(2, status)) is tells


def test_a_handle_says_how_far_it_is() -> None:
    """It has what is known of the command and of the checks."""
    told = at_work(command="resume", since=NOW, done=2, planned=7, session=session_at(3))
    assert told["phase_running"] is True
    assert told["running"] == {
        "command": "resume",
        "phase": 3,
        "since": NOW.isoformat(),
        "checks_done": 2,
        "checks_planned": 7,
    }


def test_what_is_waited_for() -> None:
    """It is no error, and names what a person has to do, in words that can be typed."""
    waiting = session_at(2, S.PAUSED).model_copy(update={"status_reason": "restart /a/server"})
    told = waits_for(waiting)
    assert "status" not in told
    assert (told["waits_for"], told["next_actions"][0]) == ("restart /a/server", "resume")


def test_a_refused_claim_has_both_values_and_is_kept() -> None:
    """The phase stays measured: all that is left to do is to claim the truth."""
    found = (
        Contradiction("files_copied", 4, 3),
        Contradiction("backup_path", "/a/b/c", None),
    )
    told = contradicted(found, phase=1)
    assert (told["phase_measured"], told["checkpoint_passed"]) == (True, False)
    assert told["contradictions"] == [
        {"field": "files_copied", "claimed": 4, "measured": 3},
        {"field": "backup_path", "claimed": "/a/b/c", "measured": None},
    ]
    assert told["next_actions"] == ["complete_phase", "get_state"]
    after = with_refused_claims(session_at(1), found, now=NOW)
    assert after.completed_phases == (0, 1)
    (error,) = after.errors
    assert "files_copied is 3, and 4 was claimed" in error.message


def test_what_is_shown_of_a_report() -> None:
    """Not where things are on this machine, at any depth."""
    report = {
        "status": "rolled_back",
        "installation": "/a/b/.praxis-os",
        "reasons": ["/a/b/file moved"],
        "phases": [{"name": "Content", "problems": ["in /a/b/log", 3, None]}],
        "rollback": {"performed": True, "set_aside": ["kept/it"]},
    }
    shown = report_of(report)
    assert shown == {
        "status": "rolled_back",
        "reasons": ["/a/b/file moved"],
        "phases": [{"name": "Content", "problems": ["in /a/b/log", 3, None]}],
        "rollback": {"performed": True, "set_aside": ["kept/it"]},
    }
    assert report_of(None) == {}
