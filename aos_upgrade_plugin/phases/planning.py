"""From an installation and a source to the plan, and from the plan to the content it brings."""

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.decide.content.content_plan import IGNORE, ContentFacts, plan_content
from aos_upgrade_plugin.decide.content.product import below_roots, only_parts
from aos_upgrade_plugin.decide.content.version import version_in
from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.decide.migration.migrating import (
    choose,
    migrated,
    stood_before,
    with_migrations,
)
from aos_upgrade_plugin.effects.source.base_store import read_record
from aos_upgrade_plugin.effects.source.repository import Repository
from aos_upgrade_plugin.effects.source.source import read_contents
from aos_upgrade_plugin.effects.target import read_papers, read_target, under_git
from aos_upgrade_plugin.effects.tree.files import as_disk_error, locate, scan
from aos_upgrade_plugin.effects.tree.staging import ContentOf
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.layout import KEPT, Layout, Part
from aos_upgrade_plugin.models.plan import (
    RECORD,
    BaseRecord,
    Laid,
    Options,
    Paper,
    PlanSource,
    UpgradePlan,
)
from aos_upgrade_plugin.models.source import ObjectFormat
from aos_upgrade_plugin.models.three_way import Target
from aos_upgrade_plugin.models.tree import Tree, TreePath, shown, unescape
from aos_upgrade_plugin.phases.base import find_base
from aos_upgrade_plugin.phases.conflicts import WhereTextsAre
from aos_upgrade_plugin.phases.deciding import NOTHING_SAID, Said, decide_conflicts
from aos_upgrade_plugin.phases.installation import Installation, lies_in_project
from aos_upgrade_plugin.phases.migrations import Offer, look_for_migrations, nothing_offered
from aos_upgrade_plugin.phases.renaming import other_layout
from aos_upgrade_plugin.phases.skew import version_skews
from aos_upgrade_plugin.phases.source import Source, laid_out, submodules, version_claims

_SHOWN = 5


def plan_upgrade(  # noqa: PLR0913  who has a say, by itself
    installation: Installation,
    source: Source,
    *,
    options: Options,
    created_at: datetime,
    offer: Offer = nothing_offered,
    said: Said = NOTHING_SAID,
) -> UpgradePlan:
    """Plan what becomes of every file when an installation is brought to a source's commit.

    ``offer`` says which migrations apply, ``said`` who decides conflicts. Nothing is written to
    the installation.
    """
    with as_disk_error("reading the installation"):
        facts = gather(installation, source, options.only.parts)
        facts, offered = look_for_migrations(installation, source, facts, offer)
        found_skews = version_skews(installation, source, facts.parts, tree=facts.target.tree)
        chosen = choose(offered, asked=options.migrate)
        as_if = migrated(facts, chosen.made)
        decisions = decide_conflicts(
            as_if,
            WhereTextsAre(source.repository, installation.path, stood_before(chosen.made)),
            on_conflict=options.on_conflict,
            said=said,
        )
    plan = plan_content(
        as_if, options=options, created_at=created_at, tool=__version__, decisions=decisions
    )
    return with_migrations(plan, chosen, facts=facts, as_if=as_if).model_copy(
        update={"skews": found_skews}
    )


def gather(installation: Installation, source: Source, parts: tuple[Part, ...]) -> ContentFacts:
    """Measure all that the plan for some parts of the product is decided from."""
    layout = only_parts(installation.layout, *parts)
    becomes = other_layout(installation, source, parts)
    for each in (installation.layout, source.layout):
        _refuse_parts(each, parts)
    _refuse_submodules(source, layout)
    object_format = source.repository.object_format
    target = read_installation(installation, object_format)
    contents = read_contents(
        source.repository, laid_out(source.tree, only_parts(source.layout, *parts))
    )
    kept = read_record(installation.path)
    bases = [
        find_base(
            installation,
            source,
            part,
            local=target.versions,
            recorded=_laid(kept.record, part, object_format),
        )
        for part in parts
    ]
    origin = bases[0].origin
    unrecovered = tuple(path for base in bases for path in base.unrecovered)
    papers = read_papers_of(installation)
    _refuse_strange_papers(installation, papers[Place.INSTALL])
    known = papers[Place.INSTALL].get(installation.layout.version, Paper(None, b""))
    version = origin.version or version_in(known.content)
    claims = version_claims(source.repository, source.commit, source.tree)
    return ContentFacts(
        parts=parts,
        layout=installation.layout,
        source=PlanSource(
            path=shown(source.repository.path.absolute()),
            commit=source.commit,
            version=claims[0].version if claims else None,
        ),
        object_format=object_format,
        target=target._replace(versions=below_roots(target.versions, layout)),
        incoming=contents.laid_down,
        base={path: side for base in bases for path, side in base.versions.items()},
        renames={old: new for base in bases for old, new in base.renames.items()},
        origin=origin.model_copy(update={"version": version}),
        record=kept.record,
        record_entry=kept.entry,
        papers=papers,
        becomes=becomes,
        unrecovered=unrecovered,
        notes=tuple(_notes(source, kept.problem, contents.lfs_pointers, unrecovered)),
    )


def _laid(record: BaseRecord | None, part: Part, object_format: ObjectFormat) -> Laid | None:
    """Return what was recorded of a part, where its names of contents mean something here."""
    laid = record.parts.get(part) if record else None
    return laid if laid and laid.object_format == object_format else None


def read_installation(installation: Installation, object_format: ObjectFormat = "sha1") -> Target:
    """Read an installation as plans see it: all but what is ours, made again, or replaced whole."""
    class_of = classifier(installation.layout)
    prefixes = tuple(f"{root.install}/" for root in installation.layout.roots)
    return read_target(
        installation.path,
        enter=lambda path: class_of(path) in KEPT,
        named=lambda path: f"{path}/".startswith(prefixes),
        object_format=object_format,
    )


def read_installation_tree(installation: Installation) -> Tree:
    """Read everything in an installation that is not ours, not made again, not replaced whole."""
    return read_installation(installation).tree


def paths_in_installation(installation: Installation) -> frozenset[TreePath]:
    """Name what :func:`read_installation_tree` describes, without reading any of it."""
    class_of = classifier(installation.layout)
    found = scan(
        installation.path,
        enter=lambda path: class_of(path) in KEPT,
        unreadable=lambda _path, _error: None,
    )
    return frozenset(each.path for each in found if each.kind is not None)


def read_papers_of(installation: Installation) -> Mapping[Place, Mapping[TreePath, Paper]]:
    """Read the files that are written about an upgrade.

    The project's ``.gitignore`` is one of them where there is one or the project is under git,
    and where the project is the folder that really holds the installation.
    """
    layout, project = installation.layout, installation.project
    install = read_papers(installation.path, _papers_in(layout))
    beside = read_papers(project, (IGNORE,) if lies_in_project(installation) else ())
    versioned = under_git(project)
    return {
        Place.INSTALL: install,
        Place.PROJECT: {path: paper for path, paper in beside.items() if versioned or paper.entry},
    }


@contextmanager
def contents_of(plan: UpgradePlan, install: Path) -> Generator[ContentOf]:
    """Offer the content of every planned change, for staging."""
    planned = {(one.change.place, one.change.path): one for one in plan.changes}
    source = Path(os.fsdecode(unescape(plan.source.path)))
    with Repository(source).blobs() as read:

        def content_of(change: Change) -> bytes | Path:
            one = planned[change.place, change.path]
            if one.blob is not None:
                return read(one.blob)
            if one.text is not None:
                return unescape(one.text)
            if change.path == RECORD and plan.record is not None:
                return plan.record.to_json()
            return Path(os.fsdecode(locate(install, one.stands_at)))

        yield content_of


def _refuse_parts(layout: Layout, parts: tuple[Part, ...]) -> None:
    if refused := [part for part in parts if part not in layout.upgrades]:
        raise RefusedError(
            f"the {' and the '.join(refused)} of {layout.product} cannot be upgraded by this "
            "version",
            cure=f"upgrade what can be: --only {' or '.join(layout.upgrades)}",
        )


def _refuse_strange_papers(installation: Installation, papers: Mapping[TreePath, Paper]) -> None:
    """Raise RefusedError where what is written about an upgrade would be written elsewhere."""
    strange = [path for path in _papers_in(installation.layout) if path not in papers]
    if strange:
        raise RefusedError(
            f"{', '.join(strange)} in {installation.path} is no file of its own but a link or a "
            "folder, and an upgrade has to write it",
            cure="put a file into its place, or remove it",
        )


def _papers_in(layout: Layout) -> tuple[TreePath, ...]:
    return layout.version, layout.update_log, layout.summary


def _refuse_submodules(source: Source, layout: Layout) -> None:
    if others := submodules(source.tree, layout):
        raise RefusedError(
            f"{', '.join(others)} in the source are submodules: their content is not in it",
            cure="name a source that holds all of its content",
        )


def _notes(
    source: Source,
    record_problem: str | None,
    lfs_pointers: tuple[TreePath, ...],
    unrecovered: tuple[TreePath, ...],
) -> Iterator[str]:
    if source.repository.shallow:
        yield (
            "the source's history is cut off, so what was laid down may not be recognised; "
            f"to complete it: git -C {source.repository.path} fetch --unshallow"
        )
    if record_problem is not None:
        yield f"{record_problem}; what was laid down was found in the source's history instead"
    if unrecovered:
        more = f" and {len(unrecovered) - _SHOWN} more" if unrecovered[_SHOWN:] else ""
        yield (
            "no commit of the source has what stands here, so what was laid down is not known and "
            f"it is treated as yours: {', '.join(unrecovered[:_SHOWN])}{more}"
        )
    if lfs_pointers:
        yield f"pointers are laid down, not their content (git LFS): {', '.join(lfs_pointers)}"
