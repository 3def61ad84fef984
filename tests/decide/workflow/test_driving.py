"""How a driven upgrade goes from phase to phase."""

from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.decide.run.sessions import DRIVEN, at_rest
from aos_upgrade_plugin.decide.workflow.driving import (
    accepted,
    answers_of,
    at_the_beginning,
    driven,
    evidence_measured,
    is_dry,
    is_over,
    refused_to_begin,
)
from aos_upgrade_plugin.errors import StateError
from aos_upgrade_plugin.models.session import (
    PhaseAttempt,
    PhaseStatus,
    SessionStatus,
    WorkflowSession,
)

NOW = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
PHASES = range(6)
S = SessionStatus


def session_at(
    phase: int, status: SessionStatus = S.ACTIVE, *, only: str = "all", dry_run: bool = False
) -> WorkflowSession:
    """Return a driven upgrade that has measured a phase, and whatever came before it."""
    skipped = {"all": set(), "content": {3}, "server": {2}}[only]
    behind = tuple(number for number in range(phase + 1) if number not in skipped)
    return WorkflowSession(
        session_id="one",
        workflow_type="agent_os_upgrade_v1",
        target_file="mcp_server",
        session_status=status,
        current_phase=phase,
        total_phases=6,
        completed_phases=behind,
        phase_artifacts={number: {"evidence": {}} for number in behind},
        phase_history=tuple(
            PhaseAttempt(phase=number, status=PhaseStatus.COMPLETED, started_at=NOW)
            for number in behind
        ),
        created_at=NOW,
        last_updated=NOW,
        options={"only": only, "dry_run": dry_run},
        metadata={DRIVEN: True, "waivers": []},
    )


@pytest.mark.parametrize(
    ("only", "measured", "following"),
    [
        ("all", 0, 1),
        ("all", 1, 2),
        ("all", 2, 3),
        ("all", 3, 4),
        ("all", 4, 5),
        ("content", 1, 2),
        ("content", 2, 4),
        ("server", 1, 3),
        ("server", 3, 4),
    ],
)
def test_the_phase_that_follows(only: str, measured: int, following: int) -> None:
    """It is the next one of those that the upgrade has; nothing else changes."""
    before = session_at(measured, only=only)
    after = accepted(before, phases=PHASES)
    assert after == before.model_copy(update={"current_phase": following})


def test_accepting_a_phase_twice_leads_to_the_same_phase() -> None:
    """Whoever asks again does not pass over one."""
    once = accepted(session_at(2), phases=PHASES)
    assert accepted(once, phases=PHASES) == once


@pytest.mark.parametrize("only", ["all", "content", "server"])
def test_a_dry_run_ends_with_its_last_phase(only: str) -> None:
    """There is no gate that would end it."""
    after = accepted(session_at(5, only=only, dry_run=True), phases=PHASES)
    assert (after.session_status, after.current_phase) == (S.COMPLETED, 5)
    assert after.status_reason == "a dry run: nothing was changed"
    assert is_over(after)
    assert is_dry(after)


@pytest.mark.parametrize("status", [S.ACTIVE, S.FAILED, S.PAUSED])
def test_back_at_the_beginning(status: SessionStatus) -> None:
    """Nothing is behind it, and it can go on; what happened stays in its history."""
    before = session_at(1, status)
    after = at_the_beginning(before)
    assert (after.session_status, after.current_phase) == (S.ACTIVE, 0)
    assert (after.completed_phases, after.phase_artifacts) == ((), {})
    assert after.phase_history == before.phase_history
    assert at_rest(after)


@pytest.mark.parametrize("status", [S.COMPLETED, S.ROLLED_BACK, S.INCONSISTENT])
def test_what_is_over_does_not_begin_again(status: SessionStatus) -> None:
    """Another upgrade has to be started."""
    with pytest.raises(StateError):
        at_the_beginning(session_at(1, status))


def test_what_pre_flight_refuses() -> None:
    """It failed in phase 0 with every reason; of its phases none counts."""
    after = refused_to_begin(session_at(1), reasons=("one", "two", "three"), cure="do it", now=NOW)
    assert (after.session_status, after.status_reason) == (S.FAILED, "one")
    assert (after.current_phase, after.completed_phases) == (0, ())
    (error,) = after.errors
    assert (error.phase, error.message, error.details) == (0, "one", "two\nthree")
    assert error.remediation == "do it"


def test_the_answers_that_it_was_begun_with_stay() -> None:
    """A new plan decides conflicts as the first one did; and it is known as driven."""
    plain = session_at(0).model_copy(update={"metadata": {"waivers": []}})
    answers: JsonValue = [{"path": "a", "decision": "keep"}]
    begun = driven(plain, answers=answers)
    assert answers_of(begun) == answers
    assert begun.metadata == {"waivers": [], DRIVEN: True, "answers": answers}
    assert not at_rest(plain)
    assert at_rest(begun)
    assert answers_of(driven(plain, answers=None)) is None


@pytest.mark.parametrize("phase", PHASES)
def test_nothing_has_to_be_claimed(phase: int) -> None:
    """Every phase says what its gate measures, and asks for none of it."""
    fields = evidence_measured(phase)
    assert fields
    assert all(each["measured"] and not each["required"] for each in fields.values())
