"""Migrations made part of a plan: the content is planned as if they were made already.

So a file that moves finds its folder, one that leaves empties it, and what is written about the
upgrade stands on top of what a migration rewrote. Then each change gets back what really stands.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.changes import mode_of_new
from aos_upgrade_plugin.decide.content.content_plan import IGNORE, ContentFacts
from aos_upgrade_plugin.decide.content.product import part_of
from aos_upgrade_plugin.decide.content.resolution import folders_above
from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.journal import Change, InstallRename, Place
from aos_upgrade_plugin.models.layout import KEPT
from aos_upgrade_plugin.models.migration import (
    ALL,
    Migration,
    MigrationId,
    Operation,
    PlannedMigration,
)
from aos_upgrade_plugin.models.plan import Paper, PlannedChange, UpgradePlan
from aos_upgrade_plugin.models.source import blob_names
from aos_upgrade_plugin.models.three_way import Target, Version
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, tree_digest, unescape

_MOVABLE = frozenset({Kind.FILE, Kind.LINK})


class Offered(NamedTuple):
    """A migration that applies, and the distribution that says so."""

    migration: Migration
    distribution: str


class Chosen(NamedTuple):
    """The migrations of a plan."""

    planned: tuple[PlannedMigration, ...]
    made: tuple[Migration, ...]
    """Those that the plan is made with: asked for, or needed and still to be asked for."""
    notes: tuple[str, ...]


def choose(offered: Iterable[Offered], *, asked: Sequence[MigrationId]) -> Chosen:
    """Say which migrations are made. One that does nothing to anything does not apply."""
    applying = [each for each in offered if each.migration.lines]
    planned = tuple(
        PlannedMigration(
            id=migration.id,
            title=migration.title,
            why=migration.why,
            needed=migration.needed,
            asked=migration.id in asked or ALL in asked,
            lines=migration.lines,
            distribution=distribution,
        )
        for migration, distribution in applying
    )
    made = {each.id for each in planned if each.asked or each.needed}
    idle = sorted(set(asked) - {each.id for each in planned} - {ALL})
    return Chosen(
        planned,
        tuple(each.migration for each in applying if each.migration.id in made),
        tuple(f"--migrate {name}: there is nothing here that it applies to" for name in idle),
    )


def migrated(facts: ContentFacts, made: Sequence[Migration]) -> ContentFacts:
    """Return the facts as they would be after some migrations.

    Raises RefusedError for an operation that is not possible, naming the migration.
    """
    tree, versions = dict(facts.target.tree), dict(facts.target.versions)
    papers = {place: dict(facts.papers.get(place, {})) for place in Place}
    for each, operation in _operations(facts, made):
        if operation.place is Place.PROJECT:
            paper = papers[Place.PROJECT][operation.path]
            papers[Place.PROJECT][operation.path] = _rewritten(paper, operation)
            continue
        if operation.to is not None and operation.to in tree:
            raise _impossible(each, f"{operation.to} is a folder for something else")
        entry, version = tree.pop(operation.path), versions.pop(operation.path, None)
        path, content = operation.to or operation.path, operation.text
        if content is None and operation.to is None:
            continue
        tree[path] = entry if content is None else _with_content(entry, unescape(content))
        tree |= _folders_for(path, tree, facts.target)
        if version is not None:
            versions[path] = version if content is None else _named(version, content, facts)
    for folder in _emptied(tree, facts.target):
        del tree[folder]
    return facts._replace(
        target=facts.target._replace(tree=tree, versions=versions),
        papers=papers,
        followed={one.session_id: one.becomes for each in made for one in each.follows},
    )


def stood_before(made: Sequence[Migration]) -> Mapping[TreePath, Operation]:
    """Return what brings a file of the installation to where the migrations have it."""
    return {
        operation.to or operation.path: operation
        for each in made
        for operation in each.operations
        if operation.place is Place.INSTALL
    }


def with_migrations(
    plan: UpgradePlan, chosen: Chosen, *, facts: ContentFacts, as_if: ContentFacts
) -> UpgradePlan:
    """Return a plan that was made ``as_if`` with what really stands, and with the migrations."""
    known = {(one.change.place, one.change.path): one for one in plan.changes}
    touched = dict(_touched(facts, as_if))
    doing = {
        (operation.place, path): (each, operation)
        for each in chosen.made
        for operation in each.operations
        for path in (operation.path, operation.to)
        if path is not None
    }
    around = {
        (place, folder): each.id
        for (place, path), (each, _) in doing.items()
        for folder in folders_above(path)
    }
    composed: dict[tuple[Place, TreePath], PlannedChange] = {}
    for spot, (before, between) in touched.items():
        each, operation = doing.get(spot, (None, None))
        one = _composed(spot, before, between, known.pop(spot, None), operation)
        if one is not None:
            one = one.model_copy(update={"migration": each.id if each else around.get(spot)})
            part = each.part if each and each.part else part_of(spot[1], facts.layout)
            update = {"part": part if part in facts.parts else facts.parts[0]}
            composed[spot] = one.model_copy(update=update)
    becomes = facts.becomes if any(each.renames for each in chosen.made) else None
    names = {"before": facts.layout.folder, "after": becomes.folder} if becomes else None
    return plan.model_copy(
        update={
            "target": facts.target.tree,
            "target_digest": tree_digest(facts.target.tree),
            "project": _project(facts, doing),
            "changes": (*_in_order(composed, known),),
            "migrations": chosen.planned,
            "rename": InstallRename.model_validate(names) if names else None,
            "becomes": becomes.name if becomes else None,
            "forgets": tuple(sorted({path for each in chosen.made for path in each.forgets})),
            "follows": tuple(one for each in chosen.made for one in each.follows),
            "notes": (*plan.notes, *chosen.notes),
        }
    )


def _project(
    facts: ContentFacts, doing: Mapping[tuple[Place, TreePath], object]
) -> Mapping[TreePath, Entry | None]:
    """Name the files outside that the plan looked at: those that it changes, and one more."""
    papers = facts.papers.get(Place.PROJECT, {})
    looked_at = {path for place, path in doing if place is Place.PROJECT} | ({IGNORE} & {*papers})
    return {path: papers[path].entry for path in sorted(looked_at)}


def _in_order(
    composed: Mapping[tuple[Place, TreePath], PlannedChange],
    known: Mapping[tuple[Place, TreePath], PlannedChange],
) -> Iterator[PlannedChange]:
    """Yield by path what is laid down and migrated, then what is written about the upgrade."""
    every = {**known, **composed}
    laid = {spot for spot, one in every.items() if one.relation or one.migration}
    yield from (every[spot] for spot in sorted(laid, key=lambda spot: (spot[0], spot[1])))
    yield from (one for spot, one in every.items() if spot not in laid)


def _touched(
    facts: ContentFacts, as_if: ContentFacts
) -> Iterator[tuple[tuple[Place, TreePath], tuple[Entry | None, Entry | None]]]:
    """Yield each path that the migrations change: what stands, and what would between."""
    before, between = facts.target.tree, as_if.target.tree
    for path in sorted({*before, *between}):
        if before.get(path) != between.get(path):
            yield (Place.INSTALL, path), (before.get(path), between.get(path))
    for path, paper in as_if.papers.get(Place.PROJECT, {}).items():
        stands = facts.papers.get(Place.PROJECT, {})[path].entry
        if paper.entry != stands:
            yield (Place.PROJECT, path), (stands, paper.entry)


def _composed(
    spot: tuple[Place, TreePath],
    before: Entry | None,
    between: Entry | None,
    planned: PlannedChange | None,
    operation: Operation | None,
) -> PlannedChange | None:
    """Return the one change of two that follow each other; nothing where they cancel out."""
    place, path = spot
    after = planned.change.after if planned else between
    if before == after:
        return None
    change = Change(path=path, place=place, before=before, after=after)
    if planned is not None and (planned.blob or planned.text is not None or after is None):
        return planned.model_copy(update={"change": change})
    source: dict[str, str | None] = {}
    if operation is not None and after is not None:
        moved = operation.to == path
        source = {"renamed_from": operation.path} if moved else {"text": operation.text}
    relation = planned.relation if planned else None
    return PlannedChange.model_validate({"change": change, "relation": relation, **source})


def _operations(
    facts: ContentFacts, made: Sequence[Migration]
) -> Iterator[tuple[Migration, Operation]]:
    """Yield every operation that can be done; refuse any other."""
    class_of, seen = classifier(facts.layout), set[tuple[Place, TreePath]]()
    for each in made:
        for operation in each.operations:
            spots = {(operation.place, path) for path in (operation.path, operation.to) if path}
            if twice := seen & spots:
                raise _impossible(each, f"{min(twice)[1]} is changed twice")
            seen |= spots
            paths = [path for place, path in spots if place is Place.INSTALL]
            if strange := [path for path in paths if class_of(path) not in KEPT]:
                raise _impossible(each, f"{strange[0]} is never changed path by path")
            if not _stands(facts, operation):
                raise _impossible(each, f"there is no file {operation.path}")
            if operation.to is not None and _is_taken(facts, operation.to):
                raise _impossible(each, f"{operation.to} is there already, or comes")
            yield each, operation


def _stands(facts: ContentFacts, operation: Operation) -> bool:
    if operation.place is Place.PROJECT:
        paper = facts.papers.get(Place.PROJECT, {}).get(operation.path)
        return paper is not None and paper.entry is not None
    entry = facts.target.tree.get(operation.path)
    kinds = {Kind.FILE} if operation.text is not None else _MOVABLE
    return entry is not None and entry.kind in kinds


def _is_taken(facts: ContentFacts, path: TreePath) -> bool:
    return path in facts.target.tree or path in facts.target.unread or path in facts.incoming


def _rewritten(paper: Paper, operation: Operation) -> Paper:
    if operation.text is None or paper.entry is None:
        return Paper(None, b"")
    content = unescape(operation.text)
    return Paper(_with_content(paper.entry, content), content)


def _with_content(entry: Entry, content: bytes) -> Entry:
    digest = hashlib.sha256(content).hexdigest()
    return entry.model_copy(update={"size_bytes": len(content), "digest": digest})


def _named(version: Version, text: str, facts: ContentFacts) -> Version:
    return version._replace(blobs=blob_names(unescape(text), facts.object_format))


def _folders_for(
    path: TreePath, tree: Mapping[TreePath, Entry], target: Target
) -> Mapping[TreePath, Entry]:
    return {
        folder: Entry(kind=Kind.DIRECTORY, mode=mode_of_new(folder, target, kind=Kind.DIRECTORY))
        for folder in folders_above(path)
        if folder not in tree
    }


def _emptied(tree: Mapping[TreePath, Entry], target: Target) -> frozenset[TreePath]:
    """Find the folders that the migrations emptied; one that was empty before is the user's."""
    held = {folder for path in (*target.tree, *target.unread) for folder in folders_above(path)}
    files = [path for path, entry in tree.items() if entry.kind is not Kind.DIRECTORY]
    bare = {
        path for path, entry in tree.items() if entry.kind is Kind.DIRECTORY and path not in held
    }
    needed = {folder for path in (*files, *target.unread, *bare) for folder in folders_above(path)}
    gone = {path for path in target.tree if path not in tree}
    touched = {folder for path in gone for folder in folders_above(path)}
    return frozenset((touched & held & tree.keys()) - needed)


def _impossible(migration: Migration, why: str) -> RefusedError:
    return RefusedError(
        f"the migration {migration.id} cannot be made: {why}",
        cure=f"leave it out, or tell who brings it: {migration.title}",
    )
