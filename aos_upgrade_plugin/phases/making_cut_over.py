"""A cut-over made in one transaction, and taken back byte for byte."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from aos_upgrade_plugin.effects import cut_over_records as records
from aos_upgrade_plugin.effects.tree.files import as_disk_error, entry_at
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import NotFoundError, StaleError
from aos_upgrade_plugin.models.cut_over import CutOverRecord
from aos_upgrade_plugin.models.journal import CUT_OVER, Change, JournalHeader, Place
from aos_upgrade_plugin.models.tree import Entry, TreePath
from aos_upgrade_plugin.phases.cutting_over import Edit
from aos_upgrade_plugin.phases.holding import refuse_in_the_middle


def make(install: Path, edits: Sequence[Edit], *, now: datetime) -> CutOverRecord:
    """Make every edit, or none; the caller holds the lock.

    Raises StaleError where a file is no longer as it was planned for, RefusedError, DiskError.
    """
    refuse_in_the_middle(install)
    _forget_unmade(install)
    record = CutOverRecord(
        name=f"cut_over_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}",
        created_at=now,
        changes=tuple(each.file.change for each in edits),
    )
    before = {
        number: each.before
        for number, each in enumerate(edits)
        if each.file.change.before is not None
    }
    after = {each.file.change: each.after for each in edits}
    try:
        records.keep(install, record, before)
        _apply(install, record, record.changes, lambda change: after[change], now=now)
    except BaseException:
        if any(_standing(install, each) != each.after for each in record.changes):
            records.forget(install, record)
        raise
    return record


def take_back(install: Path, *, now: datetime) -> tuple[TreePath, ...]:
    """Bring back what stood before the last cut-over, and return the paths in the project.

    A file that was changed since stops it all, with nothing done. Raises NotFoundError where
    none is kept, StaleError with that file, RefusedError while an upgrade stands in the middle.
    """
    refuse_in_the_middle(install)
    _forget_unmade(install)
    record = records.newest(install)
    if record is None:
        raise NotFoundError(
            "there is no cut-over to take back", cure="make one first: aos-upgrade mcp cut-over"
        )
    _refuse_changed(install, record)
    numbers = {change.reversed(): number for number, change in enumerate(record.changes)}
    back = [each for each in numbers if _standing(install, each) != each.after]
    _apply(
        install,
        record,
        back,
        lambda change: records.kept_at(install, record, numbers[change]),
        now=now,
    )
    records.forget(install, record)
    return tuple(_shown(install, each) for each in back)


def _apply(
    install: Path,
    record: CutOverRecord,
    changes: Sequence[Change],
    content_of: Callable[[Change], bytes | Path],
    *,
    now: datetime,
) -> None:
    header = JournalHeader(
        owner=record.name, purpose=CUT_OVER, created_at=now, changes=tuple(changes)
    )
    with as_disk_error("cutting over"):
        transaction = Transaction.prepare(install, header, content_of)
        try:
            transaction.apply()
        except BaseException:
            transaction.undo()
            raise
        transaction.commit()


def _forget_unmade(install: Path) -> None:
    """Forget cut-overs of which nothing stands: they were killed, and taken back."""
    while (record := records.newest(install)) is not None:
        if any(_standing(install, each) != each.before for each in record.changes):
            return
        records.forget(install, record)


def _refuse_changed(install: Path, record: CutOverRecord) -> None:
    for number, change in enumerate(record.changes):
        known = (change.before, change.after)
        if _standing(install, change) not in known:
            kept = records.kept_at(install, record, number).relative_to(install)
            back = f"put back what stood there, {install.name}/{kept}" if change.before else ""
            raise StaleError(
                f"{_shown(install, change)} was changed since the cut-over: nothing was taken back",
                cure=f"save it elsewhere, {back or 'remove it'}, then run it again",
            )


def _shown(install: Path, change: Change) -> TreePath:
    return f"{install.name}/{change.path}" if change.place is Place.INSTALL else change.path


def _standing(install: Path, change: Change) -> Entry | None:
    root = install if change.place is Place.INSTALL else install.parent
    return entry_at(root, change.path)
