"""What upstream renamed: the three sides seen at the new places, so that edits go along."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from aos_upgrade_plugin.models.three_way import Compared, Relation, Renames, Versions
from aos_upgrade_plugin.models.tree import Kind, TreePath

_SETTLED = frozenset(
    {
        Relation.UNCHANGED,
        Relation.UPDATED,
        Relation.MODE_UPDATED,
        Relation.SAME_CHANGE,
        Relation.EDITED_LOCALLY,
    }
)
_CAN_MOVE = frozenset({Kind.FILE, Kind.LINK})


class Sides(NamedTuple):
    """Base and local, with what was renamed at its new place."""

    base: Versions
    local: Versions
    moved: Renames
    """Those of the renames that something of the user's installation goes along with."""
    gone: tuple[TreePath, ...]
    """Old places where nothing stands any more: the user removed or moved it already."""


def chain(steps: Iterable[Iterable[tuple[TreePath, TreePath | None]]]) -> Renames:
    """Follow names through commits, the oldest first, to where each path ended.

    A step tells what a commit renamed, and with nothing for a new name what it removed. What
    comes later under a name that was left is another file.
    """
    now: dict[TreePath, TreePath | None] = {}
    for step in steps:
        first = {last: name for name, last in now.items() if last is not None}
        for old, new in step:
            if old in first or old not in now:
                now[first.get(old, old)] = new
    return {name: last for name, last in now.items() if last is not None and name != last}


def fitting(
    renames: Renames,
    *,
    base: Versions,
    incoming: AbstractSet[TreePath],
    config: AbstractSet[TreePath] = frozenset(),
) -> Renames:
    """Return the renames between what was laid down and what comes; configuration stays put."""
    taken: set[TreePath] = set()
    found: dict[TreePath, TreePath] = {}
    for old, new in renames.items():
        leaves = old in base and old not in incoming
        arrives = new in incoming and new not in base and new not in taken
        if leaves and arrives and not {old, new} & config:
            taken.add(new)
            found[old] = new
    return found


def at_new_places(*, base: Versions, local: Versions, renames: Renames) -> Sides:
    """Move base and local along with each rename that can be followed.

    It is not followed where the user has something at both places: each is then compared with
    what upstream has there. Where the old place is empty, the new one inherits its base, so that
    what the user removed stays away and what the user moved is known.
    """
    base_then, local_then = dict(base), dict(local)
    moved: dict[TreePath, TreePath] = {}
    gone: list[TreePath] = []
    for old, new in renames.items():
        stands = local.get(old)
        if stands is None:
            gone.append(old)
        elif new in local or stands.kind not in _CAN_MOVE:
            continue
        else:
            moved[old] = new
            local_then[new] = local_then.pop(old)
        base_then[new] = base_then.pop(old)
    return Sides(base_then, local_then, moved, tuple(gone))


def told_as_moves(compared: Iterable[Compared], sides: Sides) -> tuple[Compared, ...]:
    """Say of each path that is compared at its new place where it comes from.

    Where nobody has to be asked it is a move, whatever else changed; the old place follows.
    """
    old_of: Mapping[TreePath, TreePath] = {new: old for old, new in sides.moved.items()}
    told = [_moved(one, old_of[one.path]) if one.path in old_of else one for one in compared]
    told += [_left(one, Relation.MOVED_AWAY) for one in told if one.renamed_from]
    told += [
        Compared(path, Relation.BOTH_REMOVED, None, None, None, executable=False)
        for path in sides.gone
    ]
    return tuple(sorted(told, key=lambda one: one.path))


def _moved(one: Compared, old: TreePath) -> Compared:
    settled = one.relation in _SETTLED
    return one._replace(
        relation=Relation.MOVED if settled else one.relation,
        renamed_from=old,
        carries=settled and not _upstream_changed(one),
    )


def _upstream_changed(one: Compared) -> bool:
    if one.base is None or one.incoming is None:
        return True
    return not one.incoming.same_content(one.base)


def _left(one: Compared, relation: Relation) -> Compared:
    path = one.renamed_from or one.path
    return Compared(path, relation, one.base, one.local, None, executable=False)
