"""Every conflict with the texts of its sides, and what came of merging them."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.content_plan import ContentFacts
from aos_upgrade_plugin.decide.content.merging import (
    merged_config,
    merged_text,
    to_be_merged,
    why_not_mergeable,
)
from aos_upgrade_plugin.decide.content.product import part_of
from aos_upgrade_plugin.effects.source.repository import Repository
from aos_upgrade_plugin.effects.source.source import read_blobs
from aos_upgrade_plugin.effects.source.text_merge import MergeTexts, merging
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.errors import DamagedError, RefusedError, StaleError
from aos_upgrade_plugin.models.conflict import Merge, OpenConflict, Side
from aos_upgrade_plugin.models.migration import Operation
from aos_upgrade_plugin.models.plan import Conflict
from aos_upgrade_plugin.models.source import ObjectId
from aos_upgrade_plugin.models.three_way import Compared, Version
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, unescape


class WhereTextsAre(NamedTuple):
    """Where the texts of the three sides are to be had."""

    source: Repository
    install: Path
    migrated: Mapping[TreePath, Operation]
    """What the facts hold at a path although it is not there yet: it was not migrated."""


def open_conflicts(
    conflicts: Iterable[tuple[Conflict, Compared | None]],
    facts: ContentFacts,
    where: WhereTextsAre,
) -> tuple[OpenConflict, ...]:
    """Return the conflicts with their texts, merged where they can be.

    Nothing of the installation is changed. Raises StaleError where a file changed since the facts
    were measured.
    """
    conflicts = tuple(conflicts)
    if not conflicts:
        return ()
    incoming = _incoming([conflict.path for conflict, _ in conflicts], facts, where.source)
    base = _base((one for _, one in conflicts if one is not None), where.source)
    with merging() as merge_texts:
        return tuple(
            _merged(
                OpenConflict(
                    path=conflict.path,
                    relation=conflict.relation,
                    part=part_of(conflict.path, facts.layout) or facts.parts[0],
                    is_config=conflict.path == facts.layout.config,
                    base=base.get(conflict.path),
                    local=_local(conflict.renamed_from or conflict.path, facts, where),
                    incoming=incoming.get(conflict.path),
                    blocks=conflict.blocks,
                    renamed_from=conflict.renamed_from,
                ),
                merge_texts,
            )
            for conflict, _ in conflicts
        )


def _merged(conflict: OpenConflict, merge_texts: MergeTexts) -> OpenConflict:
    return conflict.model_copy(update={"merge": _merge(conflict, merge_texts)})


def _merge(conflict: OpenConflict, merge_texts: MergeTexts) -> Merge:
    if conflict.is_config and (by_key := merged_config(conflict)):
        return by_key
    reason = why_not_mergeable(conflict)
    texts = to_be_merged(conflict)
    if reason is not None or texts is None:
        return Merge(about=(reason,) if reason else ())
    try:
        content, places = merge_texts(*texts)
    except RefusedError as error:
        return Merge(about=(f"not merged: {error}",))
    return merged_text(conflict, content=content, places=places)


def _incoming(
    paths: Iterable[TreePath], facts: ContentFacts, repository: Repository
) -> Mapping[TreePath, Side]:
    laid = {path: facts.incoming[path].in_git for path in paths if path in facts.incoming}
    contents = read_blobs(repository, {blob.oid for blob in laid.values()})
    return {
        path: Side(kind=blob.kind, executable=blob.executable, content=contents[blob.oid])
        for path, blob in laid.items()
    }


def _base(compared: Iterable[Compared], repository: Repository) -> Mapping[TreePath, Side]:
    """Find what was laid down; the source need not have it, where it was laid down from another."""
    wanted = {one.path: one.base for one in compared if one.base is not None}
    with repository.blobs() as read:
        found = {path: _first_readable(version, read) for path, version in wanted.items()}
    return {path: side for path, side in found.items() if side is not None}


def _first_readable(version: Version, read: Callable[[ObjectId], bytes]) -> Side | None:
    for oid in sorted(version.blobs):
        with suppress(DamagedError):
            content = read(oid)
            return Side(kind=version.kind, executable=version.executable, content=content)
    return None


def _local(path: TreePath, facts: ContentFacts, where: WhereTextsAre) -> Side | None:
    entry = facts.target.tree.get(path)
    if entry is None:
        return None
    version = facts.target.versions.get(path)
    executable = version.executable if version else False
    return Side(kind=entry.kind, executable=executable, content=_content(path, entry, where))


def _content(path: TreePath, entry: Entry, where: WhereTextsAre) -> bytes:
    if entry.kind is Kind.LINK:
        return unescape(entry.link_target or "")
    if entry.kind is not Kind.FILE:
        return b""
    migration = where.migrated.get(path)
    if migration is not None and migration.text is not None:
        return unescape(migration.text)
    stands_at = migration.path if migration else path
    paper = read_papers(where.install, [stands_at]).get(stands_at)
    if paper is None or paper.entry != entry:
        raise StaleError(
            f"{stands_at} changed while it was read",
            cure="wait until nobody writes, then run again",
        )
    return paper.content
