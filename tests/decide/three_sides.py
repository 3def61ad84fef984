"""Trees as plain dictionaries, for tests of the three-way decision: path → content.

A content is a number; ``Side`` may mark paths as executable. What stands on the disk is a tree of
the same paths with the folders around them.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.changes import planned_changes
from aos_upgrade_plugin.decide.content.compare import compare
from aos_upgrade_plugin.decide.content.resolution import Resolution, resolve
from aos_upgrade_plugin.decide.content.steps import ordered
from aos_upgrade_plugin.models.conflict import Settled
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.plan import PlannedChange
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.source import LaidDown, blob_id
from aos_upgrade_plugin.models.three_way import Renames, Target, Version, Versions
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath

FOLDER = Entry(kind=Kind.DIRECTORY, mode=0o755)
Contents = Mapping[TreePath, int]


class Planned(NamedTuple):
    """What was decided, and the changes that follow."""

    resolution: Resolution
    changes: tuple[PlannedChange, ...]


def plan(  # noqa: PLR0913  three sides, and what a test is about
    base: Contents,
    local: Contents | Target,
    incoming: Contents,
    *,
    on_conflict: OnConflict = OnConflict.FAIL,
    executable: Iterable[TreePath] = (),
    renames: Renames | None = None,
    decided: Mapping[TreePath, Settled] | None = None,
) -> Planned:
    """Decide about three sides; ``executable`` paths can be run in the incoming one only."""
    standing = local if isinstance(local, Target) else target(local)
    compared = compare(
        base=versions(base),
        local=standing.versions,
        incoming=versions(incoming, executable=executable),
        renames=renames,
    )
    resolution = resolve(compared, target=standing, on_conflict=on_conflict, decided=decided or {})
    brings = {path: laid(content) for path, content in incoming.items()}
    changes = planned_changes(resolution=resolution, target=standing, incoming=brings)
    return Planned(resolution, changes)


def versions(contents: Contents, *, executable: Iterable[TreePath] = ()) -> Versions:
    """Return one side in git's terms."""
    runs = set(executable)
    return {
        path: Version(Kind.FILE, path in runs, frozenset({blob_id(text(content), "sha1")}))
        for path, content in contents.items()
    }


def target(
    contents: Contents,
    *,
    folders: Iterable[TreePath] = (),
    unread: Iterable[TreePath] = (),
    mode: int = 0o644,
) -> Target:
    """Return what stands on the disk: files, the folders around them, and some empty ones."""
    around = {folder for path in (*contents, *unread) for folder in above(path)}
    around |= {each for folder in folders for each in (folder, *above(folder))}
    tree = dict.fromkeys(around, FOLDER) | {
        path: entry(content, mode=mode) for path, content in contents.items()
    }
    return Target(0o755, tree, versions(contents), frozenset(unread))


def entry(content: int, *, mode: int = 0o644) -> Entry:
    """Return the entry of a file with this content."""
    data = text(content)
    digest = hashlib.sha256(data).hexdigest()
    return Entry(kind=Kind.FILE, mode=mode, size_bytes=len(data), digest=digest)


def laid(content: int) -> LaidDown:
    """Return what a source brings with this content."""
    return LaidDown(entry=entry(content), blob=blob_id(text(content), "sha1"))


def text(content: int) -> bytes:
    """Return the bytes of a content."""
    return b"content %d\n" % content


def above(path: TreePath) -> list[TreePath]:
    """Return the folders that a path lies in."""
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


def apply(changes: Iterable[Change], standing: Target) -> dict[TreePath, Entry]:
    """Make the changes one after the other, as strictly as a file system would."""
    tree = dict(standing.tree)
    for change in ordered(changes, folders=standing.tree):
        path = change.path
        occupied = tree.keys() | standing.unread
        assert tree.get(path) == change.before, f"{path} is not as planned"
        assert path not in standing.unread, f"{path} was never read"
        if change.before and change.before.kind is Kind.DIRECTORY and not change.in_place:
            assert not any(each.startswith(f"{path}/") for each in occupied), f"{path} is not empty"
        if change.after is None:
            del tree[path]
            continue
        for folder in above(path):
            assert tree[folder].kind is Kind.DIRECTORY, f"{folder} is no folder"
        tree[path] = change.after
    return tree
