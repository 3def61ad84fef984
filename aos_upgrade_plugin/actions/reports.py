"""The report of a run, from what its session keeps."""

from contextlib import suppress

from aos_upgrade_plugin.decide.run.reporting import (
    changes_report,
    cleanup_report,
    migration_told,
    phase_reports,
    server_report,
    status_of_session,
    tells_all,
)
from aos_upgrade_plugin.effects.session import lock_holder, run_folder
from aos_upgrade_plugin.engine import Ended
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.report import RunReport, Status
from aos_upgrade_plugin.models.run import SUMMARY, Run
from aos_upgrade_plugin.models.session import Release
from aos_upgrade_plugin.phases.both_sides import decision_reports


def run_report(ended: Ended) -> RunReport:
    """Return the one object behind the summary, ``--json`` and the exit status."""
    run, session = ended.run, ended.run.session
    nowhere = Release()
    cleaned = cleanup_report(session)
    return RunReport(
        session_id=session.session_id,
        status=ended.status or Status.CLEANUP_INCOMPLETE,
        reasons=ended.reasons,
        cure=ended.cure,
        installation=str(run.install),
        from_release=session.from_release or nowhere,
        to_release=session.to_release or nowhere,
        phases=phase_reports(session),
        changes=changes_report(run.plan),
        migrations=tuple(map(migration_told, run.plan.migrations)),
        decisions=() if ended.status is Status.ROLLED_BACK else decision_reports(run),
        server=server_report(run.plan, session),
        backup=None if run.backup is None else str(run.backup),
        rollback=ended.rollback,
        recovered=ended.recovered,
        set_aside=cleaned.set_aside,
        git_commit=cleaned.git_commit,
        warnings=cleaned.warnings,
        evidence_dir=str(run.evidence),
        report=str(run.folder / SUMMARY),
    )


def told_again(run: Run) -> RunReport:
    """Return the report that was stored at the run's end; without one, where the run stands."""
    session, lock = run.session, lock_holder.holder(run.install)
    works = bool(lock and lock.holder and lock.holder.session == session.session_id)
    status = status_of_session(session, works=works)
    with suppress(UpgradeError):
        stored = run_folder.load_report(run.folder)
        if tells_all(stored, status=status):
            return stored
    cure = ""
    if status is Status.INTERRUPTED:
        name = session.session_id
        cure = f"aos-upgrade resume {name}; or take it back: aos-upgrade rollback {name}"
    reasons = (session.status_reason,) if session.status_reason else ()
    return run_report(Ended(run, status, reasons, cure))
