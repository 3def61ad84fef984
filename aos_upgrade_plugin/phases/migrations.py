"""What migrations are decided from, measured; and which of them apply."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from aos_upgrade_plugin.decide.content.content_plan import IGNORE, ContentFacts
from aos_upgrade_plugin.decide.migration.migrating import Offered
from aos_upgrade_plugin.effects.service.clients import CLIENT_FILES
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.effects.tree.files import locate, read_bytes
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.migration import MigrationFacts
from aos_upgrade_plugin.models.plan import Paper
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases.in_flight import walked_workflows
from aos_upgrade_plugin.phases.installation import Installation, lies_in_project
from aos_upgrade_plugin.phases.source import Source

Offer = Callable[[MigrationFacts], Sequence[Offered]]
"""Says which migrations apply; plugins do."""

_OUTSIDE = (IGNORE, *CLIENT_FILES)
"""Files of a project that tell of its installation, and that a migration may rewrite."""


def nothing_offered(_: MigrationFacts) -> tuple[Offered, ...]:
    """Offer no migration at all."""
    return ()


def look_for_migrations(
    installation: Installation,
    source: Source,
    facts: ContentFacts,
    offer: Offer,
) -> tuple[ContentFacts, Sequence[Offered]]:
    """Return what applies, and the facts with the files outside that may be changed."""
    papers = {**_outside(installation), **facts.papers.get(Place.PROJECT, {})}
    with source.repository.blobs() as read:
        offered = offer(
            MigrationFacts(
                layout=installation.layout,
                becomes=facts.becomes,
                project=os.fsencode(installation.project.resolve()),
                parts=facts.parts,
                target=facts.target.tree,
                laid_down=facts.base,
                incoming=facts.incoming,
                renames=facts.renames,
                sessions=lambda: walked_workflows(installation),
                outside={path: paper.content for path, paper in papers.items() if paper.entry},
                index=_names_in(installation.path / installation.layout.index),
                read=lambda path: read_bytes(_place(installation, path)),
                read_incoming=lambda path: read(facts.incoming[path].blob),
            )
        )
    return facts._replace(papers={**facts.papers, Place.PROJECT: papers}), offered


def _outside(installation: Installation) -> Mapping[TreePath, Paper]:
    if not lies_in_project(installation):
        return {}
    return {
        path: paper
        for path, paper in read_papers(installation.project, _OUTSIDE).items()
        if paper.entry is not None
    }


def _names_in(folder: Path) -> frozenset[str]:
    return frozenset(each.name for each in folder.iterdir()) if folder.is_dir() else frozenset()


def _place(installation: Installation, path: TreePath) -> Path:
    return Path(os.fsdecode(locate(installation.path, path)))
