"""The sessions of an installation: saved, listed, loaded and deleted.

Reading takes no lock and writes nothing. Who writes holds the store's own lock for that moment
and says which revision he has seen.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session import session_files
from aos_upgrade_plugin.effects.session.lock import hold_briefly
from aos_upgrade_plugin.effects.tree import durable, journal
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.transaction import leftovers
from aos_upgrade_plugin.errors import DamagedError, NotFoundError, RefusedError, StaleError
from aos_upgrade_plugin.models.base import SESSION_ID, SessionId
from aos_upgrade_plugin.models.session import DeletedSession, WorkflowSession

HISTORY = "history.jsonl"
STATE = "state"


class Stored(NamedTuple):
    """What there is of one session."""

    session_id: SessionId
    session: WorkflowSession | None
    """Nothing where no state of it can be read."""
    problem: str | None
    """What is damaged, and which state was taken instead."""


def save(install: Path, session: WorkflowSession, *, moves_in: bool = False) -> WorkflowSession:
    """Save a session durably and return it as saved: one revision on, with the time.

    A session of revision 0 is a new one; so is one that ``moves_in`` from another store, and who
    saw it there loses against this one. Raises StaleError where somebody saved or deleted it
    since it was read, BusyError, RefusedError; then nothing was saved. After a DiskError the state
    is the one before or this one.
    """
    with as_disk_error("saving the session"), _writing(install) as folder:
        found = _find(install, session.session_id)
        there = found.session if found else None
        deleted = found is None and session.revision > 0 and not moves_in
        if deleted or (there and there.revision > session.revision):
            raise _lost_race(session, there)
        saved = session.model_copy(
            update={"revision": session.revision + 1, "last_updated": datetime.now(UTC)}
        )
        session_files.write(folder, saved)
    return saved


def load(install: Path, session_id: SessionId) -> Stored:
    """Return the newest whole state of a session, with a word about newer ones that are not.

    Where no file of it is whole, it is rebuilt from what an open transaction wrote down.
    Raises NotFoundError; DamagedError where nothing of it can be read.
    """
    with as_disk_error("reading the session"):
        found = _find(install, session_id)
    if found is None:
        raise NotFoundError(
            f"there is no session {session_id!r}",
            cure="look which there are: aos-upgrade sessions list",
        )
    if found.session is None:
        raise DamagedError(
            f"the session {session_id} cannot be read: {found.problem}",
            cure="look at the installation with aos-upgrade status; restore it with aos-upgrade "
            f"backups restore if needed; then aos-upgrade sessions delete {session_id}",
        )
    return found


def there(install: Path, session_id: SessionId) -> bool:
    """Say whether there is anything of a session."""
    with as_disk_error("looking for the session"):
        return _find(install, session_id) is not None


def count(install: Path) -> int:
    """Return how many sessions have a file, without reading any."""
    with as_disk_error("counting the sessions"):
        return len(session_files.names(_folder(install)))


def stored(install: Path) -> tuple[Stored, ...]:
    """Return every session, damaged ones too, ordered by name."""
    with as_disk_error("reading the sessions"):
        ids = session_files.names(_folder(install)) | _in_journals(install)
        found = (_find(install, session_id) for session_id in sorted(ids))
        return tuple(each for each in found if each is not None)


def delete(install: Path, session_id: SessionId, *, reason: str) -> bool:
    """Remove a session's files and say whether there were any; the reason stays in the history.

    Raises RefusedError, with nothing changed, where one of them is a folder.
    """
    with as_disk_error("deleting the session"), _writing(install) as folder:
        session_files.refuse_folders(folder, session_id)
        found = session_files.read(folder, session_id)
        if found.session or found.problems:
            _remember(folder, session_id, found.session, reason)
        return session_files.remove(folder, session_id)


# ---- finding --------------------------------------------------------------------------------


def _find(install: Path, session_id: SessionId) -> Stored | None:
    if SESSION_ID.fullmatch(session_id) is None:
        return None
    session, problems = session_files.read(_folder(install), session_id)
    problem = "; ".join(problems)
    if session is not None:
        older = f"{problem}; the state before it is used" if problem else None
        return Stored(session_id, session, older)
    rebuilt = max(_rebuilt(install, session_id), key=lambda each: each.revision, default=None)
    if rebuilt is not None:
        problem = problem or "its files are missing"
        return Stored(session_id, rebuilt, f"{problem}; rebuilt from the journal of its change")
    return Stored(session_id, None, problem) if problem else None


def _rebuilt(install: Path, session_id: SessionId) -> Iterator[WorkflowSession]:
    """Find the states of a session that its transactions wrote down before they began."""
    ours = (each for each in leftovers(install) if each.parts[-3] == session_id)
    for folder in ours:
        with suppress(DamagedError, ValidationError, OSError):
            found = journal.read(folder)
            session = WorkflowSession.model_validate(found and found[0].session)
            if session.session_id == session_id:
                yield session


def _in_journals(install: Path) -> set[SessionId]:
    return {folder.parts[-3] for folder in leftovers(install)}


# ---- writing --------------------------------------------------------------------------------


def _folder(install: Path) -> Path:
    folder = install / STATE / "workflows"
    for each in (folder.parent, folder):
        if each.is_symlink():
            raise RefusedError(
                f"{each.relative_to(install)} is a link, so what it holds is not this "
                "installation's",
                cure="replace the link with a folder",
            )
    return folder


@contextmanager
def _writing(install: Path) -> Generator[Path]:
    """Hold the store's lock, which nobody holds for longer than one save."""
    folder = _folder(install)
    durable.make_directories(folder, mode=0o700)
    with hold_briefly(folder / ".lock"):
        yield folder


def _lost_race(session: WorkflowSession, there: WorkflowSession | None) -> StaleError:
    name = session.session_id
    what = f"is at revision {there.revision}" if there else "was deleted"
    return StaleError(
        f"the session {name} {what} meanwhile, and this is revision {session.revision} of it",
        cure=f"look at it and do it again: aos-upgrade sessions show {name}",
    )


def _remember(
    folder: Path, session_id: SessionId, session: WorkflowSession | None, reason: str
) -> None:
    """Append the reason of a deletion durably."""
    line = DeletedSession(
        session_id=session_id,
        deleted_at=datetime.now(UTC),
        reason=reason,
        workflow_type=session.workflow_type if session else None,
        session_status=session.session_status if session else None,
    )
    descriptor = disk.open_append(os.fsencode(folder / HISTORY))
    try:
        durable.write_all(descriptor, line.model_dump_json().encode() + b"\n")
        disk.sync(descriptor)
    finally:
        os.close(descriptor)
