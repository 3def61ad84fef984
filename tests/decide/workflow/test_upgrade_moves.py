"""What makes sense next with an upgrade's session, in every state that it can be in."""

import pytest

from aos_upgrade_plugin.decide.run.sessions import BOUND_BACK, DRIVEN
from aos_upgrade_plugin.decide.workflow.upgrade_moves import upgrade_moves
from aos_upgrade_plugin.models.session import PhaseAttempt, PhaseStatus, SessionStatus
from aos_upgrade_plugin.models.workflow_call import Action
from tests.decide.workflow.test_driving import NOW, session_at

S = SessionStatus
RUNNING = (PhaseAttempt(phase=2, status=PhaseStatus.RUNNING, started_at=NOW),)
GOES_ON = {"complete_phase", "pause", "retry_phase", "resume", "rollback"}
"""What leads a session anywhere, of which only what is not refused may be named."""


@pytest.mark.parametrize("driven", [True, False])
@pytest.mark.parametrize(
    ("status", "of_driven", "of_others"),
    [
        (S.ACTIVE, {"complete_phase", "pause", "rollback"}, set()),
        (S.PAUSED, {"resume"}, {"resume"}),
        (S.FAILED, {"retry_phase", "rollback"}, {"rollback"}),
        (S.COMPLETED, set(), set()),
        (S.ROLLED_BACK, set(), set()),
        (S.INCONSISTENT, {"rollback"}, {"rollback"}),
    ],
)
def test_nothing_is_named_that_would_be_refused(
    status: SessionStatus, of_driven: set[str], of_others: set[str], driven: bool
) -> None:
    """At rest; a run that ``aos-upgrade run`` began is gone on with or taken back only."""
    metadata = {DRIVEN: True} if driven else {}
    session = session_at(1, status).model_copy(update={"metadata": metadata})
    moves = upgrade_moves(session, interrupted=False, works=False)
    assert {*moves} & GOES_ON == (of_driven if driven else of_others)
    assert {*moves} <= {*Action}
    assert {*moves} - GOES_ON


def test_while_something_is_at_work_one_can_only_ask() -> None:
    """Asked for by ``complete_phase``, too, which answers with the handle; else by looking."""
    session = session_at(1).model_copy(update={"phase_history": RUNNING})
    assert upgrade_moves(session, interrupted=False, works=True) == ["get_state", "complete_phase"]
    assert upgrade_moves(session, interrupted=False, works=False) == ["get_state", "get_errors"]
    goes_back = session_at(1).model_copy(update={"metadata": {DRIVEN: True, BOUND_BACK: []}})
    assert upgrade_moves(goes_back, interrupted=False, works=False) == ["get_state", "get_errors"]


def test_what_was_interrupted_goes_on_or_back() -> None:
    """Both finish what the kill left."""
    session = session_at(1).model_copy(update={"phase_history": RUNNING})
    assert upgrade_moves(session, interrupted=True, works=False)[:2] == ["resume", "rollback"]
