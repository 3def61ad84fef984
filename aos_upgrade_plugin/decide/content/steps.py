"""Which changes lead from one tree to another, and in which order."""

import stat
from collections.abc import Iterable, Iterator

from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath

_OWNER_MAY_CHANGE = stat.S_IRWXU


def difference(*, before: Tree, after: Tree) -> tuple[Change, ...]:
    """Plan one change for each path that differs, in path order."""
    return tuple(
        Change(path=path, before=before.get(path), after=after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )


def ordered(changes: Iterable[Change], *, folders: Tree) -> tuple[Change, ...]:
    """Put changes into an order in which each is possible, and undoing is the list backwards.

    First the folders that their mode closes are opened; then files go, then emptied folders,
    the deepest first; then folders and files come, the highest first; then modes are set, the
    deepest first. So a file can become a folder, and a name can change its case only.

    ``folders`` are the unchanged folders that hold the changes, as they are now.
    """
    changes = tuple(changes)
    opened = [_open(change) for change in (*changes, *_closed_around(changes, folders))]
    return tuple(
        change
        for wave in (
            (first for first, _, _ in opened if first),
            sorted((main for _, main, _ in opened if main), key=_turn),
            (last for _, _, last in reversed(opened) if last),
        )
        for change in wave
    )


def _closed_around(changes: tuple[Change, ...], folders: Tree) -> Iterator[Change]:
    """Ask for each closed, unchanged folder around a change to be opened and closed again."""
    inside = [change for change in changes if change.place is Place.INSTALL]
    around = {change.path.rpartition("/")[0] for change in inside}
    around -= {change.path for change in inside}
    for path in sorted(around & set(folders)):
        entry = folders[path]
        if entry != _may_change(entry):
            yield Change.model_construct(path=path, before=entry, after=entry)


def _open(change: Change) -> tuple[Change | None, Change | None, Change | None]:
    """Split a change into what comes before, with and after all others."""
    before, after = _may_change(change.before), _may_change(change.after)
    first = _or_none(change, change.before, before) if before else None
    last = _or_none(change, after, change.after) if after else None
    if change.in_place:
        return first, None, _or_none(change, before, change.after)
    return first, _or_none(change, before, after), last


def _or_none(change: Change, before: Entry | None, after: Entry | None) -> Change | None:
    if before == after:
        return None
    return change.model_copy(update={"before": before, "after": after})


def _may_change(entry: Entry | None) -> Entry | None:
    if entry is None or entry.kind is not Kind.DIRECTORY:
        return entry
    return entry.model_copy(update={"mode": entry.mode | _OWNER_MAY_CHANGE})


def _turn(change: Change) -> tuple[int, int, TreePath]:
    """Say when a change that moves something has its turn."""
    depth = change.path.count("/")
    if change.after is None:
        emptied = change.before is not None and change.before.kind is Kind.DIRECTORY
        return (1, -depth, change.path) if emptied else (0, 0, change.path)
    return (2, depth, change.path)
