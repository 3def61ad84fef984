"""An installation as it stands: what is part of its identity, and git's names of its contents."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.files import Found
from aos_upgrade_plugin.models.plan import Paper
from aos_upgrade_plugin.models.source import ObjectFormat, blob_id, blob_names
from aos_upgrade_plugin.models.three_way import Target, Version
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, unescape


def read_target(
    install: Path,
    *,
    enter: Callable[[TreePath], bool],
    named: Callable[[TreePath], bool],
    object_format: ObjectFormat,
) -> Target:
    """Read an installation. What ``enter`` refuses is only known to be there.

    Git's names are found for the files and links that ``named`` is true for.
    """
    tree: dict[TreePath, Entry] = {}
    versions: dict[TreePath, Version] = {}
    unread: set[TreePath] = set()

    def enters(path: TreePath) -> bool:
        if enter(path):
            return True
        unread.add(path)
        return False

    for found in files.scan(install, enter=enters):
        if found.kind is Kind.FILE and named(found.path):
            tree[found.path], versions[found.path] = _named(found, object_format)
            continue
        entry = files.entry_of(found)
        if entry is None:
            unread.add(found.path)
            continue
        tree[found.path] = entry
        if entry.kind is not Kind.DIRECTORY and named(found.path):
            versions[found.path] = _special(entry, object_format)
    root_mode = stat.S_IMODE(install.stat().st_mode)
    return Target(root_mode, tree, versions, frozenset(unread))


def read_papers(root: Path, paths: Iterable[TreePath]) -> Mapping[TreePath, Paper]:
    """Read files that may be missing; what is no file of its own (a link, a folder) is left out."""
    papers: dict[TreePath, Paper] = {}
    for path in paths:
        location = files.locate(root, path)
        entry = files.read_entry(location)
        if entry is None and not os.path.lexists(location):
            papers[path] = Paper(None, b"")
        elif entry is not None and entry.kind is Kind.FILE:
            entry, content = _read(location)
            papers[path] = Paper(entry, content)
    return papers


def under_git(folder: Path) -> bool:
    """Say whether a folder lies in a git work tree."""
    return any(os.path.lexists(each / ".git") for each in (folder, *folder.parents))


def _named(found: Found, object_format: ObjectFormat) -> tuple[Entry, Version]:
    entry, content = _read(found.location)
    executable = bool(entry.mode & stat.S_IXUSR)
    return entry, Version(Kind.FILE, executable, blob_names(content, object_format))


def _special(entry: Entry, object_format: ObjectFormat) -> Version:
    if entry.kind is Kind.LINK:
        name = blob_id(unescape(entry.link_target or ""), object_format)
        return Version(Kind.LINK, executable=False, blobs=frozenset({name}))
    return Version(entry.kind, executable=False, blobs=frozenset())


def _read(location: bytes) -> tuple[Entry, bytes]:
    descriptor = os.open(location, files.OPEN_TO_READ)
    with open(descriptor, "rb") as stream:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        content = stream.read()
    digest = hashlib.sha256(content).hexdigest()
    return Entry(kind=Kind.FILE, mode=mode, size_bytes=len(content), digest=digest), content
