"""The summary of a run: Markdown for people, and the same as JSON beside it."""

from collections.abc import Iterator
from pathlib import Path

from aos_upgrade_plugin.decide.run.reporting import server_lines
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.report import PhaseReport, RunReport
from aos_upgrade_plugin.models.run import REPORT, SUMMARY
from aos_upgrade_plugin.models.session import Release
from aos_upgrade_plugin.models.tree import TreePath

_SHOWN = 50


def write(report: RunReport, folder: Path) -> None:
    """Write both beside the evidence."""
    with as_disk_error("writing the report"):
        durable.write_durably(folder / SUMMARY, render(report).encode())
        as_json = report.model_dump_json(by_alias=True, indent=2)
        durable.write_durably(folder / REPORT, as_json.encode())


def render(report: RunReport) -> str:
    """Return the summary in Markdown."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: RunReport) -> Iterator[str]:
    yield f"# Upgrade {report.session_id}: {report.status.replace('_', ' ')}"
    yield ""
    yield f"- Installation: `{report.installation}`"
    yield f"- From: {_release(report.from_release)}"
    yield f"- To: {_release(report.to_release)}"
    if report.backup:
        yield f"- Backup: `{report.backup}`"
    yield f"- Evidence: `{report.evidence_dir}`"
    yield from _why(report)
    yield from _phases(report.phases)
    yield from _changes(report)
    yield from _decisions(report)
    yield from _server(report)
    yield from _way_back(report)


def _release(release: Release) -> str:
    return f"{release.version or 'unknown version'} (`{release.commit or 'unknown commit'}`)"


def _why(report: RunReport) -> Iterator[str]:
    if report.reasons:
        yield from ("", "## Why it ended so", "", *(f"- {each}" for each in report.reasons))
    if report.cure:
        yield from ("", f"What to do: {report.cure}")
    if report.warnings:
        yield from ("", "## Beside the upgrade", "", *(f"- {each}" for each in report.warnings))
    if report.set_aside:
        yield from ("", "Set aside, because it was written while it was replaced:", "")
        yield from (f"- `{_quoted(each)}`" for each in report.set_aside)
    for each in report.recovered:
        yield from ("", f"Before it: {each.purpose} of {each.owner} was left interrupted.")
        yield from (f"- kept beside: `{_quoted(aside.kept_at)}`" for aside in each.set_aside)


def _phases(phases: tuple[PhaseReport, ...]) -> Iterator[str]:
    yield from ("", "## Phases", "", "| phase | gate | checks | seconds |", "|---|---|---|---|")
    for phase in phases:
        number = "" if phase.number is None else f"{phase.number} "
        counts = ", ".join(f"{count} {outcome}" for outcome, count in phase.counts.items())
        yield f"| {number}{phase.name} | {phase.verdict} | {counts} | {phase.duration_s:.2f} |"
    findings = [
        f"- {finding.check or phase.gate} ({finding.severity}): {finding.message}"
        for phase in phases
        for finding in phase.findings
    ]
    if findings:
        yield from ("", "## Findings", "", *findings)


def _changes(report: RunReport) -> Iterator[str]:
    yield from ("", "## Changes", "")
    if not any(report.changes.paths.values()):
        yield "None."
    for relation, paths in report.changes.paths.items():
        yield f"- {relation.replace('_', ' ')}: {len(paths)}"
        yield from (f"  - `{_quoted(path)}`" for path in paths[:_SHOWN])
        if paths[_SHOWN:]:
            yield f"  - … and {len(paths) - _SHOWN} more, all in {REPORT}"


def _decisions(report: RunReport) -> Iterator[str]:
    if not report.decisions:
        return
    yield from ("", "## Decided", "")
    for one in report.decisions[:_SHOWN]:
        what = f"{one.relation.replace('_', '/')}, {one.choice} by {one.decided_by}"
        yield f"- `{_quoted(one.path)}`: {_quoted(what)}"
        kept = {"yours": one.yours, "incoming": one.incoming}
        yield from (f"  - {name}: `{_quoted(file)}`" for name, file in kept.items() if file)
        for name, command in one.commands.items():
            which = "yours" if name == "yours" else "the new one"
            yield f"  - to have {which} there: `{_quoted(command)}`"
    if report.decisions[_SHOWN:]:
        yield f"- … and {len(report.decisions) - _SHOWN} more, all in {REPORT}"


def _server(report: RunReport) -> Iterator[str]:
    if lines := tuple(server_lines(report.server)):
        yield from ("", "## Server", "", *(f"- {_quoted(line)}" for line in lines))


def _way_back(report: RunReport) -> Iterator[str]:
    if not report.rollback.performed:
        return
    proven = "proven to be as before" if report.rollback.verified else "NOT proven"
    yield from ("", "## Rollback", "", f"Done in {report.rollback.duration_s:.2f} s, {proven}.")
    if report.rollback.set_aside:
        yield from ("", "Set aside, because it was changed meanwhile:", "")
        yield from (f"- `{_quoted(each)}`" for each in report.rollback.set_aside)


def _quoted(path: TreePath) -> str:
    return path.replace("`", "\\x60")
