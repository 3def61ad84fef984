"""Takes a run from phase to phase: act, pass the gate, save; or go back.

The engine knows neither what a phase does nor who reports: it is given both. Its caller holds
the upgrade lock for :func:`drive` and :func:`go_back`, and has let go of it for :func:`finish`.
"""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.decide.run.progress import (
    Reaction,
    left_out,
    next_phase,
    reaction_to_failure,
)
from aos_upgrade_plugin.decide.run.reporting import KEPT_OF_A_GATE, KEPT_OF_THE_WAY_BACK
from aos_upgrade_plugin.decide.run.run_state import (
    bound_back,
    phase_begun,
    phase_failed,
    phase_passed,
    taken_back,
    why_back,
    with_artifacts,
)
from aos_upgrade_plugin.decide.run.sessions import moved
from aos_upgrade_plugin.effects.gate.event_log import EventLog, begin_anew_if_damaged
from aos_upgrade_plugin.effects.gate.gate_run import run_gate
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.chain import Head
from aos_upgrade_plugin.models.event import Event
from aos_upgrade_plugin.models.gate import Gate, Limits
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.report import RecoveredReport, RollbackReport, Status
from aos_upgrade_plugin.models.run import EVENTS, Acted, Facts, Run, WayBack
from aos_upgrade_plugin.models.session import (
    Checkpoint,
    SessionError,
    SessionStatus,
    WorkflowSession,
)
from aos_upgrade_plugin.models.workflow import CLEANUP, Workflow, WorkflowPhase

_NONE: Facts = {}
_UNFORESEEN = "see the evidence, and tell the authors"


class Steps(Protocol):
    """What the engine calls; the plugins bring it."""

    def act(self, phase: int, run: Run) -> Acted:
        """Do what a phase is there for; may be repeated after an interruption."""

    def undo(self, run: Run) -> WayBack:
        """Bring the installation back to what it was before the run; may be repeated."""

    def located(self, run: Run) -> Run:
        """Return the run with its installation where it is now: what was done may have moved it."""

    def give_up(self, run: Run) -> Run:
        """Remove what a run leaves that had not changed anything yet."""

    def report(self, run: Run, gate: GateReport, head: Head) -> Facts:
        """Write down what a gate came to, and return what the session shall keep of it."""

    def summarise(self, run: Run) -> None:
        """Write down what the run came to so far; the last gate looks at that."""


class Watcher(Protocol):
    """Somebody who looks on."""

    def recovered(self, reports: Sequence[RecoveredReport]) -> None:
        """What was interrupted earlier is brought to an end."""

    def phase(self, name: str) -> None:
        """A phase begins."""

    def event(self, event: Event) -> None:
        """Something happened in a gate."""

    def gate(self, report: GateReport) -> None:
        """A gate has its verdict."""


class Ended(NamedTuple):
    """Where a run stands when the engine lets go of it."""

    run: Run
    status: Status | None = None
    """Nothing while it goes on."""
    reasons: tuple[str, ...] = ()
    cure: str = ""
    rollback: RollbackReport = RollbackReport()
    recovered: tuple[RecoveredReport, ...] = ()


class _Waiting(NamedTuple):
    """A phase that somebody else has to do something for."""

    run: Run
    what_for: str


class _Failed(NamedTuple):
    """A phase that did not pass."""

    run: Run
    reasons: tuple[str, ...]
    cure: str


def drive(
    run: Run, workflow: Workflow, steps: Steps, watcher: Watcher, *, through: int = CLEANUP
) -> Ended:
    """Take a run through its phases, up to the action of the last one; or back.

    It comes to rest before the first phase that comes after ``through``. The last action lets go
    of what led back, and its gate wants the lock released: that gate is for :func:`finish`.
    """
    if (reasons := why_back(run.session)) is not None:
        return go_back(run, reasons, steps, watcher)
    if run.session.session_status is SessionStatus.PAUSED:
        run = run.at(moved(session=run.session, to=SessionStatus.ACTIVE, reason=""))
    while phase := next_phase(
        workflow=workflow,
        completed=run.session.completed_phases,
        left_out=left_out(only=run.settings.only),
    ):
        if phase.number > through:
            return Ended(run, Status.AT_REST)
        passed = _pass_phase(run, phase, steps, watcher)
        if isinstance(passed, _Failed):
            return _react(passed, phase, steps, watcher)
        if isinstance(passed, _Waiting):
            return _pause(passed)
        run = passed
        if phase.number == CLEANUP:
            break
    return Ended(run)


def finish(run: Run, steps: Steps, watcher: Watcher) -> Ended:
    """Let the last gate judge, and end the session."""
    done = dict(run.session.phase_artifacts.get(CLEANUP, {}))
    try:
        steps.summarise(run)
        report, kept = pass_gate(run, Gate.CLEANUP, steps, watcher, facts=done)
        artifacts = {**done, **kept}
        if not report.opens:
            failed = _failed(run, CLEANUP, report.reasons, report.remedy, artifacts)
            return _finish_later(failed)
        now = datetime.now(UTC)
        session = phase_passed(session=run.session, phase=CLEANUP, artifacts=artifacts, now=now)
        session = moved(session=session, to=SessionStatus.COMPLETED, reason="every gate opened")
        return Ended(_save(run, session), Status.COMPLETED)
    except UpgradeError as error:
        return finish_later(run, error)


def finish_later(run: Run, error: UpgradeError) -> Ended:
    """Leave the last gate of a run to ``resume``: something keeps it from measuring."""
    done = dict(run.session.phase_artifacts.get(CLEANUP, {}))
    return _finish_later(_failed(run, CLEANUP, (str(error),), error.cure, done))


def go_back(run: Run, reasons: tuple[str, ...], steps: Steps, watcher: Watcher) -> Ended:
    """Bring the installation back, and prove that by a gate of its own."""
    watcher.phase("Rollback")
    run = _save_if_possible(run, bound_back(session=run.session, reasons=reasons))  # before a kill
    began = time.monotonic()
    rollback = RollbackReport()
    try:
        way_back = steps.undo(run)
        run = steps.located(run)
        set_aside = tuple(each.kept_at for each in way_back.undone.set_aside)
        rollback = RollbackReport(performed=True, set_aside=set_aside)
        run = _save(run, taken_back(session=run.session, now=datetime.now(UTC)))
        reasons += begin_anew_if_damaged(run.evidence / EVENTS)
        report, kept = pass_gate(run, Gate.ROLLBACK, steps, watcher, facts=way_back.facts())
    except UpgradeError as error:
        return _inconsistent(steps.located(run), (*reasons, str(error)), error.cure, rollback)
    except Exception as error:  # noqa: BLE001  whatever is raised here, nothing is proven
        reason = f"{type(error).__name__}: {error}"
        return _inconsistent(steps.located(run), (*reasons, reason), _UNFORESEEN, rollback)
    rollback = rollback.model_copy(
        update={"duration_s": time.monotonic() - began, "verified": report.opens}
    )
    kept = {**way_back.facts(), **kept}
    metadata = {**run.session.metadata, KEPT_OF_THE_WAY_BACK: kept}
    run = run.at(run.session.model_copy(update={"metadata": metadata}))
    if not report.opens:
        return _inconsistent(run, (*reasons, *report.reasons), report.remedy, rollback)
    why = reasons[0] if reasons else "asked for"
    session = moved(session=run.session, to=SessionStatus.ROLLED_BACK, reason=why)
    return Ended(_save(run, session), Status.ROLLED_BACK, reasons, rollback=rollback)


def pass_gate(
    run: Run, gate: Gate, steps: Steps, watcher: Watcher, *, facts: Facts | None = None
) -> tuple[GateReport, Facts]:
    """Let a gate measure, chain what it says to the evidence, judge it and write it down."""
    context = run.context(gate)
    context = context.model_copy(update={"facts": {**context.facts, **(facts or {})}})
    planned = run.checks_of(gate)
    with EventLog(run.evidence / EVENTS) as log:

        def heard(event: Event) -> None:
            log.append(event)
            watcher.event(event)

        events = run_gate(context, planned, limits=Limits(jobs=run.settings.jobs), on_event=heard)
        head = log.head
    report = judge(planned=planned, events=events, waivers=run.waivers, now=datetime.now(UTC))
    watcher.gate(report)
    kept = steps.report(run, report, head)
    return report, {**kept, "evidence_head": head.sha256}


def _pass_phase(
    run: Run, phase: WorkflowPhase, steps: Steps, watcher: Watcher
) -> Run | _Failed | _Waiting:
    """Act, pass the gate and save; whatever goes wrong on the way, the phase has failed."""
    watcher.phase(phase.name)
    number, artifacts = phase.number, _NONE
    try:
        run = _save(run, phase_begun(session=run.session, phase=number, now=datetime.now(UTC)))
        session, artifacts, waits_for = steps.act(number, run)
        run = steps.located(run)
        run = _save(run, with_artifacts(session=session, phase=number, artifacts=artifacts))
        if waits_for:
            return _Waiting(run, waits_for)
        if number == CLEANUP:
            return run
        report, kept = pass_gate(run, Gate.named(str(number)), steps, watcher)
        artifacts = {**artifacts, **kept}
        if not report.opens:
            return _failed(run, number, report.reasons, report.remedy, artifacts)
        now = datetime.now(UTC)
        session = phase_passed(session=run.session, phase=number, artifacts=artifacts, now=now)
        return _save(run, session)
    except UpgradeError as error:
        return _failed(steps.located(run), number, (str(error),), error.cure, artifacts)
    except Exception as error:  # noqa: BLE001  whatever is raised here, the phase has failed
        reason = f"{type(error).__name__}: {error}"
        return _failed(steps.located(run), number, (reason,), _UNFORESEEN, artifacts)


def _pause(waiting: _Waiting) -> Ended:
    """Leave everything as it is until somebody did what is waited for."""
    run, what_for = waiting
    point = Checkpoint(phase=run.session.current_phase, timestamp=datetime.now(UTC), note=what_for)
    session = run.session.model_copy(update={"checkpoint": point})
    session = moved(session=session, to=SessionStatus.PAUSED, reason=what_for)
    then = f"do that, then: aos-upgrade resume {session.session_id}"
    return Ended(_save(run, session), Status.PAUSED, (what_for,), then)


def _failed(run: Run, phase: int, reasons: tuple[str, ...], cure: str, artifacts: Facts) -> _Failed:
    now = datetime.now(UTC)
    error = SessionError(
        phase=phase,
        timestamp=now,
        error_type="gate" if KEPT_OF_A_GATE in artifacts else "action",
        message=reasons[0],
        details="\n".join(reasons[1:]),
        remediation=cure,
    )
    session = phase_failed(session=run.session, error=error, artifacts=artifacts, now=now)
    if reaction_to_failure(phase=phase) is Reaction.ROLL_BACK:
        session = bound_back(session=session, reasons=reasons)
    return _Failed(_save_if_possible(run, session), reasons, cure)


def _react(failed: _Failed, phase: WorkflowPhase, steps: Steps, watcher: Watcher) -> Ended:
    run, reasons, cure = failed
    match reaction_to_failure(phase=phase.number):
        case Reaction.ROLL_BACK:
            ended = go_back(run, reasons, steps, watcher)
            return ended if ended.cure else ended._replace(cure=cure)
        case Reaction.FINISH_LATER:
            return _finish_later(failed)
        case Reaction.GIVE_UP:
            run = steps.give_up(run)
            session = moved(session=run.session, to=SessionStatus.FAILED, reason=reasons[0])
            return Ended(_save_if_possible(run, session), Status.BLOCKED, reasons, cure)


def _finish_later(failed: _Failed) -> Ended:
    run, reasons, cure = failed
    to_finish = f"{cure}; to finish: aos-upgrade resume {run.session.session_id}"
    return Ended(run, Status.CLEANUP_INCOMPLETE, reasons, to_finish)


def _inconsistent(run: Run, reasons: tuple[str, ...], cure: str, rollback: RollbackReport) -> Ended:
    session = run.session
    if session.session_status is not SessionStatus.INCONSISTENT:
        session = moved(session=session, to=SessionStatus.INCONSISTENT, reason=reasons[-1])
    run = _save_if_possible(run, session)
    then = f"{cure}; then: aos-upgrade rollback {session.session_id}"
    return Ended(run, Status.INCONSISTENT, reasons, then, rollback)


def _save(run: Run, session: WorkflowSession) -> Run:
    return run.at(sessions.save(run.install, session))


def _save_if_possible(run: Run, session: WorkflowSession) -> Run:
    """Save what went wrong; that it cannot be saved, on a full disk, keeps nobody from reacting."""
    try:
        return _save(run, session)
    except UpgradeError:
        return run.at(session)
