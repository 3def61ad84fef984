"""A plan as people read it before they say yes: the diff of everything that it changes."""

from collections.abc import Iterator

from aos_upgrade_plugin.decide.diff import unified
from aos_upgrade_plugin.effects.files import as_disk_error
from aos_upgrade_plugin.effects.staging import ContentOf
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.plan import RECORD, UpgradePlan
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
            change = planned.change
            if change.path != RECORD and not _is_folder(change):
                before = _standing(change, installation)
                yield unified(change, before=before, after=_coming(change, content_of, before))


def _is_folder(change: Change) -> bool:
    kinds = {entry.kind for entry in (change.before, change.after) if entry}
    return kinds == {Kind.DIRECTORY}


def _standing(change: Change, installation: Installation) -> bytes:
    inside = change.place is Place.INSTALL
    root = installation.path if inside else installation.path.parent
    paper = read_papers(root, [change.path]).get(change.path)
    return paper.content if paper else b""


def _coming(change: Change, content_of: ContentOf, before: bytes) -> bytes:
    if change.after is None or change.after.kind is not Kind.FILE:
        return b""
    content = content_of(change)
    return content if isinstance(content, bytes) else before
