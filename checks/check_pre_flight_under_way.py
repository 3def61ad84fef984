"""Phase 0: nobody else works on the installation, and nothing was left in the middle."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from aos_upgrade_plugin.api import (
    Gate,
    GateContext,
    Installation,
    Severity,
    UpgradePlan,
    check,
    list_backups,
    status_of,
    workflows_in_flight,
)

RecordFact = Callable[[str, object], None]

_BACKUP_IS_OLD = timedelta(days=7)


@check(
    "AOS-P008",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="wait until the other run has ended; to see it: aos-upgrade status",
)
def check_no_other_upgrade(installation: Installation) -> None:
    """No other process holds the upgrade lock."""
    lock = status_of(installation).lock
    assert lock is None, f"the upgrade lock is held by {lock}"


@check(
    "AOS-P009",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="finish the workflow; or let its session follow it to another name, where the plan "
    "offers that (--migrate workflow-sessions); or delete the session (one of ours: aos-upgrade "
    "sessions delete SESSION); then run again",
)
def check_no_workflow_in_flight(
    installation: Installation, gate_context: GateContext, record_fact: RecordFact
) -> None:
    """Nobody is in the middle of a workflow, whose files could change under it."""
    file = gate_context.plan
    plan = UpgradePlan.model_validate_json(file.read_bytes()) if file else None
    in_flight = workflows_in_flight(installation, now=datetime.now(UTC), plan=plan)
    record_fact("no_concurrent_workflows", not in_flight)
    record_fact("workflows_in_flight", [*in_flight])
    assert not in_flight, f"in flight: {', '.join(in_flight[:5])}"


@check(
    "AOS-P010",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="finish or take back what was interrupted: aos-upgrade status says how",
)
def check_nothing_was_interrupted(installation: Installation) -> None:
    """No interrupted run waits to be finished or taken back."""
    status = status_of(installation)
    left = [f"{each.purpose} of {each.owner}" for each in status.transactions]
    left += [view.session_id for view in status.sessions if view.interrupted]
    left += [
        view.session_id
        for view in status.sessions
        if view.session and view.session.session_status == "inconsistent"
    ]
    assert not left, f"left over: {', '.join(left)}"


@check(
    "AOS-P011",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.WARNING,
    remedy="nothing has to be done: this run makes a new backup",
)
def check_last_backup_is_recent(installation: Installation, record_fact: RecordFact) -> None:
    """The newest backup, if there is one, is not older than seven days."""
    whole = [backup.manifest for backup in list_backups(installation.path) if backup.manifest]
    if not whole:
        record_fact("last_backup_age_days", None)
        return
    age = datetime.now(UTC) - whole[0].created_at
    record_fact("last_backup_age_days", age.days)
    assert age <= _BACKUP_IS_OLD, f"the newest backup is {age.days} days old"
