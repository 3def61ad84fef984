"""A backup compared with its manifest, everything read again."""

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from aos_upgrade_plugin.effects.backup.backups import read_manifest
from aos_upgrade_plugin.effects.backup.garbage import uncollected
from aos_upgrade_plugin.effects.backup.second_process import in_two
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.backup import (
    MANIFEST,
    REQUIREMENTS,
    BackupEntry,
    BackupManifest,
    Fault,
    Problem,
)
from aos_upgrade_plugin.models.tree import Kind, TreePath, escape, unescape

_BYTES_IN_ONE_US = 1800
_ONE_FILE_US = 20

_NO_FILE = frozenset({errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EMLINK})
"""What opening or reading a link, a folder or a socket as a file is refused with."""

_NO_FOLDER = frozenset({Fault.MISSING, Fault.KIND})
_ITSELF = ""
"""The backup's own folder, as a path in it."""

Expected = Mapping[TreePath, BackupEntry]


def verify(backup: Path) -> tuple[Problem, ...]:
    """Name everything in a backup that is not what was written, by path; nothing if it is whole."""
    _, problems = examine(backup)
    return problems


def spoils(backup: Path) -> tuple[Problem, ...]:
    """Name what keeps a backup from being restored: not what somebody put beside its content."""
    return tuple(each for each in verify(backup) if each.fault.spoils)


@uncollected()
def examine(backup: Path) -> tuple[BackupManifest | None, tuple[Problem, ...]]:
    """Return what a backup should hold, if that can be read, and everything that is wrong."""
    try:
        manifest = read_manifest(backup)
    except DamagedError as error:
        reason = str(error).partition(f"{MANIFEST}: ")[2] or str(error)
        return None, (Problem(path=MANIFEST, fault=Fault.MANIFEST, detail=reason),)
    expected = {each.stored_at: each for each in (*manifest.entries, _requirements(manifest))}
    root = os.fsencode(backup) + b"/"
    with files.as_disk_error("verifying the backup"):
        found = in_two(
            lambda path: _problems(root, path, expected),
            [_ITSELF, *expected],
            cost_us=lambda path: _cost_us(expected.get(path)),
        )
    problems = {each.path: each for several in found for each in several}
    return manifest, tuple(problems[path] for path in sorted(problems))


def _requirements(manifest: BackupManifest) -> BackupEntry:
    digest = manifest.requirements_digest
    return BackupEntry(path=REQUIREMENTS, kind=Kind.FILE, mode=0o600, digest=digest)


def _cost_us(entry: BackupEntry | None) -> int:
    return _ONE_FILE_US + (entry.size_bytes // _BYTES_IN_ONE_US if entry is not None else 0)


def _problems(root: bytes, path: TreePath, expected: Expected) -> tuple[Problem, ...]:
    """Name what is wrong with one path, and what is in a folder that should not be."""
    entry = expected.get(path)
    problem = None if entry is None else _problem(root, path, entry)
    own = () if problem is None else (problem,)
    if entry is not None and entry.kind is not Kind.DIRECTORY:
        return own
    if problem is not None and problem.fault in _NO_FOLDER:
        return own
    return (*_extra(root, path, expected), *own)


def _extra(root: bytes, path: TreePath, expected: Expected) -> Iterator[Problem]:
    """Find what the manifest does not tell of in one folder; nothing further below that."""
    prefix = unescape(path) + b"/" if path else b""
    try:
        names = os.listdir(root + prefix)
    except OSError as error:
        if not path:
            raise
        yield _unreadable(path, error)
        return
    for name in names:
        below = escape(prefix + name)
        if below not in expected and below != MANIFEST:
            yield Problem(path=below, fault=Fault.EXTRA)


def _problem(root: bytes, path: TreePath, entry: BackupEntry) -> Problem | None:
    location = root + unescape(path)
    try:
        fault = _fault_of_file(location, entry) if entry.digest else _fault(location, entry)
    except (FileNotFoundError, NotADirectoryError):
        fault = Fault.MISSING
    except OSError as error:
        if error.errno not in _NO_FILE:
            return _unreadable(path, error)
        fault = Fault.KIND
    return Problem(path=path, fault=fault) if fault else None


def _fault_of_file(location: bytes, entry: BackupEntry) -> Fault | None:
    content = files.read_content(location)
    if not stat.S_ISREG(content.status.st_mode):
        return Fault.KIND
    if content.digest != entry.digest:
        return Fault.CHANGED
    return None if stat.S_IMODE(content.status.st_mode) == entry.mode else Fault.MODE


def _fault(location: bytes, entry: BackupEntry) -> Fault | None:
    found = files.Found("", location, os.lstat(location))
    if found.kind is not entry.kind:
        return Fault.KIND
    if entry.kind is Kind.LINK:
        return None if escape(os.readlink(location)) == entry.link_target else Fault.LINK
    return None if stat.S_IMODE(found.status.st_mode) == entry.mode else Fault.MODE


def _unreadable(path: TreePath, error: OSError) -> Problem:
    return Problem(path=path, fault=Fault.UNREADABLE, detail=error.strerror or "")
