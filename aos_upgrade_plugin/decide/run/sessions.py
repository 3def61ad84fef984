"""What may become of a session, what it is called, and when it is in nobody's way any more."""

import re
from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from aos_upgrade_plugin.errors import StateError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.session import (
    BackupName,
    PhaseAttempt,
    PhaseStatus,
    SessionStatus,
    WorkflowSession,
)
from aos_upgrade_plugin.models.status import SessionView

UPGRADE_WORKFLOWS = frozenset({"agent_os_upgrade_v1", "praxis_os_upgrade_v1"})
"""The workflows that change an installation; the second is an alias of the first."""

STALE_AFTER = timedelta(days=7)

BOUND_BACK = "goes_back"
"""Set in the metadata of an upgrade that goes back, with the reasons: nothing goes on then."""

DRIVEN = "driven"
"""Set in the metadata of an upgrade that somebody outside takes from phase to phase."""

_ANYTHING_ELSE = re.compile(r"[^a-z0-9]+")
_S = SessionStatus

_LEADS_TO: dict[SessionStatus, frozenset[SessionStatus]] = {
    _S.ACTIVE: frozenset({_S.PAUSED, _S.COMPLETED, _S.FAILED}),
    _S.PAUSED: frozenset({_S.ACTIVE}),
    _S.FAILED: frozenset({_S.ACTIVE}),
    _S.COMPLETED: frozenset(),
    _S.ROLLED_BACK: frozenset(),
    _S.INCONSISTENT: frozenset(),
}
_UPGRADE_LEADS_TO: dict[SessionStatus, frozenset[SessionStatus]] = {
    _S.ACTIVE: frozenset({_S.ROLLED_BACK, _S.INCONSISTENT}),
    _S.PAUSED: frozenset({_S.ROLLED_BACK, _S.INCONSISTENT}),
    _S.FAILED: frozenset({_S.ROLLED_BACK, _S.INCONSISTENT}),
    # Going back after a completed run needs its backup; that it is there is for rollback to see.
    _S.COMPLETED: frozenset({_S.ROLLED_BACK, _S.INCONSISTENT}),
    _S.ROLLED_BACK: frozenset(),
    # Going back may be tried again.
    _S.INCONSISTENT: frozenset({_S.ROLLED_BACK}),
}
_OVER = frozenset({_S.COMPLETED, _S.ROLLED_BACK})


def session_id(*, workflow_type: str, target_file: str, now: datetime, random: str) -> SessionId:
    """Return a readable name for a new session; ``random`` makes it unique within its second."""
    target = _slug(target_file)[:40].strip("_") or "project"
    return f"{_slug(workflow_type)[:50]}_{target}_{now:%Y%m%d%H%M%S}_{_slug(random)[:8]}"


def _slug(text: str) -> str:
    return _ANYTHING_ELSE.sub("_", text.lower()).strip("_")


def is_upgrade(session: WorkflowSession) -> bool:
    """Say whether a session changes an installation."""
    return session.workflow_type in UPGRADE_WORKFLOWS


def is_driven(session: WorkflowSession) -> bool:
    """Say whether an upgrade waits after each phase until somebody outside lets it go on."""
    return session.metadata.get(DRIVEN) is True


def at_rest(session: WorkflowSession) -> bool:
    """Say whether a driven upgrade is between two phases, where no process has to run it.

    One that is bound back, and did not come there, is not: it was cut off on its way.
    """
    return (
        is_driven(session)
        and BOUND_BACK not in session.metadata
        and not any(each.status is PhaseStatus.RUNNING for each in session.phase_history)
    )


def allowed(session: WorkflowSession) -> frozenset[SessionStatus]:
    """Return the states that a session may go to from where it is."""
    states = _LEADS_TO[session.session_status]
    return states | _UPGRADE_LEADS_TO[session.session_status] if is_upgrade(session) else states


def moved(*, session: WorkflowSession, to: SessionStatus, reason: str) -> WorkflowSession:
    """Return a session in another state; raise StateError where that may not follow."""
    if to not in allowed(session):
        states = ", ".join(sorted(allowed(session))) or "nothing else"
        raise StateError(
            f"the session {session.session_id} is {session.session_status}, "
            f"which allows {states}, not {to}",
            cure=f"look at it: aos-upgrade sessions show {session.session_id}",
        )
    return session.model_copy(update={"session_status": to, "status_reason": reason})


def interrupted(*, session: WorkflowSession, running: SessionId | None) -> bool:
    """Say whether an upgrade is active and no process runs it.

    ``running`` is the session of whoever holds the upgrade lock. Other workflows, and an upgrade
    that is driven from outside, need no process between two calls.
    """
    return (
        is_upgrade(session)
        and session.session_status is SessionStatus.ACTIVE
        and session.session_id != running
        and not at_rest(session)
    )


def attempts_ended(
    session: WorkflowSession, status: PhaseStatus, now: datetime
) -> tuple[PhaseAttempt, ...]:
    """Return the attempts of a session with the one ended that is running, if there is one."""
    return tuple(
        each.model_copy(update={"status": status, "completed_at": now})
        if each.status is PhaseStatus.RUNNING
        else each
        for each in session.phase_history
    )


def over(session: WorkflowSession) -> bool:
    """Say whether a session has come to its end, well or taken back."""
    return session.session_status in _OVER


def needs_backup(session: WorkflowSession) -> bool:
    """Say whether a session may still have to go back to its backup."""
    return session.backup is not None and not over(session)


def backups_needed(sessions: Iterable[WorkflowSession]) -> frozenset[BackupName]:
    """Return the backups that must not be removed."""
    return frozenset(each.backup for each in sessions if each.backup and needs_backup(each))


def stale(*, session: WorkflowSession, now: datetime, backups: Collection[BackupName]) -> bool:
    """Say whether a session may be offered for cleaning up; ``backups`` are those there are.

    Never one that can still go back to its backup, a completed one neither.
    """
    may_go_back = session.backup in backups and session.session_status is not _S.ROLLED_BACK
    return now - session.last_updated > STALE_AFTER and not may_go_back


def matching(
    *, sessions: Iterable[SessionView], status: SessionStatus | None
) -> tuple[SessionView, ...]:
    """Return the sessions in a state, or all; the one that was used last comes first.

    One that cannot be read is never left out: nobody knows its state. It comes before the others.
    """
    found = [each for each in sessions if _fits(each.session, status)]
    return tuple(sorted(found, key=_last_used, reverse=True))


def _fits(session: WorkflowSession | None, status: SessionStatus | None) -> bool:
    return session is None or status in {None, session.session_status}


def _last_used(view: SessionView) -> tuple[bool, float, SessionId]:
    if view.session is None:
        return True, 0, view.session_id
    return False, view.session.last_updated.timestamp(), view.session_id


def refuse_deletion(
    *,
    session: WorkflowSession,
    open_transactions: Collection[str],
    backups: Collection[BackupName],
) -> None:
    """Raise StateError for a session that is still needed; nobody runs it now.

    ``open_transactions`` are the purposes of the session's own; ``backups`` are those there are.
    """
    name = session.session_id
    if open_transactions:
        raise StateError(
            f"the session {name} is {session.session_status}, with a change that is neither "
            f"finished nor taken back: {', '.join(open_transactions)}",
            cure="finish it or roll it back first: aos-upgrade status says how",
        )
    if is_upgrade(session) and needs_backup(session) and session.backup in backups:
        raise StateError(
            f"the session {name} is {session.session_status} and may need its backup "
            f"{session.backup}; one that is completed or rolled back may be deleted",
            cure="finish it or roll it back first: aos-upgrade status says how",
        )
