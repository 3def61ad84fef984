"""A command of ours that outlives whoever asked for it; what it came to is asked for later.

A server that has to be restarted cannot do that itself: it would not live to tell. What is kept
of such a command lies with the user, by the session that it works on.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.effects.session.lock import hold_briefly
from aos_upgrade_plugin.effects.session.run_folder import user_state
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error, read_bytes
from aos_upgrade_plugin.errors import DiskError
from aos_upgrade_plugin.models.base import Frozen, SessionId, Utc
from aos_upgrade_plugin.models.moment import Moment

_RECORD, _ANSWER, _LOG = "command.json", "answer.json", "log.txt"
_FORGOTTEN_AFTER_S = 7 * 24 * 60 * 60.0
_MOST_ANSWER_BYTES = 16 << 20


class Detached(NamedTuple):
    """A command, and how it stands."""

    arguments: tuple[str, ...]
    since: datetime
    works: bool
    answer: Mapping[str, Any] | None
    """What it answered at its end; nothing while it works, and where it was killed."""


class _Record(Frozen):
    pid: int
    born: Moment
    since: Utc
    arguments: tuple[str, ...]


def start(session_id: SessionId, arguments: Sequence[str], *, folder: Path) -> None:
    """Start ``aos-upgrade`` in a folder, detached, unless it still works on that session.

    Its answer is kept if it is JSON: ``--json`` is for the caller to say. Raises DiskError where
    it cannot be started.
    """
    kept = _folder(session_id)
    with as_disk_error("starting a command"):
        _forget_old(kept.parent)
        durable.make_directories(kept, mode=0o700)
        with hold_briefly(kept / ".lock"):
            there = look(session_id)
            if there is None or not there.works:
                _launch(kept, tuple(arguments), folder)


def look(session_id: SessionId) -> Detached | None:
    """Return the command that was last started for a session; nothing where there was none."""
    try:
        kept = _folder(session_id)
    except DiskError:  # there is no home, so nothing was started from there
        return None
    with as_disk_error("looking at a command"):
        try:
            record = _Record.model_validate_json((kept / _RECORD).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        works = _works(record)
        answer = None if works else _answered(kept)
    return Detached(record.arguments, record.since, works, answer)


def forget(session_id: SessionId) -> None:
    """Remove what is kept of a session's command."""
    with as_disk_error("forgetting a command"):
        durable.remove_tree(_folder(session_id))


def _folder(session_id: SessionId) -> Path:
    return user_state() / "detached" / session_id


def _launch(kept: Path, arguments: tuple[str, ...], folder: Path) -> None:
    for name in (_RECORD, _ANSWER, _LOG):
        durable.remove_tree(kept / name)
    answer, log = (disk.create(os.fsencode(kept / name)) for name in (_ANSWER, _LOG))
    try:
        process = subprocess.Popen(
            # -P: nothing that lies in the folder is imported for a module of ours.
            [sys.executable, "-P", "-m", "aos_upgrade_plugin.cli", *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=answer,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(answer)
        os.close(log)
    born = moments.birth(psutil.Process(process.pid))
    record = _Record(pid=process.pid, born=born, since=datetime.now(UTC), arguments=arguments)
    durable.write_durably(kept / _RECORD, record.model_dump_json().encode())
    threading.Thread(target=process.wait, daemon=True).start()  # reaped, should it end before us


def _works(record: _Record) -> bool:
    with suppress(psutil.Error):
        process = psutil.Process(record.pid)
        if process.status() != psutil.STATUS_ZOMBIE:
            return moments.birth(process).is_same(record.born)
    return False


def _answered(kept: Path) -> Mapping[str, Any] | None:
    with suppress(OSError, ValueError):
        answer = json.loads(read_bytes(kept / _ANSWER, most_bytes=_MOST_ANSWER_BYTES))
        return answer if isinstance(answer, dict) else None
    return None


def _forget_old(every: Path) -> None:
    if not every.is_dir():
        return
    for each in every.iterdir():
        with suppress(FileNotFoundError):  # somebody else does the same
            if time.time() - each.stat().st_mtime > _FORGOTTEN_AFTER_S:
                durable.remove_tree(each)
