"""From what happened to what is reported."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.decide.run.sessions import at_rest
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.migration import PlannedMigration
from aos_upgrade_plugin.models.plan import Choice, Conflict, PlannedChange, UpgradePlan
from aos_upgrade_plugin.models.report import (
    ChangesReport,
    PhaseReport,
    RunReport,
    ServerReport,
    Status,
)
from aos_upgrade_plugin.models.server import StartCommand
from aos_upgrade_plugin.models.service import ServerNow
from aos_upgrade_plugin.models.session import Release, SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind, TreePath
from aos_upgrade_plugin.models.workflow import CLEANUP, SERVER, Workflow

_SHOWN = 5
_DECIDE = (
    "decide for all: --on-conflict keep, take or merge; or each: --on-conflict ask, or "
    "aos-upgrade plan --write-answers FILE, then run --answers FILE"
)
_DECIDE_THE_REST = (
    "decide each of what git does not merge: aos-upgrade plan --write-answers FILE, then "
    "run --on-conflict merge --answers FILE; --on-conflict keep or take would not merge the others"
)
_TO_DECIDE = "to decide"
"""What is said of what stops a run until somebody decides it."""

KEPT_OF_A_GATE = "gate"
"""The name under which a session keeps the report of a phase."""
KEPT_OF_THE_WAY_BACK = "rollback"
"""The name under which it keeps what going back came to."""


def phase_report(*, gate: GateReport, name: str, junit: str | None) -> PhaseReport:
    """Say what a phase came to, by the verdict of its gate."""
    return PhaseReport(
        number=gate.gate.phase,
        name=name,
        gate=gate.gate,
        verdict="open" if gate.opens else "shut",
        reasons=gate.reasons,
        findings=gate.findings,
        counts=dict(Counter(result.outcome for result in gate.results)),
        duration_s=gate.duration_s,
        junit=junit,
    )


def phase_reports(session: WorkflowSession) -> tuple[PhaseReport, ...]:
    """Return the reports that a session keeps, by phase number, the way back last."""
    phases = [artifacts for _, artifacts in sorted(session.phase_artifacts.items())]
    way_back = session.metadata.get(KEPT_OF_THE_WAY_BACK)
    return tuple(
        PhaseReport.model_validate(kept[KEPT_OF_A_GATE])
        for kept in (*phases, way_back)
        if isinstance(kept, Mapping) and KEPT_OF_A_GATE in kept
    )


def phase_name(*, workflow: Workflow, number: int | None) -> str:
    """Return what the workflow calls a phase; the rollback is none of its phases."""
    names = {phase.number: phase.name for phase in workflow.phases}
    return "Rollback" if number is None else names.get(number, f"Phase {number}")


def changes_report(plan: UpgradePlan) -> ChangesReport:
    """Say which paths a plan changes, keeps and could not decide, by their relation."""
    paths: defaultdict[str, list[TreePath]] = defaultdict(list)
    for one in plan.changes:
        if one.relation is not Relation.MOVED_AWAY:  # the move is told of at the new place
            paths[_heading(one)].append(one.change.path)
    for kept in plan.kept:
        paths[str(kept.relation)].append(kept.path)
    paths["undecided"] = [conflict.path for conflict in plan.undecided]
    return ChangesReport(
        counts={str(relation): count for relation, count in plan.counts.items() if count},
        paths={relation: tuple(found) for relation, found in sorted(paths.items()) if found},
    )


def told_apart(before: Release, after: Release) -> tuple[str, str]:
    """Return what two releases are called, with their commits where the versions are the same."""
    alike = before.version == after.version and before.commit != after.commit
    return _name(before, with_commit=alike), _name(after, with_commit=alike)


def _name(release: Release, *, with_commit: bool) -> str:
    if with_commit and release.version and release.commit:
        return f"{release.version} ({release.commit[:12]})"
    return release.version or release.commit or "unknown"


def _heading(one: PlannedChange) -> str:
    """Say under which word a change is listed: what was made of both sides is neither's.

    Folders come and go with files, and are not counted among them.
    """
    entry = one.change.after or one.change.before
    if entry is not None and entry.kind is Kind.DIRECTORY:
        return "folders"
    made = {Choice.MERGE: "merged", Choice.OWN: "own"}
    why = one.relation or ("migrated" if one.migration else "written")
    return made.get(one.choice or Choice.TAKE, str(why))


def server_report(plan: UpgradePlan, session: WorkflowSession | None = None) -> ServerReport | None:
    """Say what becomes of server and environment by a plan, and what became of them in a run."""
    if plan.environment is None:
        return None
    back = session.metadata.get(KEPT_OF_THE_WAY_BACK) if session else None
    report = ServerReport()
    if back is None:
        report = ServerReport(
            packages=tuple(str(change) for change in plan.environment.changes),
            steps=tuple(str(step) for step in plan.environment.steps),
        )
    now = _server_now(back, session.phase_artifacts.get(SERVER) if session else None)
    if now is None:
        return report
    started = now.started
    return report.model_copy(
        update={
            "url": now.endpoint if isinstance(now.endpoint, str) else None,
            "asked": (
                " ".join(now.endpoint.arguments) if isinstance(now.endpoint, StartCommand) else None
            ),
            "old_pids": tuple(each.pid for each in now.stopped),
            "new_pid": started.pid if started else None,
            "not_started": tuple(each.pid for each in now.not_started),
            "handshake_s": started.handshake_s if started else None,
            "tools": len(started.probe.tools) if started else None,
            "down_s": now.down_s,
            "clients": tuple(str(each.client) for each in now.clients),
        }
    )


def _server_now(*kept: object) -> ServerNow | None:
    """Return the server from the first of what a session keeps that tells of it."""
    for each in kept:
        if isinstance(each, Mapping) and "server" in each:
            return ServerNow.model_validate(each["server"])
    return None


def migration_lines(report: RunReport) -> Iterator[str]:
    """Tell of migrations that were made, or may be; what has to be decided is a reason already."""
    yield from (each for each in report.migrations if not each.startswith(_TO_DECIDE))


def server_lines(report: ServerReport | None) -> Iterator[str]:
    """Say the same in lines for people."""
    if report is None:
        return
    yield from (f"package {package}" for package in report.packages)
    yield from (f"step after installing: {step}" for step in report.steps)
    if report.new_pid is not None:
        processes = " -> ".join(map(str, (*report.old_pids, report.new_pid)))
        yield f"server: process {processes}, {report.tools} tools at {report.url}"
        yield f"answered {report.handshake_s:.1f} s after its start, down for {report.down_s:.1f} s"
        if report.not_started:
            beside = ", ".join(map(str, report.not_started))
            yield f"several servers ran: one was started again, none for process {beside}"
    elif report.url is not None:
        yield f"server left running at {report.url}"
    elif report.asked is not None:
        yield f"no server is kept running; asked over its pipes: {report.asked}"
    for client in report.clients:
        yield f"to be started anew by {client}: its server runs the old code, or was stopped"


def conflict_line(conflict: Conflict) -> str:
    """Say on one line what has to be decided about a path, and with which flags."""
    what = conflict.relation.replace("_", "/")
    if conflict.renamed_from:
        what = f"{what}, renamed from {conflict.renamed_from}"
    first, *others = conflict.flags
    flags = " or ".join((first, *(flag.rpartition(" ")[2] for flag in others)))
    about = "".join(f"; {each}" for each in conflict.about)
    return f"{conflict.path} ({what}): {flags}{about}"


def how_to_decide(plan: UpgradePlan) -> str:
    """Say which options decide everything that is open, and undo no merge."""
    migrations = " ".join(each.flag for each in plan.unasked)
    ask = f"say yes to what is listed: {migrations}" if migrations else ""
    merges = any(each.choice is Choice.MERGE for each in plan.conflicts)
    decide = (_DECIDE_THE_REST if merges else _DECIDE) if plan.undecided else ""
    return "; ".join(filter(None, (ask, decide)))


def migration_told(migration: PlannedMigration) -> str:
    """Say the same, and first whether it is made, has to be decided, or only could be made."""
    open_one = _TO_DECIDE if migration.needed else "offered"
    return f"{'migration' if migration.asked else open_one}: {migration_line(migration)}"


def migration_line(migration: PlannedMigration) -> str:
    """Say on one line what is done and why; and with which flag, where nobody said yes to it."""
    what = ", ".join(migration.lines[:_SHOWN])
    more = f" and {len(migration.lines) - _SHOWN} more" if migration.lines[_SHOWN:] else ""
    flag = "" if migration.asked else f": {migration.flag}"
    return f"{migration.title} ({migration.why}): {what}{more}{flag}"


class CleanupReport(NamedTuple):
    """What the last phase left that people should know."""

    set_aside: tuple[str, ...] = ()
    git_commit: str | None = None
    warnings: tuple[str, ...] = ()


def cleanup_report(session: WorkflowSession) -> CleanupReport:
    """Return what a session keeps of its last phase's action."""
    kept = session.phase_artifacts.get(CLEANUP, {})
    set_aside, commit = kept.get("set_aside"), kept.get("git_commit")
    problem = kept.get("git_problem")
    return CleanupReport(
        tuple(map(str, set_aside)) if isinstance(set_aside, list | tuple) else (),
        None if commit is None else str(commit),
        () if problem is None else (str(problem),),
    )


_STATUS_OF = {
    SessionStatus.PAUSED: Status.PAUSED,
    SessionStatus.COMPLETED: Status.COMPLETED,
    SessionStatus.FAILED: Status.BLOCKED,
    SessionStatus.ROLLED_BACK: Status.ROLLED_BACK,
    SessionStatus.INCONSISTENT: Status.INCONSISTENT,
}


def status_of_session(session: WorkflowSession, *, works: bool) -> Status:
    """Say where a run stands; one that is active while nobody works on it was cut off."""
    if works:
        return Status.RUNNING
    if session.session_status is SessionStatus.ACTIVE and at_rest(session):
        return Status.AT_REST
    return _STATUS_OF.get(session.session_status, Status.INTERRUPTED)


def tells_all(stored: RunReport, *, status: Status) -> bool:
    """Say whether a stored report is of the end that the run came to, and nothing came after."""
    if status is Status.INTERRUPTED:
        return stored.status is Status.CLEANUP_INCOMPLETE and bool(stored.reasons)
    return stored.status is status
