"""Phase 5: nothing is left behind, and everything is written down."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    BACKUPS,
    ENVIRONMENT_STAGE,
    Gate,
    GateContext,
    Severity,
    UpgradeError,
    UpgradePlan,
    check,
    find_installation,
    list_backups,
    status_of,
    verify_event_log,
)

_LEFTOVERS = (
    ".upgrades/*/transactions/*",
    ".upgrades/*/reserve",
    f"{BACKUPS}/.*",
    ENVIRONMENT_STAGE,
)

RecordFact = Callable[[str, object], None]


@check(
    "AOS-L001",
    gate=Gate.CLEANUP,
    severity=Severity.BLOCKER,
    remedy="end the process that still holds the lock",
)
def check_lock_is_released(target: Path, session: str, record_fact: RecordFact) -> None:
    """The upgrade lock is not held by this run any more."""
    lock = status_of(find_installation(target)).lock
    holder = lock.holder if lock and not lock.last_gate else None
    ours = bool(holder and holder.session == session)
    record_fact("lock_released", not ours)
    assert not ours, f"the lock is still held by {lock}"


@check(
    "AOS-L002",
    gate=Gate.CLEANUP,
    severity=Severity.BLOCKER,
    remedy="look at the rights of the folder .backups",
)
def check_old_backups_are_gone(
    gate_context: GateContext, target: Path, backup: Path, record_fact: RecordFact
) -> None:
    """Only the backups that are to be kept are there, this run's among them."""
    listed = list_backups(target)
    names = [each.name for each in listed]
    good = [each.name for each in listed if each.manifest is not None]
    keep = int(str(gate_context.facts["keep_backups"]))
    needed = {
        view.session.backup
        for view in status_of(find_installation(target)).sessions
        if view.session and view.session.session_status not in {"completed", "rolled_back"}
    }
    surplus = [name for name in good[keep:] if name not in needed]
    record_fact("backups_kept", names)
    removed = gate_context.facts.get("removed_backups", [])
    record_fact("old_backups_archived", len(removed) if isinstance(removed, list) else 0)
    record_fact("git_changes_committed", bool(gate_context.facts.get("git_commit")))
    assert backup.name in names, f"the backup of this run, {backup.name}, is gone"
    assert not surplus, f"more than {keep} backups are kept: {', '.join(surplus)}"


@check(
    "AOS-L003",
    gate=Gate.CLEANUP,
    severity=Severity.BLOCKER,
    remedy="do not trust this evidence; take the upgrade back: aos-upgrade rollback",
)
def check_evidence_is_whole(evidence: Path, session: str, record_fact: RecordFact) -> None:
    """The event log is unbroken, and the summary speaks of this run."""
    try:
        records = verify_event_log(evidence / "events.jsonl")
    except UpgradeError as error:
        pytest.fail(str(error), pytrace=False)
    summary = evidence.parent / "summary.md"
    record_fact("events", len(records))
    record_fact("upgrade_summary", str(summary))
    assert session in _text_of(summary), "there is no summary of this run"
    report = json.loads((evidence.parent / "report.json").read_bytes())
    opened = {record.event.gate for record in records if record.event.kind == "opened"}
    reported = {phase["gate"] for phase in report["phases"]}
    unproven = sorted(reported - opened)
    assert not unproven, f"reported without evidence: {', '.join(unproven)}"


def _text_of(path: Path) -> str:
    """Return what people read there; one that is not there says nothing."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


@check(
    "AOS-L004",
    gate=Gate.CLEANUP,
    severity=Severity.BLOCKER,
    remedy="look at the rights of the folders .upgrades and .backups",
)
def check_nothing_staged_is_left(target: Path) -> None:
    """No stage, no half-made backup and no environment under construction is left."""
    left = [
        str(path.relative_to(target)) for pattern in _LEFTOVERS for path in target.glob(pattern)
    ]
    assert not left, f"left over: {', '.join(left)}"


@check(
    "AOS-L005",
    gate=Gate.CLEANUP,
    severity=Severity.BLOCKER,
    remedy="take the upgrade back: aos-upgrade rollback",
)
def check_history_is_written(target: Path, plan: UpgradePlan, record_fact: RecordFact) -> None:
    """Log and summary of the installation tell of this upgrade."""
    layout, commit = find_installation(target).layout, plan.source.commit
    log, summary = _text_of(target / layout.update_log), _text_of(target / layout.summary)
    record_fact("update_log_appended", commit[:12] in log)
    record_fact("installation_summary_updated", commit in summary)
    if plan.record is None:  # no file changed, so there was nothing to write down
        return
    assert commit[:12] in log, f"{layout.update_log} does not tell of {commit[:12]}"
    assert commit in summary, f"{layout.summary} does not tell of {commit[:12]}"
