"""One session on the disk: a file for its newest state and one for the state before it.

Each file is JSON and carries the digest of what it holds, so that a damaged one is never
believed.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import is_folder, read_bytes
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.base import SESSION_ID, SessionId
from aos_upgrade_plugin.models.session import WorkflowSession

NEWEST, NEXT, PREVIOUS = ".json", ".next.json", ".previous.json"
"""Endings of file names. ``NEXT`` is there only while a session is saved, or after a kill."""

# The newest is looked for twice: without an atomic exchange its name is missing for a moment.
_READ_ORDER = (NEWEST, NEXT, NEWEST, PREVIOUS)
_MOST_BYTES = 64 << 20
_SEAL, _AND, _END = b'{"sha256": "', b'",\n"session": ', b"}\n"


class UnreadableError(ValueError):
    """A file is not what was written; says why."""


class Generations(NamedTuple):
    """What was found of a session."""

    session: WorkflowSession | None
    """The newest state that is whole."""
    problems: tuple[str, ...]
    """Why it is not the newest state of all, one for each file."""


def names(folder: Path) -> set[SessionId]:
    """Return the sessions of which there is any file."""
    with suppress(FileNotFoundError), os.scandir(folder) as listing:
        found = (each.name.partition(".") for each in listing)
        endings = {NEWEST, NEXT, PREVIOUS}
        return {name for name, dot, rest in found if dot + rest in endings and _is_id(name)}
    return set()


def read(folder: Path, session_id: SessionId) -> Generations:
    """Return the newest whole state of a session, and what is wrong with newer ones."""
    problems: dict[str, str] = {}
    for ending in _READ_ORDER:
        try:
            session = _read_one(folder / f"{session_id}{ending}", session_id)
        except FileNotFoundError:
            continue
        except UnreadableError as error:
            if ending != NEXT:  # a kill leaves a torn one: nothing that was ever saved
                problems[ending] = f"{session_id}{ending} {error}"
        else:
            if ending == PREVIOUS and not problems:
                problems[NEWEST] = f"{session_id}{NEWEST} is missing"
            return Generations(session, tuple(problems.values()))
    return Generations(None, tuple(problems.values()))


def write(folder: Path, session: WorkflowSession) -> None:
    """Save a state durably; the newest so far becomes the one before it, if it is whole.

    Whatever interrupts this, the new state or the newest so far can be read afterwards, and the
    one before it. Raises RefusedError for one that is too large to be read again.
    """
    content = _sealed(session)
    if len(content) > _MOST_BYTES:  # it could not be read again
        raise RefusedError(
            f"the session {session.session_id} would be larger than {_MOST_BYTES >> 20} MiB",
            cure="keep large results in files, and name the files in the evidence",
        )
    newest, following, previous = _locations(folder, session.session_id)
    keep = _is_whole(newest, session.session_id)
    if os.path.lexists(following):
        if not keep and _is_whole(following, session.session_id):
            disk.rename(following, newest)  # a save was killed between its two renames
            keep = True
        else:
            disk.remove(following)
    try:
        _write_synced(following, content)
        if keep:
            _rotate(newest, following, previous)
        else:
            disk.rename(following, newest)
        durable.sync_directory(os.fsencode(folder))
    except OSError:
        if os.path.lexists(newest):  # else it is the only one with this or a later state
            with suppress(OSError):
                disk.remove(following)
        raise


def refuse_folders(folder: Path, session_id: SessionId) -> None:
    """Raise RefusedError where a folder has the name of one of a session's files."""
    for location in _locations(folder, session_id):
        if is_folder(location):
            path = Path(os.fsdecode(location))
            raise RefusedError(
                f"{path.relative_to(folder.parents[1])} is a folder, and none of ours",
                cure="move it away, then run the command again",
            )


def remove(folder: Path, session_id: SessionId) -> bool:
    """Remove every file of a session, the newest last; say whether there was any."""
    found = False
    for location in reversed(_locations(folder, session_id)):
        with suppress(FileNotFoundError):
            disk.remove(location)
            found = True
    if found:
        durable.sync_directory(os.fsencode(folder))
    return found


def _locations(folder: Path, session_id: SessionId) -> tuple[bytes, bytes, bytes]:
    newest, following, previous = (
        os.fsencode(folder / f"{session_id}{ending}") for ending in (NEWEST, NEXT, PREVIOUS)
    )
    return newest, following, previous


def _write_synced(location: bytes, data: bytes) -> None:
    descriptor = disk.create(location)
    try:
        durable.write_all(descriptor, data)
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def _rotate(newest: bytes, following: bytes, previous: bytes) -> None:
    try:
        disk.exchange(following, newest)
    except disk.ExchangeUnsupportedError:
        disk.rename(newest, previous)
        disk.rename(following, newest)
    else:
        with suppress(OSError):  # it is saved; under this name the state before is found, too
            disk.rename(following, previous)


# ---- one file -------------------------------------------------------------------------------


def _is_id(name: str) -> bool:
    return SESSION_ID.fullmatch(name) is not None


def _is_whole(location: bytes, session_id: SessionId) -> bool:
    try:
        _read_one(Path(os.fsdecode(location)), session_id)
    except (FileNotFoundError, UnreadableError):
        return False
    return True


def _sealed(session: WorkflowSession) -> bytes:
    content = session.stored()
    digest = hashlib.sha256(content).hexdigest().encode()
    return _SEAL + digest + _AND + content + _END


def _read_one(path: Path, session_id: SessionId) -> WorkflowSession:
    try:
        raw = read_bytes(path, most_bytes=_MOST_BYTES)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnreadableError(f"cannot be read: {error.strerror}") from error
    digest, _, rest = raw.removeprefix(_SEAL).partition(_AND)
    content = rest.removesuffix(_END)
    if raw != _SEAL + digest + _AND + content + _END:
        raise UnreadableError("is cut off or was never a session")
    if hashlib.sha256(content).hexdigest().encode() != digest:
        raise UnreadableError("is not what was written: its checksum does not fit")
    try:
        session = WorkflowSession.model_validate_json(content)
    except ValidationError as error:
        raise UnreadableError(
            f"is of another version of this tool ({error.error_count()} fields do not fit)"
        ) from error
    if session.session_id != session_id:
        raise UnreadableError(f"holds another session, {session.session_id}")
    return session
