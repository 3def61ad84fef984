"""One backup made: everything is read once and hashed while it is copied.

A file that did not change since an earlier backup is linked to that backup's copy, never to the
live file. What that means when such a copy is damaged: docs/reference/backups.md.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.backup.backups import PARTIAL, Backup, own_folder, write_manifest
from aos_upgrade_plugin.effects.backup.copying import Copied, Job, copy_files
from aos_upgrade_plugin.effects.backup.garbage import uncollected
from aos_upgrade_plugin.effects.backup.second_process import in_two, meanwhile, pays
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.effects.tree.files import Found
from aos_upgrade_plugin.errors import DiskError
from aos_upgrade_plugin.models.backup import (
    BACKUPS,
    OWN_NAMES,
    REQUIREMENTS,
    BackupEntry,
    BackupManifest,
    LeftOut,
    StatIdentity,
    stamp,
)
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.tree import Kind, TreePath, escape, unescape

_COARSEST_CLOCK_NS = 2_000_000_000
"""No file system counts time in longer steps; after so long a change shows in the file's times."""
_ONE_FOLDER_US = 30
_ONE_LINK_US = 25
_CANNOT_LINK = frozenset(
    {errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EACCES, errno.ENOTSUP, errno.ENOSYS}
)


class Wanted(NamedTuple):
    """What a backup is to hold, and what is to be known about it."""

    created_at: datetime
    layout: str
    keeps: Callable[[TreePath], bool]
    """Says of each path whether it is held; nothing below a folder that is not."""
    requirements: str
    session: SessionId | None = None
    includes_environment: bool = False


class _Item(NamedTuple):
    """Something found, and where the backup has it."""

    found: Found
    kind: Kind | None
    stored_as: TreePath | None
    target: bytes


@uncollected()
def make(
    install: Path, wanted: Wanted, *, find_earlier: Callable[[], Backup | None] | None = None
) -> Backup:
    """Make a backup; afterwards it is whole and durable, or there is none of it.

    ``find_earlier`` returns the backup whose copies may be linked to. It is asked while folders
    are made. Raises DiskError, which names every path that cannot be read.
    """
    name = stamp(wanted.created_at)
    partial = own_folder(install) / (PARTIAL + name)
    with files.as_disk_error("backing up"):
        durable.make_directories(partial.parent, mode=0o700)
        durable.remove_tree(partial)
        try:
            disk.make_directory(os.fsencode(partial), 0o700)
            manifest = _fill(partial, install, wanted, find_earlier)
            durable.write_new(os.fsencode(partial / REQUIREMENTS), wanted.requirements.encode())
            write_manifest(partial, manifest)
            durable.sync_tree(partial)
            path = _give_name(partial, name)
        except BaseException:
            durable.remove_tree(partial)
            raise
        durable.sync_directory(os.fsencode(path.parent))
    return Backup(path, manifest)


def _give_name(partial: Path, name: str, turn: int = 1) -> Path:
    path = partial.with_name(name if turn == 1 else f"{name}-{turn}")
    try:
        disk.rename_new(os.fsencode(partial), os.fsencode(path))
    except FileExistsError:
        return _give_name(partial, name, turn + 1)
    return path


def _fill(
    partial: Path,
    install: Path,
    wanted: Wanted,
    find_earlier: Callable[[], Backup | None] | None,
) -> BackupManifest:
    """Copy everything that is wanted, and describe it; raise DiskError for what cannot be read."""
    unreadable: dict[TreePath, str] = {}
    items = list(_items(partial, _found(install, wanted.keeps, unreadable)))
    settled_ns = os.stat(partial).st_ctime_ns - _COARSEST_CLOCK_NS
    folders = sum(item.kind is Kind.DIRECTORY for item in items)
    in_second = find_earlier is not None and pays(folders * _ONE_FOLDER_US)
    with meanwhile(_make_all_but_files(items), fork=in_second) as made:
        earlier = find_earlier() if find_earlier else None
        entries = {entry.path: entry for entry in made()}
    entries |= _link_unchanged(items, earlier)
    entries |= _copy_others(items, entries, settled_ns, unreadable)
    if unreadable:
        raise _cannot_read(unreadable)
    _close_folders(items)
    return BackupManifest(
        created_at=wanted.created_at,
        install_name=install.name,
        layout=wanted.layout,
        session=wanted.session,
        includes_environment=wanted.includes_environment,
        requirements_digest=hashlib.sha256(wanted.requirements.encode()).hexdigest(),
        left_out=tuple(_left_out(items)),
        entries=tuple(entries[path] for item in items if (path := item.found.path) in entries),
    )


def _found(
    install: Path, keeps: Callable[[TreePath], bool], unreadable: dict[TreePath, str]
) -> list[Found]:
    def note(path: TreePath, error: OSError) -> None:
        unreadable[path] = error.strerror or str(error)

    return list(
        files.scan(install, enter=lambda path: path != BACKUPS and keeps(path), unreadable=note)
    )


def _items(partial: Path, found: list[Found]) -> Iterable[_Item]:
    """Give each path its place; what has one of the backup's own names gets another one."""
    root = os.fsencode(partial) + b"/"
    top = {each.path for each in found if "/" not in each.path}
    own = {name.casefold() for name in OWN_NAMES}
    renamed = {name: _other_name(name, top) for name in top if name.casefold() in own}
    for each in found:
        first, slash, rest = each.path.partition("/")
        stored_as = renamed[first] + slash + rest if first in renamed else None
        yield _Item(each, each.kind, stored_as, root + unescape(stored_as or each.path))


def _other_name(name: TreePath, taken: set[TreePath]) -> TreePath:
    names = (f"{name}.yours{turn or ''}" for turn in count())
    return next(name for name in names if name not in taken)


def _make_all_but_files(items: Iterable[_Item]) -> Iterator[BackupEntry]:
    """Make one after the other, as they are asked for."""
    for item in items:
        status, target = item.found.status, item.target
        mode, link_target = stat.S_IMODE(status.st_mode), None
        match item.kind:
            case Kind.DIRECTORY:
                disk.make_directory(target, 0o700)
            case Kind.FIFO:
                disk.make_fifo(target, mode)
                disk.set_mode(target, mode)
            case Kind.LINK:
                try:
                    mode, link_target = 0o777, os.readlink(item.found.location)
                except FileNotFoundError:  # it was found, and vanished: an editor's lock
                    continue
                disk.make_link(link_target, target)
            case _:
                continue
        yield BackupEntry(
            path=item.found.path,
            kind=item.kind,
            mode=mode,
            link_target=None if link_target is None else escape(link_target),
            modified_ns=status.st_mtime_ns,
            stored_as=item.stored_as,
        )


def _link_unchanged(items: Iterable[_Item], earlier: Backup | None) -> dict[TreePath, BackupEntry]:
    """Give every file that is as it was at an earlier backup that backup's copy as well."""
    if earlier is None or earlier.manifest is None:
        return {}
    before = {each.path: each for each in earlier.manifest.entries if each.source is not None}
    same = [
        (item, entry)
        for item in items
        if (entry := before.get(item.found.path)) is not None
        and entry.source == files.identity(item.found.status)
    ]
    root = os.fsencode(earlier.path) + b"/"
    linked = in_two(
        lambda pair: _link(root + unescape(pair[1].stored_at), pair[1], pair[0].target),
        same,
        cost_us=lambda _: _ONE_LINK_US,
    )
    return {
        item.found.path: entry
        if entry.stored_as == item.stored_as
        else entry.model_copy(update={"stored_as": item.stored_as})
        for (item, entry), is_linked in zip(same, linked, strict=True)
        if is_linked
    }


def _link(stored: bytes, entry: BackupEntry, target: bytes) -> bool:
    """Link to a stored copy that still looks as it was written; say whether that could be."""
    try:
        status = os.lstat(stored)
        is_as_written = (entry.size_bytes, entry.modified_ns, entry.mode) == (
            status.st_size,
            status.st_mtime_ns,
            stat.S_IMODE(status.st_mode),
        )
        if is_as_written and stat.S_ISREG(status.st_mode):
            disk.make_hard_link(stored, target)
            return True
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno not in _CANNOT_LINK:
            raise
    return False


def _copy_others(
    items: Iterable[_Item],
    entries: Mapping[TreePath, BackupEntry],
    settled_ns: int,
    unreadable: dict[TreePath, str],
) -> dict[TreePath, BackupEntry]:
    """Copy the files that have no entry yet. One that vanished meanwhile is none any more."""
    files_left = [
        item for item in items if item.kind is Kind.FILE and item.found.path not in entries
    ]
    answers = copy_files(
        [Job(item.found.location, item.target, item.found.status.st_size) for item in files_left]
    )
    copied = {}
    for item, answer in zip(files_left, answers, strict=True):
        if isinstance(answer, Copied):
            copied[item.found.path] = _file_entry(item, answer, settled_ns)
        elif answer.errno != errno.ENOENT:
            unreadable[item.found.path] = answer.reason
    return copied


def _file_entry(item: _Item, copied: Copied, settled_ns: int) -> BackupEntry:
    """Describe a copied file. One that changed just now could change again unseen: no source."""
    source = StatIdentity(*copied.status)
    settled = max(source.modified_ns, source.changed_ns) < settled_ns
    return BackupEntry(
        path=item.found.path,
        kind=Kind.FILE,
        mode=source.mode,
        size_bytes=source.size_bytes,
        digest=copied.digest,
        modified_ns=source.modified_ns,
        stored_as=item.stored_as,
        source=source if settled else None,
    )


def _close_folders(items: list[_Item]) -> None:
    """Give the folders their own modes and times, now that nothing more comes into them."""
    for item in reversed(items):
        if item.kind is Kind.DIRECTORY:
            disk.set_mode(item.target, stat.S_IMODE(item.found.status.st_mode))
            disk.set_times(item.target, item.found.status.st_mtime_ns)


def _left_out(items: Iterable[_Item]) -> Iterable[LeftOut]:
    for item in items:
        if item.kind is None:
            socket = stat.S_ISSOCK(item.found.status.st_mode)
            yield LeftOut(path=item.found.path, reason="a socket" if socket else "a device")


def _cannot_read(unreadable: Mapping[TreePath, str]) -> DiskError:
    named = ", ".join(f"{path} ({why})" for path, why in sorted(unreadable.items()))
    return DiskError(
        f"no backup was made, because {len(unreadable)} cannot be read: {named}",
        cure="give yourself the right to read them, or move them out of the installation",
    )
