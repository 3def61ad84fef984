"""The only module that changes a file system: one function for each system call.

Callers write ``disk.rename(...)``, through the module, so that the fault tests can number every
call and kill or fail each one. Paths are bytes: file names need not be text.
"""

import ctypes
import errno
import fcntl
import os
import sys
from contextlib import suppress

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_ON_MACOS = sys.platform == "darwin"
# (symbol, flag that exchanges, flag that refuses to replace): renameat2(2), renamex_np(2)
_RENAME = ("renamex_np", 2, 4) if _ON_MACOS else ("renameat2", 2, 1)
_NOT_SUPPORTED = frozenset({errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP})
_FICLONE = 0x40049409

EXCHANGE_SWITCH = "AOS_UPGRADE_EXCHANGE"
"""Set this variable to ``off`` to take the paths for systems without an atomic exchange."""


class ExchangeUnsupportedError(OSError):
    """This system or file system cannot exchange two names atomically."""


def create(path: bytes, mode: int = 0o600) -> int:
    """Open a new file for writing; it must not exist."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)


def open_append(path: bytes, mode: int = 0o600) -> int:
    """Open a file for appending, made when it is not there."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.open(path, flags, mode)


def open_lock(path: bytes) -> int:
    """Open a lock file, made when it is not there, never truncated; children inherit it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - positional only
    return descriptor


def write(descriptor: int, data: bytes | memoryview) -> int:
    """Write some of the data and return how many bytes."""
    return os.write(descriptor, data)


def truncate(descriptor: int, size_bytes: int) -> None:
    """Cut or extend an open file to a length."""
    os.ftruncate(descriptor, size_bytes)


def allocate(descriptor: int, size_bytes: int) -> None:
    """Claim disk space for an open, empty file."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size_bytes)
        return
    os.write(descriptor, os.urandom(size_bytes))  # zeros could be stored as a hole


def clone(descriptor: int, source_descriptor: int) -> bool:
    """Share the source's blocks copy-on-write; say whether the file system could."""
    if _ON_MACOS:
        return False
    try:
        fcntl.ioctl(descriptor, _FICLONE, source_descriptor)
    except OSError:
        return False
    return True


def sync(descriptor: int) -> None:
    """Make an open file or folder durable."""
    if sys.platform == "darwin":
        with suppress(OSError):  # not every file system knows it; fsync below always runs
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    os.fsync(descriptor)


def sync_filesystem(descriptor: int) -> bool:
    """Make the whole file system of an open folder durable; say whether the system could."""
    if not hasattr(_LIBC, "syncfs"):
        return False
    if _LIBC.syncfs(descriptor) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return True


def set_mode(path: bytes, mode: int) -> None:
    """Set the permission bits of a file or folder, never of what a link names."""
    if os.chmod in os.supports_follow_symlinks:
        os.chmod(path, mode, follow_symlinks=False)
        return
    # Linux cannot chmod without following; what was opened as a path is followed no more.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.chmod(f"/proc/self/fd/{descriptor}", mode)
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error
    finally:
        os.close(descriptor)


def set_open_mode(descriptor: int, mode: int) -> None:
    """Set the permission bits of an open file."""
    os.fchmod(descriptor, mode)


def set_times(path: bytes, modified_ns: int) -> None:
    """Set the time of last modification, of a link itself where the system can."""
    if os.utime in os.supports_follow_symlinks:
        os.utime(path, ns=(modified_ns, modified_ns), follow_symlinks=False)


def set_open_times(descriptor: int, modified_ns: int) -> None:
    """Set the time of last modification of an open file."""
    os.utime(descriptor, ns=(modified_ns, modified_ns))


def make_directory(path: bytes, mode: int = 0o755) -> None:
    """Make one folder; it must not exist."""
    os.mkdir(path, mode)


def make_link(target: bytes, path: bytes) -> None:
    """Make a symbolic link; nothing may stand at the path."""
    os.symlink(target, path)


def make_fifo(path: bytes, mode: int) -> None:
    """Make a named pipe; nothing may stand at the path."""
    os.mkfifo(path, mode)


def make_hard_link(existing: bytes, path: bytes) -> None:
    """Give an existing file a second name; nothing may stand at the path."""
    os.link(existing, path, follow_symlinks=False)


def remove(path: bytes) -> None:
    """Remove a file, link or pipe."""
    os.unlink(path)


def remove_directory(path: bytes) -> None:
    """Remove an empty folder."""
    os.rmdir(path)


def rename(source: bytes, target: bytes) -> None:
    """Rename over whatever file stands at the target."""
    os.rename(source, target)


def rename_new(source: bytes, target: bytes) -> None:
    """Rename to a name that nothing stands at, else :class:`FileExistsError`.

    Without system support the look and the rename are two steps; a folder is never merged.
    """
    try:
        _rename(source, target, _RENAME[2])
    except ExchangeUnsupportedError:
        if os.path.lexists(target):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from None
        os.rename(source, target)


def exchange(one: bytes, other: bytes) -> None:
    """Exchange what two names stand for in one step, else :class:`ExchangeUnsupportedError`."""
    _rename(one, other, _RENAME[1])


def _rename(source: bytes, target: bytes, flag: int) -> None:
    symbol = getattr(_LIBC, _RENAME[0], None)
    if symbol is None or os.environ.get(EXCHANGE_SWITCH) == "off":
        raise ExchangeUnsupportedError(errno.ENOSYS, os.strerror(errno.ENOSYS), target)
    if _ON_MACOS:
        failed = symbol(source, target, flag)
    else:
        failed = symbol(_AT_FDCWD, source, _AT_FDCWD, target, flag)
    if failed:
        number = ctypes.get_errno()
        kind = ExchangeUnsupportedError if number in _NOT_SUPPORTED else OSError
        raise kind(number, os.strerror(number), source, None, target)
