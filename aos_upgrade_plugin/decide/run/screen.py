"""How a run ended, in the lines of one screen."""

from collections.abc import Iterator

from aos_upgrade_plugin.decide.run.reporting import migration_lines, server_lines, told_apart
from aos_upgrade_plugin.models.report import RollbackReport, RunReport, Status
from aos_upgrade_plugin.models.three_way import Relation

_STAYS = {
    *(Relation.UNCHANGED, Relation.SAME_CHANGE, Relation.BOTH_REMOVED, Relation.LOCAL_ONLY),
    *(Relation.EDITED_LOCALLY, Relation.REMOVED_LOCALLY, "undecided"),
}
"""What no upgrade touches, however it ends."""
_BECAME = {
    Status.BLOCKED: ", not done",
    Status.NEEDS_DECISION: ", not done",
    Status.PLANNED: ", to be done",
    Status.ROLLED_BACK: ", taken back",
}


def screen(report: RunReport) -> Iterator[str]:
    """Yield the lines, the one that says most first, and last what to do next."""
    yield headline(report)
    yield from (f"  {line}" for line in _what_happened(report))
    if report.backup:
        yield f"  backup: {report.backup}"
    yield f"  evidence: {report.evidence_dir}"
    if report.cure:
        yield f"  next: {report.cure}"


def headline(report: RunReport) -> str:
    """Say in one line how a run ended, and which version is there now."""
    before, after = told_apart(report.from_release, report.to_release)
    said = report.status.replace("_", " ")
    match report.status:
        case Status.ROLLED_BACK:
            return f"{said}: at {before} again"
        case Status.NOTHING_TO_DO:
            return f"{said}: at {after}"
        case Status.BLOCKED:
            return f"{said}: still at {before}, not at {after}"
        case _:
            return f"{said}: {before} -> {after}"


def _what_happened(report: RunReport) -> Iterator[str]:
    for relation, paths in report.changes.paths.items():
        became = "" if relation in _STAYS else _BECAME.get(report.status, "")
        yield f"{relation.replace('_', ' ')}: {len(paths)}{became}"
    yield from migration_lines(report)
    if report.decisions and report.report:
        yield f"decided: {len(report.decisions)}; where both sides are: {report.report}"
    yield from server_lines(report.server)
    yield from report.reasons
    yield from _way_back(report.rollback)
    yield from (f"set aside: {each}" for each in report.set_aside)
    if report.git_commit:
        yield f"committed: {report.git_commit}"
    yield from (f"warning: {each}" for each in report.warnings)


def _way_back(rollback: RollbackReport) -> Iterator[str]:
    if rollback.performed:
        proven = "proven to be as before" if rollback.verified else "NOT proven"
        yield f"went back in {rollback.duration_s:.1f} s, {proven}"
    yield from (f"set aside: {each}" for each in rollback.set_aside)
