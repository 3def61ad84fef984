"""Phase 2: every planned change of the content, in one transaction."""

import os
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.decide.content.staleness import stale
from aos_upgrade_plugin.decide.content.steps import ordered
from aos_upgrade_plugin.decide.layout import classify
from aos_upgrade_plugin.effects.tree import durable, files, journal
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.transaction import Transaction, folder_of
from aos_upgrade_plugin.errors import StaleError
from aos_upgrade_plugin.models.journal import Change, JournalHeader, JournalState, Place
from aos_upgrade_plugin.models.layout import KEPT, Part
from aos_upgrade_plugin.models.plan import Moved, UpgradePlan
from aos_upgrade_plugin.models.run import Acted, Run
from aos_upgrade_plugin.models.tree import Kind
from aos_upgrade_plugin.phases.both_sides import keep_what_is_not_taken
from aos_upgrade_plugin.phases.installation import Installation, installation_of
from aos_upgrade_plugin.phases.planning import contents_of, read_installation_tree

PURPOSE = "content"
_SHOWN = 5


def upgrade_content(run: Run) -> Acted:
    """Make every planned change, or raise with none of them made for good.

    One that an earlier attempt applied whole stays applied. Raises StaleError where the
    installation or the source is no longer what the plan was made for.
    """
    with as_disk_error("upgrading the content"):
        if not _is_applied(run):
            refuse_stale(run)
            keep_what_no_backup_has(run)
            keep_what_is_not_taken(run)
            _apply(run)
    made = Counter(str(one.relation) for one in run.plan.of(Part.CONTENT) if one.relation)
    return Acted(run.session, {"changes": dict(made)})


def header_of(run: Run) -> JournalHeader:
    """Return what the journal says of the content's transaction; always the same for a run."""
    return header_for(run, [one.change for one in run.plan.of(Part.CONTENT)])


def header_for(run: Run, changes: Iterable[Change]) -> JournalHeader:
    """Return what the journal says of a transaction that makes some of a run's changes."""
    return JournalHeader(
        owner=run.session.session_id,
        purpose=PURPOSE,
        created_at=datetime.now(UTC),
        session=run.session.for_journal(),
        changes=ordered(changes, folders=run.plan.target),
    )


def old_content_of(run: Run, change: Change) -> Path:
    """Return the file that holds what stood at a path before the run."""
    backup = run.backup
    if backup is not None and _in_backups(run, change):
        return Path(os.fsdecode(files.locate(backup, change.path)))
    return Path(os.fsdecode(files.locate(run.folder / "before" / change.place, change.path)))


def refuse_stale(run: Run) -> None:
    """Raise StaleError, naming what moved, where the plan does not fit any more."""
    moved = moved_since(run.plan, installation_of(run))
    if moved:
        more = f" and {len(moved) - _SHOWN} more" if moved[_SHOWN:] else ""
        raise StaleError(
            f"since the plan was made this moved: {', '.join(map(str, moved[:_SHOWN]))}{more}",
            cure="make a new plan and run again",
        )


def moved_since(plan: UpgradePlan, installation: Installation) -> tuple[Moved, ...]:
    """Name everything of an installation that is not as it was when a plan was made for it."""
    return stale(
        plan,
        target=read_installation_tree(installation),
        project={path: files.entry_at(installation.project, path) for path in plan.project},
        commit=plan.source.commit,  # content is read from it, wherever the checkout went
    )


def _is_applied(run: Run) -> bool:
    found = journal.read(folder_of(run.install, run.session.session_id, PURPOSE))
    return found is not None and found[1] is JournalState.APPLIED


def _apply(run: Run) -> None:
    with contents_of(run.plan, run.install) as content_of:
        transaction = Transaction.prepare(run.install, header_of(run), content_of)
    try:
        transaction.apply()
    except BaseException:
        transaction.undo()
        raise


def _in_backups(run: Run, change: Change) -> bool:
    return change.place is Place.INSTALL and classify(change.path, run.layout) in KEPT


def keep_what_no_backup_has(run: Run) -> None:
    """Copy the few files that change outside of what a backup holds, for a later way back."""
    roots = {Place.INSTALL: run.install, Place.PROJECT: run.project}
    for one in run.plan.changes:
        change = one.change
        if _in_backups(run, change) or change.before is None or change.before.kind is not Kind.FILE:
            continue
        kept_at = old_content_of(run, change)
        durable.make_directories(kept_at.parent, mode=0o700)
        durable.remove_tree(kept_at)
        durable.copy_file(files.locate(roots[change.place], change.path), os.fsencode(kept_at))
