"""Which changes bring a backup back without losing anything that somebody made since."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.steps import difference
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath

_SHELF_FOLDER = Entry(kind=Kind.DIRECTORY, mode=0o700)


class WayBack(NamedTuple):
    """How a tree becomes again what a backup holds."""

    changes: tuple[Change, ...]
    """In path order."""
    set_aside: tuple[TreePath, ...]
    """What nobody but the user has; it leaves its place and is kept."""
    stays: tuple[TreePath, ...]
    """What was made since the backup, and stays where it is."""


def way_back(
    *, wanted: Tree, tree: Tree, known: Tree, strange: AbstractSet[TreePath] = frozenset()
) -> WayBack:
    """Plan how a tree becomes what a backup holds.

    What is only in the tree stays, unless it is in the way or among the ``known`` entries: what
    an upgrade laid down and anybody can have again. What leaves its place and is not known is
    set aside. ``strange`` things, sockets and devices, stay too, and so do their folders.
    """
    leaves = _leaves(wanted=wanted, tree=tree, known=known, strange=strange)
    stays = {path for path in tree if path not in wanted and path not in leaves}
    goal = {**{path: tree[path] for path in stays}, **wanted}
    changes = difference(before=tree, after=goal)
    return WayBack(
        changes=changes,
        set_aside=tuple(change.path for change in changes if _is_lost(change, known)),
        stays=tuple(sorted(stays)),
    )


def in_the_way(*, wanted: Tree, strange: AbstractSet[TreePath]) -> tuple[TreePath, ...]:
    """Name the strange things that stand where the backup has something."""
    return tuple(sorted(each for each in strange if each in wanted or _is_obstructed(each, wanted)))


def shelved(
    paths: Iterable[TreePath], *, tree: Tree, shelf: TreePath, standing: TreePath
) -> Iterator[Change]:
    """Ask for a copy of each path on a shelf, under the path that it had, and for its folders.

    ``standing`` is the folder above the shelf that is there already.
    """
    targets = {f"{shelf}/{path}": tree[path] for path in paths}
    folders = {folder for target in targets for folder in _above(target)}
    for folder in sorted(folders):
        if folder.startswith(f"{standing}/"):
            yield Change(path=folder, before=None, after=_SHELF_FOLDER)
    for target in sorted(set(targets) - folders):
        yield Change(path=target, before=None, after=targets[target])


def _leaves(
    *, wanted: Tree, tree: Tree, known: Tree, strange: AbstractSet[TreePath]
) -> AbstractSet[TreePath]:
    """Return what leaves its place although the backup has nothing there."""
    only_here = [path for path in tree if path not in wanted]
    leaves = {path for path in only_here if path in known or _is_obstructed(path, wanted)}
    stays = [path for path in only_here if path not in leaves]
    return leaves - {folder for path in (*stays, *strange) for folder in _above(path)}


def _is_obstructed(path: TreePath, wanted: Tree) -> bool:
    """Say whether the backup has something else than a folder above the path."""
    return any(
        wanted.get(folder, _SHELF_FOLDER).kind is not Kind.DIRECTORY for folder in _above(path)
    )


def _is_lost(change: Change, known: Mapping[TreePath, Entry]) -> bool:
    """Say whether nobody but the user has what leaves its place."""
    before, same = change.before, known.get(change.path)
    if before is None or change.in_place or before == same:
        return False
    return before.kind is not Kind.DIRECTORY or same is None


def _above(path: TreePath) -> Iterator[TreePath]:
    """Return the folders above a path, the highest first."""
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(1, len(parts)))
