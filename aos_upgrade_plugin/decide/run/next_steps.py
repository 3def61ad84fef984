"""What somebody who asks how an installation stands should do next."""

import shlex
from collections.abc import Iterator
from datetime import timedelta

from aos_upgrade_plugin.decide.run.recovery import Move, recovery_move
from aos_upgrade_plugin.decide.run.sessions import at_rest, is_upgrade
from aos_upgrade_plugin.models.lock import HeldBy
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.settings import Scope
from aos_upgrade_plugin.models.status import (
    DamagedBackup,
    LastBackup,
    NextStep,
    OpenTransaction,
    SessionView,
)

_OLD_BACKUP = timedelta(days=7)
_WAITING = {
    SessionStatus.PAUSED: "is paused",
    SessionStatus.FAILED: "failed",
    SessionStatus.INCONSISTENT: "could not be rolled back",
}


def next_steps(
    *,
    lock: HeldBy | None,
    transactions: tuple[OpenTransaction, ...],
    sessions: tuple[SessionView, ...],
    last_backup: LastBackup | None,
    damaged_backups: tuple[DamagedBackup, ...],
) -> tuple[NextStep, ...]:
    """Return what to do, the most urgent first; nothing when all is well."""
    if lock is not None:
        return (_wait(lock),)
    urgent = (*_transactions(transactions, sessions), *_sessions(sessions))
    return (*urgent, *_backup(last_backup, damaged_backups), *_tidying(sessions))


def _wait(lock: HeldBy) -> NextStep:
    if lock.alive or not lock.heirs:
        return NextStep(why="something works on it: wait until it has ended", command=None)
    orphans = " ".join(str(pid) for pid in lock.heirs)
    return NextStep(
        why=f"process {orphans} outlived what started it: wait for it, or end it", command=None
    )


def _transactions(
    transactions: tuple[OpenTransaction, ...], sessions: tuple[SessionView, ...]
) -> Iterator[NextStep]:
    told = {each.session_id for each in sessions if each.interrupted or _goes_on(each)}
    for each in transactions:
        if each.problem is not None:
            yield NextStep(why=each.problem, command="aos-upgrade backups restore")
        elif each.owner not in told:
            yield _unfinished(each)


def _goes_on(view: SessionView) -> bool:
    """Say whether a session waits with what it changed in place, which is no interruption."""
    session = view.session
    if session is None or view.stale:
        return False
    rests = session.session_status is SessionStatus.ACTIVE and at_rest(session)
    return rests or session.session_status is SessionStatus.PAUSED


def _unfinished(transaction: OpenTransaction) -> NextStep:
    what = f"interrupted: {transaction.purpose} of {transaction.owner}"
    if transaction.state is None:
        return NextStep(
            why=f"remains of {transaction.purpose} of {transaction.owner}, which had not begun or"
            " is over; the next command that changes something removes them",
            command="aos-upgrade backups create",
        )
    if recovery_move(transaction.state, purpose=transaction.purpose) is Move.LEAVE:
        return NextStep(
            why=f"{what} is in place and was not confirmed",
            command=f"aos-upgrade rollback {transaction.owner}",
        )
    return NextStep(
        why=f"{what}; the next command that changes something takes it back first",
        command="aos-upgrade backups create",
    )


def _sessions(sessions: tuple[SessionView, ...]) -> Iterator[NextStep]:
    upgraded_since = False
    for each in sessions:
        if each.session is None:
            yield NextStep(
                why=f"damaged: {each.problem}",
                command=f"aos-upgrade sessions show {each.session_id}",
            )
            continue
        if each.turned_back:
            yield NextStep(
                why=f"interrupted: {each.session_id} on its way back",
                command=f"aos-upgrade rollback {each.session_id}",
            )
        elif each.interrupted:
            yield from _interrupted(each.session)
        elif not each.stale:
            yield from _waiting(each.session, upgraded_since=upgraded_since)
        upgraded_since = upgraded_since or is_upgrade(each.session)


def _interrupted(session: WorkflowSession) -> Iterator[NextStep]:
    name = session.session_id
    yield NextStep(
        why=f"interrupted: {name} in phase {session.current_phase}; resume or roll back",
        command=f"aos-upgrade resume {name}",
    )
    yield NextStep(why="or, instead, roll it back", command=f"aos-upgrade rollback {name}")


def _waiting(session: WorkflowSession, *, upgraded_since: bool) -> Iterator[NextStep]:
    if session.session_status is SessionStatus.ACTIVE and at_rest(session):
        yield from _at_rest(session)
    name, waits = session.session_id, _WAITING.get(session.session_status)
    if waits is None:
        return
    command = f"aos-upgrade resume {name}"
    if session.session_status is SessionStatus.INCONSISTENT:
        command = f"aos-upgrade rollback {name}"
    elif session.session_status is SessionStatus.FAILED and is_upgrade(session):
        if upgraded_since:
            return
        waits, command = "failed before it changed anything", _again(session)
    yield NextStep(why=f"{name} {waits}", command=command)


def _at_rest(session: WorkflowSession) -> Iterator[NextStep]:
    name = session.session_id
    yield NextStep(
        why=f"incomplete: {name} is driven phase by phase, and {session.current_phase} is next; "
        "it goes on where it is driven, or to its end by itself",
        command=f"aos-upgrade resume {name}",
    )
    yield NextStep(why="or, instead, roll it back", command=f"aos-upgrade rollback {name}")


def _again(session: WorkflowSession) -> str:
    said = session.options
    part = said.get("only", Scope.ALL)
    only = "" if part == Scope.ALL else f" --only {part}"
    return f"aos-upgrade run --source {shlex.quote(str(said.get('source_path', 'DIR')))}{only}"


def _backup(
    last_backup: LastBackup | None, damaged_backups: tuple[DamagedBackup, ...]
) -> Iterator[NextStep]:
    if damaged_backups:
        yield NextStep(
            why=f"the newest backup leads nowhere: {damaged_backups[0].problem}",
            command="aos-upgrade backups create --full",
        )
    elif last_backup is None:
        yield NextStep(why="there is no backup", command="aos-upgrade backups create")
    elif last_backup.age_s > _OLD_BACKUP.total_seconds():
        yield NextStep(why="the last backup is old", command="aos-upgrade backups create")


def _tidying(sessions: tuple[SessionView, ...]) -> Iterator[NextStep]:
    for each in sessions:
        if each.stale and each.session and each.session.session_status in _WAITING:
            yield NextStep(
                why=f"{each.session_id} was not used for a week, and nothing needs it",
                command=f"aos-upgrade sessions delete {each.session_id}",
            )
