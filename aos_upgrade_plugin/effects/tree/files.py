"""What stands where on the disk, and what it holds. Nothing here changes anything."""

import errno
import hashlib
import itertools
import os
import stat
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from aos_upgrade_plugin.effects.tree.owner import Stranger, stranger_at
from aos_upgrade_plugin.errors import DiskError
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath, escape, shown, unescape

CHUNK_BYTES = 1 << 20
OPEN_TO_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_KINDS = {
    stat.S_IFREG: Kind.FILE,
    stat.S_IFDIR: Kind.DIRECTORY,
    stat.S_IFLNK: Kind.LINK,
    stat.S_IFIFO: Kind.FIFO,
}


class Found(NamedTuple):
    """One thing met on a walk."""

    path: TreePath
    location: bytes
    status: os.stat_result

    @property
    def kind(self) -> Kind | None:
        """What it is; nothing for sockets and devices, which hold no content to keep."""
        return _KINDS.get(stat.S_IFMT(self.status.st_mode))


class Content(NamedTuple):
    """What was read of one file, and the status it had while it was read."""

    digest: str
    size_bytes: int
    status: os.stat_result


def locate(root: Path, path: TreePath) -> bytes:
    """Return the place on the disk of a path below a root."""
    return os.path.join(os.fsencode(root), unescape(path))


def link_above(root: Path, path: TreePath) -> TreePath | None:
    """Return the first folder between a root and a path that is a link, if one is."""
    folders = itertools.accumulate(path.split("/")[:-1], "{}/{}".format)
    return next((each for each in folders if os.path.islink(locate(root, each))), None)


def is_folder(location: bytes) -> bool:
    """Say whether a folder stands there, and not a link to one."""
    return os.path.isdir(location) and not os.path.islink(location)


def scan(
    root: Path,
    *,
    enter: Callable[[TreePath], bool] = lambda _: True,
    unreadable: Callable[[TreePath, OSError], None] | None = None,
) -> Iterator[Found]:
    """Find everything below a root, folders before their content, names in byte order.

    A path that ``enter`` refuses is not reported and not entered. Links are never followed. What
    vanishes while we look is passed over, and nothing beside it. A folder that cannot be read
    goes to ``unreadable``, or raises where that is not given.
    """
    waiting: list[tuple[str, bytes]] = [("", os.fsencode(root))]
    while waiting:
        prefix, folder = waiting.pop()
        try:
            found = list(_children(prefix, folder, enter))
        except OSError as error:
            if prefix and isinstance(error, FileNotFoundError):
                continue
            if unreadable is None:
                raise
            unreadable(prefix.rstrip("/") or ".", error)
            continue
        yield from found
        waiting += [
            (f"{each.path}/", each.location)
            for each in reversed(found)
            if each.kind is Kind.DIRECTORY
        ]


def _children(prefix: str, folder: bytes, enter: Callable[[TreePath], bool]) -> Iterator[Found]:
    with os.scandir(folder) as listing:
        children = sorted(listing, key=lambda child: child.name)
    for child in children:
        if not enter(path := prefix + escape(child.name)):
            continue
        try:
            status = child.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue
        yield Found(path, child.path, status)


def read_entry(location: bytes) -> Entry | None:
    """Describe what stands at a place; nothing where nothing, a socket or a device stands."""
    try:
        return _entry_of(Found("", location, os.lstat(location)))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _entry_of(found: Found) -> Entry | None:
    mode = stat.S_IMODE(found.status.st_mode)
    match found.kind:
        case Kind.FILE:
            content = read_content(found.location)
            mode = stat.S_IMODE(content.status.st_mode)
            return Entry(
                kind=Kind.FILE, mode=mode, digest=content.digest, size_bytes=content.size_bytes
            )
        case Kind.LINK:
            return Entry(kind=Kind.LINK, link_target=escape(os.readlink(found.location)))
        case Kind.DIRECTORY | Kind.FIFO as kind:
            return Entry(kind=kind, mode=mode)
        case _:
            return None


def entry_at(root: Path, path: TreePath) -> Entry | None:
    """Describe what stands at a path below a root, as :func:`read_entry` does."""
    return read_entry(locate(root, path))


def read_whole_tree(location: bytes) -> Entry | None:
    """Describe a folder that is only moved as one; nothing where none stands."""
    try:
        status = os.lstat(location)
    except (FileNotFoundError, NotADirectoryError):
        return None
    mode = stat.S_IMODE(status.st_mode)
    return Entry(kind=Kind.WHOLE_TREE, mode=mode, inode=status.st_ino)


def read_tree(root: Path, *, enter: Callable[[TreePath], bool] = lambda _: True) -> Tree:
    """Describe everything below a root by its content."""
    entries = ((found.path, read_entry(found.location)) for found in scan(root, enter=enter))
    return {path: entry for path, entry in entries if entry is not None}


class NoFileError(OSError):
    """What stands there is no file of its own: a folder, a link, a pipe."""


def read_bytes(path: Path, *, most_bytes: int = 1 << 30) -> bytes:
    """Read one regular file, never through a link and never waiting at a pipe."""
    try:
        descriptor = os.open(path, OPEN_TO_READ)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENXIO}:
            raise NoFileError(errno.EINVAL, "it is no file", path) from error
        raise
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > most_bytes:
            raise NoFileError(errno.EINVAL, "it is no file, or far too large", path)
        return b"".join(iter(lambda: os.read(descriptor, CHUNK_BYTES), b""))
    finally:
        os.close(descriptor)


def read_content(location: bytes) -> Content:
    """Hash one regular file, never following a link."""
    descriptor = os.open(location, OPEN_TO_READ)
    try:
        return hash_open(descriptor)
    finally:
        os.close(descriptor)


def hash_open(descriptor: int) -> Content:
    """Hash an open file from where it stands to its end; of one that grows, a byte more at most."""
    status = os.fstat(descriptor)
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in chunks_of(descriptor, status.st_size):
        digest.update(chunk)
        size_bytes += len(chunk)
    return Content(digest.hexdigest(), size_bytes, status)


def chunks_of(descriptor: int, size_bytes: int) -> Iterator[bytes]:
    """Read a file of some size, and one byte more if it has one: then it grew meanwhile."""
    left_bytes = size_bytes + 1
    while left_bytes and (chunk := os.read(descriptor, min(CHUNK_BYTES, left_bytes))):
        left_bytes -= len(chunk)
        yield chunk


def still_there(descriptor: int, location: bytes) -> bool:
    """Say whether a path still names what was opened, and nothing that replaced it."""
    try:
        return os.path.samestat(os.lstat(location), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def identity(status: os.stat_result) -> tuple[int, int, int, int, int]:
    """Return what changes whenever a file's content or mode may have changed."""
    return (
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        status.st_ino,
        stat.S_IMODE(status.st_mode),
    )


def mount_points() -> frozenset[str]:
    """Return where something is mounted, a folder or file of the same file system too."""
    return frozenset(each.mountpoint for each in psutil.disk_partitions(all=True))


def free_bytes(path: Path) -> int:
    """Return how many bytes we may still write where the path is."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


@contextmanager
def as_disk_error(doing: str) -> Generator[None]:
    """Turn what the operating system refuses into one line with a cure."""
    try:
        yield
    except OSError as error:
        where = "the disk" if error.filename is None else shown(error.filename)
        why, cure = error.strerror or str(error), _CURES.get(error.errno or 0, _CURE)
        if (stranger := _stranger_at(error)) is not None:
            theirs = shown(stranger.path)
            why += f", {'it' if theirs == where else theirs} belongs to {stranger.name}"
            cure = stranger.cure
        raise DiskError(f"{doing} failed at {where}: {why}", cure=cure) from error


def _stranger_at(error: OSError) -> Stranger | None:
    """Return whose it is that we may not touch, if it is not ours."""
    if error.errno not in {errno.EACCES, errno.EPERM} or error.filename is None:
        return None
    return stranger_at(Path(os.fsdecode(error.filename)))


_CURE = "look at the disk and at who may write there, then run it again"


_CURES = {
    errno.ENOSPC: "free some disk space, then run the command again",
    errno.EDQUOT: "free some of your disk quota, then run the command again",
    errno.EACCES: "give yourself the right to read and write there, then run the command again",
    errno.EPERM: "give yourself the right to read and write there, then run the command again",
    errno.EROFS: "the file system is mounted read-only: remount it, then run the command again",
    errno.EXDEV: "it is a mount or a folder of a container image, which cannot be moved: work on a "
    "copy of the project on one file system",
    errno.EBUSY: "something is mounted or at work there: unmount or end it, then run it again",
    errno.ECHILD: "look whether memory runs out, then run the command again",
    errno.EIO: "the disk reports errors: check it before anything else",
}
