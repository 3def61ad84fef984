"""A session deleted: only one that nothing needs any more, and the reason is kept."""

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.run.sessions import is_upgrade, refuse_deletion
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.errors import DamagedError, NotFoundError, StateError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.phases.holding import holding
from aos_upgrade_plugin.phases.overview import backup_names, open_transactions
from aos_upgrade_plugin.phases.recovery import Recovered


class Deletion(NamedTuple):
    """What became of a session that was to be deleted."""

    deleted: bool
    """No where it was not there."""
    recovered: tuple[Recovered, ...] = ()


def delete_session(install: Path, session_id: SessionId, *, reason: str, command: str) -> Deletion:
    """Delete a session. Raises StateError for one that is still needed, BusyError.

    An upgrade's session is deleted under the upgrade lock, so that no run loses its own; so is
    one that cannot be read: it may be an upgrade's.
    """
    try:
        found = _found(install, session_id)
    except NotFoundError:
        return Deletion(deleted=False)
    if found is not None and not is_upgrade(found):
        return Deletion(sessions.delete(install, session_id, reason=reason))
    with holding(install, session=None, command=command) as held:
        with suppress(NotFoundError):  # it was in a journal only, and is taken back now
            _refuse(held.install, session_id)
        return Deletion(sessions.delete(held.install, session_id, reason=reason), held.recovered)


def _found(install: Path, session_id: SessionId) -> WorkflowSession | None:
    try:
        return sessions.load(install, session_id).session
    except DamagedError:
        return None


def _refuse(install: Path, session_id: SessionId) -> None:
    """Raise StateError where the session is needed, as it stands now that we hold the lock."""
    waiting = [each.purpose for each in open_transactions(install) if each.owner == session_id]
    session = _found(install, session_id)
    if session is not None:
        refuse_deletion(session=session, open_transactions=waiting, backups=backup_names(install))
    elif waiting:
        raise StateError(
            f"the session {session_id} cannot be read, and its change is neither finished nor "
            f"taken back: {', '.join(waiting)}",
            cure="restore a backup first: aos-upgrade backups list",
        )
