"""Copies, durable writes, and removal: what changes the disk, made of the calls in ``disk``."""

import errno
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import flock
from aos_upgrade_plugin.effects.tree.files import (
    OPEN_TO_READ,
    Content,
    Found,
    chunks_of,
    hash_open,
    identity,
    scan,
    still_there,
)
from aos_upgrade_plugin.models.tree import Kind

_CLONE_FROM_BYTES = 1 << 14
_NO_MORE_THAN_ACCESS = 0o777
"""Nothing runs as somebody else before it is whole."""
_TURN_S = 10.0
"""Who writes one file needs some milliseconds; a stopped process is not waited for any longer."""


class ChangedWhileReadError(OSError):
    """A file changed while it was read, every time we tried."""


def copy_file(source: bytes, target: bytes) -> Content:
    """Copy a regular file to a new name in one pass, with mode and time, and hash it.

    A file that changes meanwhile is tried twice more, then :class:`ChangedWhileReadError`; one that
    keeps growing is read no further than it reached when it was opened.
    """
    for _ in range(3):
        content = _copy_once(source, target)
        if content is not None:
            return content
        disk.remove(target)
    raise ChangedWhileReadError(errno.EBUSY, "it changes while it is read", source)


def _copy_once(source: bytes, target: bytes) -> Content | None:
    read_from = os.open(source, OPEN_TO_READ)
    try:
        before = os.fstat(read_from)
        mode = stat.S_IMODE(before.st_mode)
        write_to = disk.create(target, mode & _NO_MORE_THAN_ACCESS)
        try:
            content = _transfer(read_from, write_to, before)
            if stat.S_IMODE(os.fstat(write_to).st_mode) != mode:  # the umask took something
                disk.set_open_mode(write_to, mode)
            disk.set_open_times(write_to, before.st_mtime_ns)
        finally:
            os.close(write_to)
        after = os.fstat(read_from)
    finally:
        os.close(read_from)
    unchanged = identity(before) == identity(after) and content.size_bytes == after.st_size
    return content if unchanged else None


def _transfer(read_from: int, write_to: int, status: os.stat_result) -> Content:
    if status.st_size >= _CLONE_FROM_BYTES and disk.clone(write_to, read_from):
        return hash_open(read_from)
    digest, size_bytes = hashlib.sha256(), 0
    for chunk in chunks_of(read_from, status.st_size):
        digest.update(chunk)
        write_all(write_to, chunk)
        size_bytes += len(chunk)
    return Content(digest.hexdigest(), size_bytes, status)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of the data."""
    rest = memoryview(data)
    while rest:
        rest = rest[disk.write(descriptor, rest) :]


def write_new(location: bytes, data: bytes, *, mode: int = 0o600) -> None:
    """Write a new file with exactly this mode; not yet durable."""
    descriptor = disk.create(location, mode)
    try:
        write_all(descriptor, data)
        disk.set_open_mode(descriptor, mode)
    finally:
        os.close(descriptor)


def write_durably(path: Path, data: bytes, *, mode: int = 0o600) -> None:
    """Replace a file's content at once and durably: afterwards it is the old one or the new.

    Two who write the same file take turns. What a killed one left is removed by the next.
    """
    location = os.fsencode(path)
    temporary = _temporary(location)
    descriptor = _created_alone(temporary, mode)
    try:
        write_all(descriptor, data)
        disk.set_open_mode(descriptor, mode)
        disk.sync(descriptor)
        disk.rename(temporary, location)
    except OSError:
        with suppress(OSError):
            disk.remove(temporary)
        raise
    finally:
        os.close(descriptor)
    sync_directory(os.fsencode(path.parent))


def _temporary(location: bytes) -> bytes:
    """Name where content is written first: always the same, short, and nobody else's."""
    folder, name = os.path.split(location)
    of_name = hashlib.sha256(name).hexdigest()[:12]
    return os.path.join(folder, f".aos-upgrade-{of_name}.tmp".encode())


def _created_alone(temporary: bytes, mode: int) -> int:
    """Make a file and lock it; who finds one that is not locked removes it."""
    give_up_at = time.monotonic() + _TURN_S
    while time.monotonic() < give_up_at:
        try:
            descriptor = disk.create(temporary, mode)
        except FileExistsError:
            _remove_unlocked(temporary)
            continue
        if _lock(descriptor) and still_there(descriptor, temporary):
            return descriptor
        os.close(descriptor)
    raise OSError(errno.EBUSY, "another process writes there, or stands still", temporary)


def _remove_unlocked(temporary: bytes) -> None:
    """Remove what a killed process left; wait a moment where somebody writes."""
    try:
        is_file = stat.S_ISREG(os.lstat(temporary).st_mode)
    except FileNotFoundError:
        return
    if not is_file:  # a link, a pipe: nobody's
        disk.remove(temporary)
        return
    descriptor = disk.open_append(temporary)  # network file systems lock what may be written
    try:
        if _lock(descriptor) and still_there(descriptor, temporary):
            disk.remove(temporary)
        else:
            time.sleep(0.002)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    return flock.take(descriptor, granted_by=flock.NO_LOCKS_HERE)


def make_directories(path: Path, *, mode: int = 0o755) -> None:
    """Make a folder and those above it that are missing, each durably; it may exist."""
    if path.is_dir():
        return
    make_directories(path.parent)
    with suppress(FileExistsError):
        disk.make_directory(os.fsencode(path), mode)
        sync_directory(os.fsencode(path.parent))


def sync_directory(location: bytes) -> None:
    """Make the names in a folder durable."""
    descriptor = os.open(location, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(*roots: Path) -> None:
    """Make all below some roots of one file system durable: in one call, else one a file."""
    descriptor = os.open(roots[0], os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if disk.sync_filesystem(descriptor):
            return
    finally:
        os.close(descriptor)
    for root in roots:
        for found in scan(root):
            if found.kind is Kind.FILE:
                _sync_file(found.location)
            elif found.kind is Kind.DIRECTORY:
                sync_directory(found.location)
        sync_directory(os.fsencode(root))


def _sync_file(location: bytes) -> None:
    descriptor = os.open(location, OPEN_TO_READ)
    try:
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def remove_tree(root: Path) -> None:
    """Remove a folder with everything in it; it may be gone, wholly or in part."""
    for found in reversed(list(_unlocked(root))):
        with suppress(FileNotFoundError):
            if found.kind is Kind.DIRECTORY:
                disk.remove_directory(found.location)
            else:
                disk.remove(found.location)


def _unlocked(root: Path) -> Iterator[Found]:
    """Find a root and everything below, opening the folders that their mode closes."""
    location = os.fsencode(root)
    if not os.path.lexists(location):
        return
    top = Found("", location, os.lstat(location))
    yield _unlock(top)
    if top.kind is Kind.DIRECTORY:
        for found in scan(root):
            yield _unlock(found)


def _unlock(found: Found) -> Found:
    mode = stat.S_IMODE(found.status.st_mode)
    if found.kind is Kind.DIRECTORY and mode & stat.S_IRWXU != stat.S_IRWXU:
        disk.set_mode(found.location, mode | stat.S_IRWXU)
    return found
