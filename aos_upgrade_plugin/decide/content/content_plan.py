"""From what was measured to the plan: the one decision about every file of an upgrade."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.answering import (
    NOTHING_DECIDED,
    explained,
    settled,
)
from aos_upgrade_plugin.decide.content.bookkeeping import (
    Passage,
    ignore_text,
    log_text,
    summary_text,
    version_text,
)
from aos_upgrade_plugin.decide.content.changes import mode_of_new, planned_changes
from aos_upgrade_plugin.decide.content.compare import compare
from aos_upgrade_plugin.decide.content.origin import users_own
from aos_upgrade_plugin.decide.content.product import part_of, that_comes
from aos_upgrade_plugin.decide.content.resolution import Resolution, resolve
from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.conflict import Decisions
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.layout import Layout, Part, PathClass
from aos_upgrade_plugin.models.plan import (
    RECORD,
    BaseRecord,
    Conflict,
    Laid,
    Options,
    Origin,
    Paper,
    PlannedChange,
    PlanSource,
    UpgradePlan,
)
from aos_upgrade_plugin.models.session import WorkflowType
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.source import LaidDown, ObjectFormat, ObjectId
from aos_upgrade_plugin.models.three_way import (
    Compared,
    Relation,
    Renames,
    Target,
    Version,
    Versions,
)
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, escape, tree_digest

IGNORE: TreePath = ".gitignore"
_LAID_DOWN = frozenset({PathClass.SYSTEM, PathClass.MIXED})
_UPSTREAM_STANDS_STILL = frozenset(
    {Relation.UNCHANGED, Relation.EDITED_LOCALLY, Relation.REMOVED_LOCALLY}
)


class ContentFacts(NamedTuple):
    """All that a plan is made from."""

    parts: tuple[Part, ...]
    """Those to upgrade, in their order; what comes and what was laid down is theirs."""
    layout: Layout
    source: PlanSource
    object_format: ObjectFormat
    target: Target
    incoming: Mapping[TreePath, LaidDown]
    base: Versions
    renames: Renames
    """What upstream renamed between the two."""
    origin: Origin
    record: BaseRecord | None
    record_entry: Entry | None
    papers: Mapping[Place, Mapping[TreePath, Paper]]
    """What is written about the upgrade, and may be written."""
    unrecovered: tuple[TreePath, ...] = ()
    """What has no base although the product has or had a file there."""
    notes: tuple[str, ...] = ()
    becomes: Layout | None = None
    """The layout that the source installs, where its install folder has another name."""
    followed: Mapping[SessionId, WorkflowType] = MappingProxyType({})
    """What the workflows of sessions are called afterwards that follow them to another name."""


def conflicts_of(facts: ContentFacts) -> tuple[tuple[Conflict, Compared | None], ...]:
    """Return every conflict that there is while nobody has decided anything, with its sides.

    What only the user has, and is in the way, has no sides to compare.
    """
    compared = _compare(_without_others_paths(facts))
    sides = {one.path: one for one in compared}
    found = resolve(compared, target=facts.target, on_conflict=OnConflict.FAIL).conflicts
    return tuple((conflict, sides.get(conflict.path)) for conflict in found)


def plan_content(
    facts: ContentFacts,
    *,
    options: Options,
    created_at: datetime,
    tool: str,
    decisions: Decisions = NOTHING_DECIDED,
) -> UpgradePlan:
    """Plan every change; none at all where upstream changed nothing since the last time."""
    facts = _without_others_paths(facts)
    compared = _compare(facts)
    resolution = resolve(
        compared,
        target=facts.target,
        on_conflict=options.on_conflict,
        decided=settled(decisions),
    )
    counts = Counter(one.relation for one in compared if one.relation is not Relation.MOVED_AWAY)
    counts[Relation.LOCAL_ONLY] = len(facts.target.versions.keys() - {one.path for one in compared})
    plan = UpgradePlan(
        created_at=created_at,
        tool_version=tool,
        layout=facts.layout.name,
        options=options,
        source=facts.source,
        origin=facts.origin,
        target_digest=tree_digest(facts.target.tree),
        target=facts.target.tree,
        project={path: paper.entry for path, paper in facts.papers.get(Place.PROJECT, {}).items()},
        counts=counts,
        conflicts=tuple(
            explained(conflict, decisions, options.on_conflict) for conflict in resolution.conflicts
        ),
        kept=resolution.kept,
        unrecovered=facts.unrecovered,
        notes=(*facts.notes, *decisions.notes),
    )
    if all(one.relation in _UPSTREAM_STANDS_STILL for one in compared):
        return plan
    return _with_changes(plan, facts, resolution)


def _without_others_paths(facts: ContentFacts) -> ContentFacts:
    """Leave out the paths that an upgrade does not touch, even if a source has them."""
    class_of, config = classifier(facts.layout), facts.layout.config

    def is_products(path: TreePath) -> bool:
        return class_of(path) in _LAID_DOWN or path == config

    base = {path: side for path, side in facts.base.items() if is_products(path)}
    incoming = {path: laid for path, laid in facts.incoming.items() if is_products(path)}
    comes = that_comes(
        incoming, base=base, local=facts.target.versions, layout=facts.becomes or facts.layout
    )
    return facts._replace(base=base, incoming=comes)


def _compare(facts: ContentFacts) -> tuple[Compared, ...]:
    incoming = {path: Version.of(laid.in_git) for path, laid in facts.incoming.items()}
    return compare(
        base=facts.base,
        local=facts.target.versions,
        incoming=incoming,
        config=frozenset({facts.layout.config}),
        renames=facts.renames,
    )


def _with_changes(plan: UpgradePlan, facts: ContentFacts, resolution: Resolution) -> UpgradePlan:
    """Add the changes, and what is written down about them in the same transaction."""
    changes = tuple(
        one.model_copy(update={"part": part_of(one.change.path, facts.layout) or facts.parts[0]})
        for one in planned_changes(
            resolution=resolution, target=facts.target, incoming=facts.incoming
        )
    )
    record = _record(plan, facts, changes)
    written = (
        _written(path, place, paper, text, facts)
        for place, path, paper, text in _texts(plan, facts, record)
        if text != paper.content
    )
    return plan.model_copy(update={"changes": (*changes, *written), "record": record})


def _record(plan: UpgradePlan, facts: ContentFacts, changes: Iterable[PlannedChange]) -> BaseRecord:
    own = users_own(
        incoming=facts.incoming,
        local=facts.target.versions,
        changes=changes,
        object_format=facts.object_format,
    )
    laid = {part: _laid(part, facts, own) for part in facts.parts}
    before = facts.record or BaseRecord(recorded_at=plan.created_at, parts={})
    return BaseRecord(
        recorded_at=plan.created_at,
        parts={**before.parts, **laid},
        sessions={**before.sessions, **facts.followed},
    )


def _laid(part: Part, facts: ContentFacts, own: Mapping[TreePath, ObjectId | None]) -> Laid:
    paths = [path for path in sorted(facts.incoming) if part_of(path, facts.layout) is part]
    return Laid(
        commit=facts.source.commit,
        version=facts.source.version,
        object_format=facts.object_format,
        paths={path: facts.incoming[path] for path in paths},
        kept={path: name for path in paths if (name := own.get(path))},
        away=tuple(path for path in paths if path in own and own[path] is None),
    )


def _texts(
    plan: UpgradePlan, facts: ContentFacts, record: BaseRecord
) -> Iterator[tuple[Place, TreePath, Paper, bytes]]:
    """Yield each file that is written about the upgrade, as it is and as it shall be."""
    passage = Passage(
        at=plan.created_at,
        tool=f"aos-upgrade {plan.tool_version}",
        product=(facts.becomes or facts.layout).product,
        from_version=plan.origin.version,
        from_commit=plan.origin.commit,
        to_version=plan.source.version,
        to_commit=plan.source.commit,
        counts=plan.counts,
        decided=sum(conflict.choice is not None for conflict in plan.conflicts),
        only=facts.parts[0] if len(facts.parts) == 1 else None,
    )
    layout, install = facts.layout, facts.papers.get(Place.INSTALL, {})
    writers = (
        (layout.version, version_text),
        (layout.update_log, log_text),
        (layout.summary, summary_text),
    )
    for path, text_for in writers:
        about_content = path == layout.version  # it says which content is installed
        if about_content and Part.CONTENT not in facts.parts:
            continue
        if paper := install.get(path):
            yield Place.INSTALL, path, paper, text_for(paper.content, passage)
    if paper := facts.papers.get(Place.PROJECT, {}).get(IGNORE):
        yield Place.PROJECT, IGNORE, paper, ignore_text(paper.content, facts.becomes or layout)
    yield Place.INSTALL, RECORD, Paper(facts.record_entry, b""), record.to_json()


def _written(
    path: TreePath, place: Place, paper: Paper, text: bytes, facts: ContentFacts
) -> PlannedChange:
    mode = paper.entry.mode if paper.entry else mode_of_new(path, facts.target, kind=Kind.FILE)
    after = Entry(
        kind=Kind.FILE,
        mode=mode,
        size_bytes=len(text),
        digest=hashlib.sha256(text).hexdigest(),
    )
    return PlannedChange(
        change=Change(path=path, place=place, before=paper.entry, after=after),
        part=facts.parts[0],
        text=None if path == RECORD else escape(text),
    )
