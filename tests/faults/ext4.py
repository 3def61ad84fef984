"""A small ext4 of our own, made in a file and mounted, whose power can be cut."""

import ctypes
import fcntl
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.interposer import Kind

_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN; source: fs/ext4/ext4.h
_FLAG_OF = {
    Kind.CUT: 2,  # EXT4_GOING_FLAGS_NOLOGFLUSH
    Kind.CUT_COMMITTED: 1,  # EXT4_GOING_FLAGS_LOGFLUSH
}
_NEW_MOUNT_NAMESPACE = 0x00020000  # CLONE_NEWNS
# Nothing is written but by a sync: no commit from time to time, nothing made ready later on.
_MAKE = ("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0")
_OPTIONS = "loop,commit=600"
_SIZE = "16M"


class Ext4:
    """A file system in a file; every time that it is reset it is as it was when it was kept."""

    def __init__(self, work: Path) -> None:
        """Make it, below a folder."""
        self._image, self._kept, self._mounted_at = (
            work / name for name in ("disk", "disk-kept", "mounted")
        )
        self._mounted_at.mkdir()
        _run(*_MAKE, str(self._image), _SIZE)

    @contextmanager
    def mounted(self) -> Iterator[Path]:
        """Mount it, which brings it in order after a cut, and yield a folder on it."""
        _run("mount", "-o", _OPTIONS, str(self._image), str(self._mounted_at))
        try:
            root = self._mounted_at / "root"
            root.mkdir(exist_ok=True)
            yield root
        finally:
            _run("umount", str(self._mounted_at))  # the loop device goes with it

    def keep(self) -> None:
        """Keep what it holds; it is not mounted."""
        _run("cp", "--sparse=always", str(self._image), str(self._kept))

    def reset(self) -> None:
        """Let it hold what was kept; it is not mounted."""
        _run("cp", "--sparse=always", str(self._kept), str(self._image))

    def cut(self, kind: Kind) -> None:
        """Cut its power: from now on every change and every sync fails, until it is mounted anew.

        Committed: all names and modes so far survive, as if its own commit had just come about.
        """
        folder = os.open(self._mounted_at, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, struct.pack("I", _FLAG_OF[kind]))
        finally:
            os.close(folder)


def obstacle() -> str:
    """Say why this machine lets us mount no ext4; nothing where it does.

    What this process mounts from then on is seen by it and its children alone, and is gone with
    them, even where they are killed.
    """
    if sys.platform != "linux":
        return "ext4 is a file system of Linux"
    try:
        _keep_mounts_private()
        with tempfile.TemporaryDirectory() as work, Ext4(Path(work)).mounted():
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        said = error.stderr.strip() if isinstance(error, subprocess.CalledProcessError) else ""
        return f"no ext4 can be mounted here: {said or error}"


def _keep_mounts_private() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_NEW_MOUNT_NAMESPACE) != 0:
        raise OSError(ctypes.get_errno(), "a mount namespace of our own is refused")
    _run("mount", "--make-rprivate", "/")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
