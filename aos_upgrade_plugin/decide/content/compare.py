"""How base, local and incoming differ at each path. The table: docs/explanation/three-way.md."""

from collections.abc import Set as AbstractSet

from aos_upgrade_plugin.decide.content.renames import at_new_places, fitting, told_as_moves
from aos_upgrade_plugin.models.three_way import Compared, Relation, Renames, Version, Versions
from aos_upgrade_plugin.models.tree import TreePath


def compare(
    *,
    base: Versions,
    local: Versions,
    incoming: Versions,
    config: AbstractSet[TreePath] = frozenset(),
    renames: Renames | None = None,
) -> tuple[Compared, ...]:
    """Compare each path that the product has or had, in path order.

    A path that only the user has is never mentioned, so it cannot be lost. What changed upstream
    at a path in ``config`` is a conflict, even if nobody changed it here. What upstream renamed
    is compared at its new place.
    """
    follow = fitting(renames or {}, base=base, incoming=incoming.keys(), config=config)
    sides = at_new_places(base=base, local=local, renames=follow)
    compared = told_as_moves(
        (
            _at(path, sides.base.get(path), sides.local.get(path), incoming.get(path))
            for path in {*sides.base, *incoming}
        ),
        sides,
    )
    return tuple(
        one._replace(relation=Relation.CONFIG)
        if one.path in config and one.local and one.relation.brings
        else one
        for one in compared
    )


def relation(base: Version | None, local: Version | None, incoming: Version | None) -> Relation:
    """Name how three versions of one path differ in content; modes are not looked at."""
    if _same(local, incoming):
        only_line_ends = local and _same(local, base) and not _same(base, incoming)
        return Relation.UPDATED if only_line_ends else _alike(base, local)
    if base is None:
        return _added(local, incoming)
    if _same(local, base):
        return Relation.UPDATED if incoming else Relation.REMOVED_UPSTREAM
    if _same(incoming, base):
        return Relation.EDITED_LOCALLY if local else Relation.REMOVED_LOCALLY
    return _both_changed(local, incoming)


def _alike(base: Version | None, local: Version | None) -> Relation:
    if local is None:
        return Relation.BOTH_REMOVED
    return Relation.UNCHANGED if _same(base, local) else Relation.SAME_CHANGE


def _added(local: Version | None, incoming: Version | None) -> Relation:
    if local is None:
        return Relation.NEW
    return Relation.ADD_ADD if incoming else Relation.LOCAL_ONLY


def _both_changed(local: Version | None, incoming: Version | None) -> Relation:
    if local is None:
        return Relation.DELETE_EDIT
    return Relation.EDIT_EDIT if incoming else Relation.EDIT_DELETE


def _same(one: Version | None, other: Version | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.same_content(other)


def _at(
    path: TreePath, base: Version | None, local: Version | None, incoming: Version | None
) -> Compared:
    found = relation(base, local, incoming)
    executable = _executable(base, local, incoming)
    content_stays = found in {Relation.UNCHANGED, Relation.SAME_CHANGE, Relation.EDITED_LOCALLY}
    if content_stays and local and local.executable != executable:
        found = Relation.MODE_UPDATED
    return Compared(path, found, base, local, incoming, executable)


def _executable(base: Version | None, local: Version | None, incoming: Version | None) -> bool:
    """Merge the one bit of mode that git knows; two sides that both changed it agree."""
    if local is None or incoming is None:
        return any(side.executable for side in (local, incoming) if side)
    if base is None:
        return local.executable
    return incoming.executable if local.executable == base.executable else local.executable
