"""What was interrupted: found by who only looks, or brought to an end by who holds the lock."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.cli import output
from aos_upgrade_plugin.effects.session.lock_holder import holder
from aos_upgrade_plugin.models.report import RecoveredReport
from aos_upgrade_plugin.models.status import OpenTransaction
from aos_upgrade_plugin.phases.overview import open_transactions
from aos_upgrade_plugin.phases.recovery import Recovered

_WHAT = {
    "discard": "had not begun or was over, and its remains were removed",
    "undo": "was interrupted, and was taken back",
    "commit": "was complete, and its remains were removed",
    "clear": "had been taken back, and its remains were removed",
    "leave": "is in place, and waits to be resumed or rolled back",
}


def interrupted(install: Path) -> tuple[OpenTransaction, ...]:
    """Return the changes that were cut off: they are open, and nobody works on them."""
    found = open_transactions(install)
    return found if found and holder(install) is None else ()


def note_interrupted(found: Iterable[OpenTransaction]) -> None:
    """Say what was cut off, and the way on."""
    for each in found:
        output.note(f"interrupted: {each.purpose} of {each.owner}; see: aos-upgrade status")


def note(recovered: Iterable[Recovered]) -> None:
    """Say what was found of earlier commands and what became of it."""
    note_reports(each.report for each in recovered)


def note_reports(reports: Iterable[RecoveredReport]) -> None:
    """Say the same of what is reported already."""
    for each in reports:
        output.note(f"recovered: {each.purpose} of {each.owner} {_WHAT[each.move]}")
        for aside in each.set_aside:
            output.note(f"set aside: your {aside.path} is kept at {aside.kept_at}")


def as_json(recovered: Iterable[Recovered]) -> list[dict[str, Any]]:
    """Return the same for programs."""
    return [each.report.model_dump(mode="json") for each in recovered]
