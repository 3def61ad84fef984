"""What makes sense next with an upgrade's session: only what would not be refused."""

from collections.abc import Mapping

from aos_upgrade_plugin.decide.run.sessions import at_rest, is_driven
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession

_S = SessionStatus
_AT_REST = ("get_task", "complete_phase", "pause", "rollback", "get_phase")
_SOMEBODY_ELSE_WORKS = ("get_state", "get_errors")
_OVER = ("get_session", "list_workflows", "delete_session")
_IN: Mapping[SessionStatus, tuple[str, ...]] = {
    _S.ACTIVE: _SOMEBODY_ELSE_WORKS,
    _S.PAUSED: ("resume", "get_state"),
    _S.FAILED: ("get_errors", "rollback", "get_phase"),
    _S.COMPLETED: _OVER,
    _S.ROLLED_BACK: _OVER,
    _S.INCONSISTENT: ("get_errors", "rollback", "get_session"),
}


def upgrade_moves(session: WorkflowSession, *, interrupted: bool, works: bool) -> list[str]:
    """Return what makes sense now, the most likely first.

    ``works`` where a command of the tool's is at work on it; one of a terminal's is told by the
    session, which is neither interrupted nor at rest then.
    """
    driven, status = is_driven(session), session.session_status
    if works:
        return ["get_state", "complete_phase" if driven else "get_errors"]
    if interrupted:
        return ["resume", "rollback", "get_state"]
    if driven and status is SessionStatus.FAILED:
        return ["get_errors", "retry_phase", "rollback", "get_phase"]
    if status is SessionStatus.ACTIVE and at_rest(session):
        return [*_AT_REST]
    return [*_IN[status]]
