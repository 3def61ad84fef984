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
        if found.kind is None:
            unread.add(found.path)
            continue
        is_named = found.kind is not Kind.DIRECTORY and named(found.path)
        entry, content = _described(found, with_content=is_named)
        if entry is None:
            continue  # it vanished since it was found
        tree[found.path] = entry
        if is_named:
            versions[found.path] = _version(entry, content, object_format)
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


def _described(found: Found, *, with_content: bool) -> tuple[Entry | None, bytes]:
    if found.kind is not Kind.FILE or not with_content:
        return files.read_entry(found.location), b""
    try:
        return _read(found.location)
    except FileNotFoundError:
        return None, b""


def _version(entry: Entry, content: bytes, object_format: ObjectFormat) -> Version:
    match entry.kind:
        case Kind.FILE:
            executable, blobs = bool(entry.mode & stat.S_IXUSR), blob_names(content, object_format)
            return Version(Kind.FILE, executable, blobs)
        case Kind.LINK:
            name = blob_id(unescape(entry.link_target or ""), object_format)
            return Version(Kind.LINK, executable=False, blobs=frozenset({name}))
        case kind:
            return Version(kind, executable=False, blobs=frozenset())


def _read(location: bytes) -> tuple[Entry, bytes]:
    descriptor = os.open(location, files.OPEN_TO_READ)
    with open(descriptor, "rb") as stream:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        content = stream.read()
    digest = hashlib.sha256(content).hexdigest()
    return Entry(kind=Kind.FILE, mode=mode, size_bytes=len(content), digest=digest), content
