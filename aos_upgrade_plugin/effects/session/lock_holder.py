"""Who holds the upgrade lock, told by the lock and the record in its file together."""

import errno
import os
import platform
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
from pydantic import ValidationError

from aos_upgrade_plugin.effects.tree import flock
from aos_upgrade_plugin.effects.tree.files import OPEN_TO_READ, as_disk_error
from aos_upgrade_plugin.models.lock import HeldBy, Holder

UPGRADE_LOCK = ".upgrade-lock"
LAST_GATE_LOCK = ".upgrades/last-gate.lock"
"""Held while the last gate of a run measures, for which the upgrade lock is released."""
PAUSES_S = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1)
"""Somebody who only looks holds the lock for some microseconds: try again before giving up."""
OPEN_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NO_LOCK_FILE = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO})
_RECORD_BYTES = 1 << 14


def holder(install: Path) -> HeldBy | None:
    """Look who holds the upgrade lock, or released it for the last gate of a run.

    Nothing where nobody does. Writes nothing, and disturbs nobody: two who look do not meet, and
    who takes the lock waits out a look.
    """
    with as_disk_error("looking at the upgrade lock"):
        held = held_by(install / UPGRADE_LOCK)
        measures = None if held else held_by(install / LAST_GATE_LOCK)
        others = () if held or measures else who_locks_folder(install)
    if others is None or others:
        return HeldBy(holder=None, alive=False, heirs=others or ())
    return measures.model_copy(update={"last_gate": True}) if measures else held


def who_locks_folder(install: Path) -> tuple[int, ...] | None:
    """Name the processes that lock an install folder itself: nobody, or None for unknown ones.

    A run does, whose lock file somebody may have removed; another program might.
    """
    try:
        descriptor = os.open(install, OPEN_FOLDER)
    except OSError:
        return ()
    try:
        for pause_s in PAUSES_S[:4]:
            time.sleep(pause_s)
            if _is_free(descriptor):
                return ()
        return tuple(_lockers(os.fstat(descriptor))) or None
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    return flock.look(descriptor, granted_by=flock.NO_FOLDER_LOCKS)


def _lockers(status: os.stat_result) -> Iterator[int]:
    """Find who locks something, where the system tells: Linux, and not in every container."""
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with suppress(OSError):
        for line in Path("/proc/locks").read_text("ascii").splitlines():
            words = line.split()
            if device in words and "FLOCK" in words and (pid := int(words[4])) > 0:
                yield pid


def held_by(path: Path) -> HeldBy | None:
    """Look who holds the lock of one file, as :func:`holder` does; raise OSError."""
    try:
        descriptor = os.open(path, OPEN_TO_READ)
    except OSError as error:
        if error.errno in {errno.ENOENT, errno.ENOTDIR} | NO_LOCK_FILE:
            return None
        raise
    try:
        record = _record_while_held(descriptor)
    finally:
        os.close(descriptor)
    if record is None:
        return None
    held = _parse(record)
    alive = held is not None and _runs(held)
    return HeldBy(holder=held, alive=alive, heirs=() if alive else tuple(_who_has_open(path)))


def _record_while_held(descriptor: int) -> bytes | None:
    """Return what the record says; nothing when nobody holds the lock."""
    record = b""
    for pause_s in PAUSES_S[:4]:
        time.sleep(pause_s)
        if _is_free(descriptor):
            return None
        if record := os.pread(descriptor, _RECORD_BYTES, 0).partition(b"\n")[0]:
            break
    return record


def _parse(record: bytes) -> Holder | None:
    try:
        return Holder.model_validate_json(record)
    except ValidationError:
        return None


def _runs(recorded: Holder) -> bool:
    """Say whether the recorded process runs; one of another machine cannot be looked at."""
    if recorded.host != platform.node()[:400]:
        return True
    try:
        process = psutil.Process(recorded.pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return abs(process.create_time() - recorded.process_started_at) < 1
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True


def _who_has_open(path: Path) -> Iterator[int]:
    wanted = str(path.resolve())
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and any(
                opened.path == wanted for opened in process.open_files()
            ):
                yield process.pid
