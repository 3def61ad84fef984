"""Upgrades that the tool takes up again or back: their files, not only the bookkeeping."""

from collections.abc import Sequence
from datetime import UTC, datetime

from aos_upgrade_plugin.actions.upgrade import Upgrade
from aos_upgrade_plugin.actions.workflow_desk import Answer, Desk, going_on
from aos_upgrade_plugin.errors import InvalidError
from aos_upgrade_plugin.models.event import Event
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.report import RecoveredReport, RunReport, Status
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.workflow_call import Rollback
from aos_upgrade_plugin.phases.installation import find

_WELL = frozenset({Status.COMPLETED, Status.PAUSED})


class _Unwatched:
    """Nobody looks on: the answer is all."""

    def recovered(self, reports: Sequence[RecoveredReport]) -> None:
        """Say nothing."""

    def phase(self, name: str) -> None:
        """Say nothing."""

    def event(self, event: Event) -> None:
        """Say nothing."""

    def gate(self, report: GateReport) -> None:
        """Say nothing."""


def take_up(desk: Desk, session: WorkflowSession) -> Answer:
    """Go on with an upgrade that was paused or interrupted, to its end."""
    idle = datetime.now(UTC) - session.last_updated
    report = Upgrade(desk.installation, _Unwatched()).resume(session.session_id)
    answer = {"resumed": True, "paused_duration_seconds": max(0.0, idle.total_seconds())}
    told = _told(_now(desk, session), report)
    return {**told, **answer, **_judged(report, well=report.status in _WELL)}


def take_back(desk: Desk, session: WorkflowSession, asked: Rollback) -> Answer:
    """Bring everything back that an upgrade changed, and prove it. Raises InvalidError."""
    first = 0
    if asked.to_phase != first:
        raise InvalidError(
            f"an upgrade goes back as a whole, not to phase {asked.to_phase}",
            cure=f"name {first} as to_phase: the installation is what it was before the run then",
        )
    report = Upgrade(desk.installation, _Unwatched()).roll_back(session.session_id)
    well = report.status is Status.ROLLED_BACK
    answer = {
        "from_phase": session.current_phase,
        "to_phase": first,
        "rolled_back": well,
        "artifacts_cleared": [],
        "set_aside": list(report.rollback.set_aside),
    }
    return {**_told(_now(desk, session), report), **answer, **_judged(report, well=well)}


def _now(desk: Desk, session: WorkflowSession) -> WorkflowSession:
    """Return the session as it is now, in a folder that may have another name."""
    found = find(desk.installation.project)
    return desk._replace(installation=found).session(session.session_id)


def _told(session: WorkflowSession, report: RunReport) -> Answer:
    said = {"status", "reasons", "cure", "phases", "rollback", "warnings"}
    return {**going_on(session), "report": report.model_dump(mode="json", include=said)}


def _judged(report: RunReport, *, well: bool) -> Answer:
    """Return what makes an answer an error where a run did not end as it was asked to."""
    if well:
        return {}
    return {
        "status": "error",
        "error": next(iter(report.reasons), f"the upgrade ended as {report.status}"),
        "error_type": "RuntimeError",
        "remediation": report.cure or "look at it: aos-upgrade status",
    }
