"""A plan as people read it before they say yes: the diff of everything that it changes."""

from collections.abc import Iterator

from aos_upgrade_plugin.decide.content.diff import unified
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.staging import ContentOf
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.plan import RECORD, PlannedChange, UpgradePlan
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.planning import contents_of


def diffs(plan: UpgradePlan, installation: Installation) -> Iterator[str]:
    """Yield the diff of each planned change, but for folders and the record of what is laid down.

    The installation has to be the one that the plan was made for.
    """
    with (
        as_disk_error("reading the installation"),
        contents_of(plan, installation.path) as content_of,
    ):
        for planned in plan.changes:
            if _is_shown(planned):
                change = planned.change
                if planned.renamed_from:
                    stood = plan.target.get(planned.renamed_from)
                    change = change.model_copy(update={"before": stood})
                before = _standing(planned, installation)
                after = _coming(planned.change, content_of, before)
                yield unified(change, before=before, after=after, renamed_from=planned.renamed_from)


def _is_shown(planned: PlannedChange) -> bool:
    """Leave out what says nothing of its own: what was renamed is shown at its new place."""
    change = planned.change
    renamed = planned.relation is Relation.MOVED_AWAY
    return not (renamed or change.path == RECORD or _is_folder(change))


def _is_folder(change: Change) -> bool:
    kinds = {entry.kind for entry in (change.before, change.after) if entry}
    return kinds == {Kind.DIRECTORY}


def _standing(planned: PlannedChange, installation: Installation) -> bytes:
    inside = planned.change.place is Place.INSTALL
    root = installation.path if inside else installation.path.parent
    paper = read_papers(root, [planned.stands_at]).get(planned.stands_at)
    return paper.content if paper else b""


def _coming(change: Change, content_of: ContentOf, before: bytes) -> bytes:
    if change.after is None or change.after.kind is not Kind.FILE:
        return b""
    content = content_of(change)
    return content if isinstance(content, bytes) else before
