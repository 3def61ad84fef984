"""The validation report of the workflow tool: JSON for programs, Markdown for people."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from aos_upgrade_plugin.decide.workflow.verifying import GROUPS
from aos_upgrade_plugin.effects.session.run_folder import user_state
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.verification import Verification

_NAME = "workflow-validation"
Places = tuple[Path, Path]
"""Of the JSON, and of the Markdown."""


def places(named: Path | None, *, install: Path) -> Places:
    """Return where the report goes: as named, ending in .json and .md; else with the user."""
    if named is None:
        of_install = hashlib.sha256(os.fsencode(install)).hexdigest()[:16]
        named = user_state() / "verified" / of_install / _NAME
    stem = named.absolute()
    if stem.suffix in {".json", ".md"}:
        stem = stem.with_suffix("")
    return stem.with_name(f"{stem.name}.json"), stem.with_name(f"{stem.name}.md")


def write(report: Verification, where: Places) -> None:
    """Write both forms; an older report in that place is replaced."""
    as_json, as_text = where
    with as_disk_error("writing the validation report"):
        durable.make_directories(as_json.parent)
        durable.write_durably(as_json, report.model_dump_json(indent=2).encode() + b"\n")
        durable.write_durably(as_text, markdown(report).encode())


def markdown(report: Verification) -> str:
    """Return the report as people read it."""
    verdict = "✅ everything held" if report.holds else "❌ it does not hold"
    lines = [
        "# Validation of the workflow tool",
        "",
        f"- Date: {report.made_at:%Y-%m-%d %H:%M} UTC",
        f"- Tool: aos-upgrade {report.version}, asked as {report.server}, {report.protocol}",
        f"- Workflows of: {report.installation}, copied",
        f"- Verdict: {verdict}",
        "",
        "## Actions",
        "",
        *_actions(report),
        "## Workflows",
        "",
        *_walks(report),
        "## How long calls took",
        "",
        *_latencies(report),
        "## Problems",
        "",
        *(f"- {each}" for each in report.problems or ("none",)),
    ]
    return "\n".join(lines) + "\n"


def _actions(report: Verification) -> Iterator[str]:
    for name, actions in GROUPS.items():
        calls = [each for each in report.calls if each.action in actions]
        well = all(each.problem is None for each in calls)
        yield f"### {'✅' if well else '❌'} {name} ({len(actions)})"
        yield ""
        yield "| action | due | answered | |"
        yield "|---|---|---|---|"
        for each in calls:
            mark = "✅" if each.problem is None else f"❌ {_cell(each.problem)}"
            yield f"| {each.action} | {each.expected} | {each.answered} | {mark} |"
        yield ""


def _walks(report: Verification) -> Iterator[str]:
    yield "| workflow | version | from | phases left | tasks read | refused without proof | |"
    yield "|---|---|---|---|---|---|---|"
    for each in report.walks:
        said = each.problem or each.left_out or ""
        mark = "✅" if each.completed else ("❌" if each.problem else "-")
        counts = f"{each.phases} | {each.tasks} | {each.refused}"
        what = f"{_cell(each.workflow_type)} | {_cell(each.version)} | {each.origin}"
        yield f"| {what} | {counts} | {f'{mark} {_cell(said)}'.strip()} |"
    yield ""


def _latencies(report: Verification) -> Iterator[str]:
    yield "Through pipes and the official client; a slow machine is told and shuts nothing."
    yield ""
    yield "| action | calls | median ms | longest ms | promised ms | |"
    yield "|---|---|---|---|---|---|"
    for each in report.latencies:
        promised = f"{each.target_ms:g}" if each.target_ms is not None else ""
        mark = "✅" if each.within else "slow"
        times = f"{each.median_ms:.1f} | {each.longest_ms:.1f}"
        yield f"| {each.action} | {each.calls} | {times} | {promised} | {mark} |"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
