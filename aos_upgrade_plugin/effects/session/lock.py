"""The upgrade lock: ``flock`` on a file that stays, so its existence says nothing.

The folder itself is locked as well: where somebody removes the file, the lock still holds.

Who holds it is told by the lock and the record in the file together. Children that are given
the descriptor hold the lock too, also after we are gone: what still works on an installation
keeps others out of it.
"""

import os
import platform
import stat
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import psutil
from filelock import unlock_descriptor

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session import lock_holder
from aos_upgrade_plugin.effects.session.lock_holder import (
    LAST_GATE_LOCK,
    NO_LOCK_FILE,
    PAUSES_S,
    UPGRADE_LOCK,
)
from aos_upgrade_plugin.effects.tree import durable, flock
from aos_upgrade_plugin.effects.tree.files import as_disk_error, still_there
from aos_upgrade_plugin.errors import BusyError, RefusedError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.lock import Holder
from aos_upgrade_plugin.models.tree import shown


class HeldLock(NamedTuple):
    """The upgrade lock, held."""

    holder: Holder
    file: int
    folder: int
    """The install folder, which keeps its lock where the file is removed."""

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both. Give them to children as ``pass_fds``: they hold the lock while they run."""
        return self.file, self.folder


@contextmanager
def hold(install: Path, *, session: SessionId | None, command: str) -> Generator[HeldLock]:
    """Hold the upgrade lock of an installation.

    A record that a killed process left is overwritten. Raises BusyError with the holder's name,
    RefusedError where this cannot be locked safely, DiskError.
    """
    _refuse_beside_the_last_gate(install)
    with as_disk_error("taking the upgrade lock"):
        descriptor = _acquire(install / UPGRADE_LOCK)
    if descriptor is None:
        raise _busy(install)
    try:
        _refuse_beside_the_last_gate(install)  # it may have begun since
        folder = _lock_folder(install)
    except BaseException:
        os.close(descriptor)
        raise
    try:
        with _recorded(descriptor, lambda: _record_of_this_process(session, command)) as me:
            yield HeldLock(me, descriptor, folder)
    finally:
        os.close(folder)


@contextmanager
def hold_for_the_last_gate(install: Path, held: HeldLock) -> Generator[None]:
    """Keep everybody out while the last gate of a run measures, which wants the lock released.

    To be taken while the upgrade lock is held, and released after it. Children do not inherit
    it: who is killed here leaves nothing at work.
    """
    with as_disk_error("taking the lock of the last gate"):
        descriptor = _acquire(install / LAST_GATE_LOCK)
    if descriptor is None:
        raise _busy(install)
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - positional only
    me = held.holder.model_copy(update={"command": f"{held.holder.command} (its last gate)"})
    with _recorded(descriptor, lambda: me):
        yield


def _lock_folder(install: Path) -> int:
    """Keep out who finds no lock file, or a new one, because somebody removed ours."""
    taken = False
    with as_disk_error("locking the installation's folder"):
        folder = os.open(install, lock_holder.OPEN_FOLDER)
        try:
            taken = _take_folder(folder)
        finally:
            if not taken:
                os.close(folder)
    if not taken:
        raise _folder_is_busy(install)
    return folder


def _take_folder(folder: int) -> bool:
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        if flock.take(folder, granted_by=flock.NO_FOLDER_LOCKS):  # else the file has to do
            return True
    return False


def _folder_is_busy(install: Path) -> BusyError:
    pids = lock_holder.who_locks_folder(install)
    who = ", ".join(str(pid) for pid in pids or ()) or "that cannot be seen from here"
    return BusyError(
        f"the folder {shown(install)} is locked by process {who}: a run whose {UPGRADE_LOCK} "
        "somebody removed, or another program",
        cure="wait for its end, or end it, then run the command again",
    )


@contextmanager
def _recorded(descriptor: int, record: Callable[[], Holder]) -> Generator[Holder]:
    """Have a record in a lock file for as long as the body takes; then let go of it."""
    try:
        me = record()
        # On a full disk the lock still holds, and going back must be possible: no record then.
        with suppress(OSError):
            _write(descriptor, me.model_dump_json().encode() + b"\n")
        yield me
    finally:
        with suppress(OSError):
            _write(descriptor, b"\n")
        # Closed, not unlocked: a child that is still at work goes on holding it.
        os.close(descriptor)


@contextmanager
def hold_briefly(path: Path, *, wait_s: float = 10.0) -> Generator[None]:
    """Hold a lock that everybody holds for a moment only, waiting for the turn.

    Raises BusyError when the turn does not come, RefusedError, DiskError.
    """
    give_up_at = time.monotonic() + wait_s
    with as_disk_error("locking"):
        while (descriptor := _acquire(path)) is None:
            if time.monotonic() >= give_up_at:
                raise BusyError(
                    f"{shown(path)} is held by another process for too long",
                    cure="look for a stopped aos-upgrade process, end it, then run it again",
                )
    try:
        yield
    finally:
        unlock_descriptor(descriptor)
        os.close(descriptor)


def refuse_held(install: Path) -> None:
    """Raise BusyError where somebody holds the upgrade lock now, or a last gate measures.

    Nothing is taken or written.
    """
    if lock_holder.holder(install) is not None:
        raise _busy(install)


def _refuse_beside_the_last_gate(install: Path) -> None:
    """Raise BusyError before the lock is touched, which the last gate is about to find free."""
    with as_disk_error("looking at the lock of the last gate"):
        measures = lock_holder.held_by(install / LAST_GATE_LOCK)
    if measures is not None:
        raise _busy(install)


def where_now(install: Path, held: HeldLock) -> Path:
    """Return where an installation is whose folder was renamed while its lock is held.

    Where it was, if it is not there and the folder above cannot be listed.
    """
    if _locked_at(install, held):
        return install
    with suppress(OSError):
        beside = (each for each in install.parent.iterdir() if _locked_at(each, held))
        return next(beside, install)
    return install


def _locked_at(folder: Path, held: HeldLock) -> bool:
    return still_there(held.folder, os.fsencode(folder))


def _acquire(path: Path) -> int | None:
    location = os.fsencode(path)
    for pause_s in PAUSES_S:
        time.sleep(pause_s)
        descriptor = _open(path, location)
        try:
            if _take(descriptor, path) and still_there(descriptor, location):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
    return None


def _open(path: Path, location: bytes) -> int:
    try:
        descriptor = disk.open_lock(location)
    except OSError as error:
        if error.errno in NO_LOCK_FILE:
            raise _no_lock_file(path) from error
        raise
    status = os.fstat(descriptor)
    # A second name of some other file: our record would overwrite it.
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        os.close(descriptor)
        raise _no_lock_file(path)
    return descriptor


def _take(descriptor: int, path: Path) -> bool:
    try:
        return flock.take(descriptor)
    except OSError as error:
        if error.errno not in flock.NO_LOCKS_HERE:
            raise
        raise RefusedError(
            f"the file system of {shown(path.parent)} has no locks (flock: {error.strerror}), "
            "so two runs could meet there",
            cure="move the project to a local disk, or mount this one with locks",
        ) from error


def _busy(install: Path) -> BusyError:
    held = lock_holder.holder(install)
    by = str(held) if held else "a process that let go of it just now"
    return BusyError(
        f"the upgrade lock of {shown(install)} is held by {by}",
        cure="wait for it, or look with: aos-upgrade status",
    )


def _no_lock_file(path: Path) -> RefusedError:
    return RefusedError(
        f"{shown(path)} is no lock file, but a link, a folder or another file's second name",
        cure="move it away, then run the command again",
    )


def _record_of_this_process(session: SessionId | None, command: str) -> Holder:
    return Holder(
        pid=os.getpid(),
        process_started_at=psutil.Process().create_time(),
        host=platform.node()[:400],
        session=session,
        since=datetime.now(UTC),
        command=shown(command)[:400],
    )


def _write(descriptor: int, line: bytes) -> None:
    """Put one line in place of the old one; a torn line is as good as none."""
    os.lseek(descriptor, 0, os.SEEK_SET)
    durable.write_all(descriptor, line)
    disk.truncate(descriptor, len(line))
