"""How a content upgrade ended, counted in the words of the product's own script."""

from collections.abc import Iterator

from aos_upgrade_plugin.decide.run.reporting import migration_lines
from aos_upgrade_plugin.decide.run.screen import headline
from aos_upgrade_plugin.models.report import RunReport, Status
from aos_upgrade_plugin.models.three_way import Relation

_WORDS = (
    ("Files added", (Relation.NEW,)),
    ("Files updated", (Relation.UPDATED, Relation.MODE_UPDATED)),
    ("Files moved", (Relation.MOVED,)),
    ("Files removed", (Relation.REMOVED_UPSTREAM,)),
    ("Files unchanged", (Relation.UNCHANGED, Relation.SAME_CHANGE, Relation.BOTH_REMOVED)),
    ("Local-only", (Relation.EDITED_LOCALLY, Relation.REMOVED_LOCALLY)),
)
"""The script knows neither moved nor removed files; it leaves the old ones where they are."""
_UNRESOLVED = "undecided"
_WENT_WRONG = frozenset({Status.BLOCKED, Status.ROLLED_BACK, Status.INCONSISTENT})
_MARGIN = 17


def safe_upgrade_lines(report: RunReport) -> Iterator[str]:
    """Yield the lines: how it ended, the counts, where the backup is, what to do next."""
    yield headline(report)
    for word, relations in _WORDS:
        yield _counted(word, sum(report.changes.counts.get(each, 0) for each in relations))
    unresolved = report.changes.paths.get(_UNRESOLVED, ())
    yield _counted("Conflicts", len(unresolved))
    yield _counted("Errors", len(report.reasons) if report.status in _WENT_WRONG else 0)
    yield from (f"  {path}" for path in unresolved)
    if not unresolved:
        yield from (f"  {reason}" for reason in report.reasons)
    if report.backup:
        yield f"Backup created:  {report.backup}"
        if report.status is Status.COMPLETED:
            yield f"To roll back:    aos-upgrade rollback {report.session_id}"
    yield from migration_lines(report)
    yield from (f"warning: {each}" for each in report.warnings)
    if report.cure:
        yield f"next: {report.cure}"


def _counted(word: str, count: int) -> str:
    return f"{f'{word}:':<{_MARGIN}}{count}"
