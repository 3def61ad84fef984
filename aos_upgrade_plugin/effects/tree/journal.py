"""The journal of one transaction: lines that carry their own digest, appended and synced.

A line that a power cut tore is as if it was never written; everything before it stands. The first
is never torn where it counts: see :func:`read`.
"""

import hashlib
import os
import shlex
import stat
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import NoFileError, read_bytes
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.journal import JournalHeader, JournalRecord, JournalState
from aos_upgrade_plugin.models.tree import shown

JOURNAL = "journal.jsonl"
_FOR_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_RESTORE = "restore the installation from a backup: aos-upgrade backups restore"


def begin(folder: Path, header: JournalHeader) -> None:
    """Write the header; afterwards it is durable, and so is the folder's name for it."""
    path = folder / JOURNAL
    descriptor = disk.create(os.fsencode(path))
    try:
        durable.write_all(descriptor, _line(header))
        disk.sync(descriptor)
    finally:
        os.close(descriptor)
    durable.sync_directory(os.fsencode(folder))


def record(folder: Path, state: JournalState, at: datetime) -> None:
    """Append one state durably."""
    descriptor = disk.open_append(os.fsencode(folder / JOURNAL))
    try:
        # A torn line before this one must not swallow it: start on a line of our own.
        durable.write_all(descriptor, b"\n" + _line(JournalRecord(state=state, at=at)))
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def read(folder: Path) -> tuple[JournalHeader, JournalState] | None:
    """Return the header and the last state; nothing where there is no transaction.

    Its folder has its name only while the header is whole and durable, so without one it is
    damaged, and what came out of its places may be the only copy. Raises DamagedError then, and
    where the journal cannot be of our making. Source: decision 0003.
    """
    try:
        _refuse_foreign(folder)
        raw = read_bytes(folder / JOURNAL)
    except (FileNotFoundError, NotADirectoryError):
        if folder.is_dir() and any(folder.iterdir()):
            raise DamagedError(f"{shown(folder)} lost its journal", cure=_RESTORE) from None
        return None
    except NoFileError as error:
        raise DamagedError(f"the journal in {shown(folder)} is no file", cure=_RESTORE) from error
    first, *rest = map(_content, raw.split(b"\n"))
    if first is None:
        message = f"the journal in {shown(folder)} lost its first line"
        raise DamagedError(message, cure=_RESTORE)
    return _parse(folder, first, filter(None, rest))


def _parse(folder: Path, first: bytes, rest: Iterable[bytes]) -> tuple[JournalHeader, JournalState]:
    try:
        header = JournalHeader.model_validate_json(first)
        records = [JournalRecord.model_validate_json(line) for line in rest]
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise DamagedError(
            f"the journal in {shown(folder)} is not one that this version writes: {reason}",
            cure="finish what was interrupted with the version of aos-upgrade that began it; if "
            f"nothing was, move {shown(folder)} away",
        ) from error
    if (header.owner, header.purpose) != (folder.parent.parent.name, folder.name):
        raise DamagedError(
            f"the journal in {shown(folder)} was written for another place",
            cure=f"move {shown(folder)} away, then run the command again",
        )
    return header, records[-1].state if records else JournalState.PREPARED


def _refuse_foreign(folder: Path) -> None:
    """Refuse what others could have written: a journal is the owner's, for the owner alone."""
    path = folder / JOURNAL
    status, owners = os.lstat(path), {os.geteuid(), os.stat(folder.parents[3]).st_uid}
    if status.st_uid not in owners or stat.S_IMODE(status.st_mode) & _FOR_OTHERS:
        raise DamagedError(
            f"the journal in {shown(folder)} is not only yours, so it may say what others want",
            cure=f"if a run of yours was interrupted here: chmod 600 {shlex.quote(shown(path))}; "
            "if not, move that folder away",
        )


def _line(model: Frozen) -> bytes:
    content = model.model_dump_json().encode()
    return hashlib.sha256(content).hexdigest().encode() + b" " + content + b"\n"


def _content(line: bytes) -> bytes | None:
    seal, _, content = line.partition(b" ")
    whole = seal == hashlib.sha256(content).hexdigest().encode()
    return content if content and whole else None
