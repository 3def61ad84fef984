"""What shall stand at each path: conflicts decided, and files that stand where folders come."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from aos_upgrade_plugin.models.conflict import Settled
from aos_upgrade_plugin.models.plan import Choice, Conflict, Kept
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Compared, Relation, Target
from aos_upgrade_plugin.models.tree import Kind, TreePath

_CHOICES = {OnConflict.KEEP: Choice.KEEP, OnConflict.TAKE: Choice.TAKE}
_WRITTEN = frozenset({Choice.MERGE, Choice.OWN})
_NOTHING: Mapping[TreePath, Settled] = {}
_USERS_DOING = frozenset({Relation.EDITED_LOCALLY, Relation.REMOVED_LOCALLY})


class Resolution(NamedTuple):
    """Which paths get what comes, or a new content; every other path stays as it is."""

    brought: Mapping[TreePath, Compared]
    contents: Mapping[TreePath, bytes]
    """Of those that get a content which neither side had."""
    emptied: frozenset[TreePath]
    """Folders that nothing is left in."""
    conflicts: tuple[Conflict, ...]
    kept: tuple[Kept, ...]


def resolve(
    compared: Iterable[Compared],
    *,
    target: Target,
    on_conflict: OnConflict,
    decided: Mapping[TreePath, Settled] = _NOTHING,
) -> Resolution:
    """Decide every path as far as the policy goes; what stays undecided stays untouched.

    What was ``decided`` for a path counts before the policy for all. Something that only the user
    has is never replaced by what needs its place: that is a conflict which can only be kept, until
    the user moves it.
    """
    compared = tuple(compared)
    policy = _CHOICES.get(on_conflict)
    choices = {path: decision.choice for path, decision in decided.items()}
    conflicts = {
        one.path: Conflict(
            path=one.path,
            relation=one.relation,
            choice=choices.get(one.path, policy),
            renamed_from=one.renamed_from,
        )
        for one in compared
        if one.relation.is_conflict
    }
    brought = _brought(compared, {path: each.choice for path, each in conflicts.items()})
    while obstacles := _obstacles(brought, target, _emptied(brought, target)):
        for obstacle, blocked in obstacles.items():
            choice = choices.get(obstacle, policy)
            conflicts[obstacle] = _in_the_way(conflicts.get(obstacle), obstacle, blocked, choice)
        brought = _without({path for paths in obstacles.values() for path in paths}, brought)
    return Resolution(
        brought=brought,
        contents={
            path: decision.content
            for path, decision in decided.items()
            if path in conflicts and path in brought and decision.content is not None
        },
        emptied=_emptied(brought, target),
        conflicts=tuple(conflicts[path] for path in sorted(conflicts)),
        kept=tuple(
            Kept(path=one.path, relation=one.relation)
            for one in compared
            if one.relation in _USERS_DOING
        ),
    )


def _brought(
    compared: Iterable[Compared], choices: Mapping[TreePath, Choice | None]
) -> Mapping[TreePath, Compared]:
    """Return what comes, or what of the user's goes along with a rename, and what goes for it."""
    brought: dict[TreePath, Compared] = {}
    waits: set[TreePath] = set()
    for one in compared:
        choice = choices.get(one.path)
        if one.relation.brings or choice is Choice.TAKE:
            brought[one.path] = one
        elif choice in _WRITTEN:  # also where upstream removed it, a content stands there then
            brought[one.path] = one._replace(incoming=one.incoming or one.local)
        elif one.renamed_from and choice is Choice.KEEP:
            brought[one.path] = one._replace(carries=True)
        elif one.renamed_from:
            waits.add(one.renamed_from)
    return {path: one for path, one in brought.items() if path not in waits}


def _without(
    blocked: AbstractSet[TreePath], brought: Mapping[TreePath, Compared]
) -> Mapping[TreePath, Compared]:
    """Leave out what cannot be laid down; what cannot go to its new place stays at the old."""
    stays = {old for path in blocked if (old := brought[path].renamed_from)}
    return {path: one for path, one in brought.items() if path not in blocked | stays}


def _in_the_way(
    known: Conflict | None, obstacle: TreePath, blocked: list[TreePath], choice: Choice | None
) -> Conflict:
    """Add what cannot be laid down to a conflict; one that can only be kept is not taken."""
    blocks = tuple(sorted({*blocked, *(known.blocks if known else ())}))
    if known is not None and _stays_so(known, blocked):
        return known.model_copy(update={"blocks": blocks})
    keeps = choice if choice is Choice.KEEP else None
    return Conflict(path=obstacle, relation=Relation.IN_THE_WAY, choice=keeps, blocks=blocks)


def _stays_so(known: Conflict, blocked: list[TreePath]) -> bool:
    """Say whether a decision also holds for what stands in the way of something else."""
    if known.choice in _WRITTEN:
        return known.path not in blocked
    return known.choice is not Choice.TAKE


def _obstacles(
    brought: Mapping[TreePath, Compared], target: Target, emptied: AbstractSet[TreePath]
) -> Mapping[TreePath, list[TreePath]]:
    """Find what stays and stands where something shall come, with what it blocks."""
    removed = {path for path, one in brought.items() if one.incoming is None}
    stays = (_standing(target) - removed) | target.unread
    occupied = (target.tree.keys() - emptied) | target.unread
    obstacles: defaultdict[TreePath, list[TreePath]] = defaultdict(list)
    for path, one in brought.items():
        if one.incoming is None or one.stands_here:
            continue
        if path in occupied:
            obstacles[path].append(path)
        elif above := next((folder for folder in folders_above(path) if folder in stays), None):
            obstacles[above].append(path)
    return obstacles


def _emptied(brought: Mapping[TreePath, Compared], target: Target) -> frozenset[TreePath]:
    """Find the folders in which nothing stays and nothing comes.

    A folder that was empty before is the user's.
    """
    removed = {path for path, one in brought.items() if one.incoming is None}
    comes = brought.keys() - removed
    holding = {
        folder for path in _standing(target) | target.unread for folder in folders_above(path)
    }
    stays = (_standing(target) - removed) | target.unread | comes | (_folders(target) - holding)
    needed = {folder for path in stays for folder in folders_above(path)}
    return frozenset((holding & _folders(target)) - needed)


def _standing(target: Target) -> set[TreePath]:
    return {path for path, entry in target.tree.items() if entry.kind is not Kind.DIRECTORY}


def _folders(target: Target) -> set[TreePath]:
    return {path for path, entry in target.tree.items() if entry.kind is Kind.DIRECTORY}


def folders_above(path: TreePath) -> Iterator[TreePath]:
    """Yield the folders that a path lies in, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path
