"""An upgrade from its settings to its report: planned, run, resumed, or taken back."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin import engine
from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.actions.evidence import write_merged
from aos_upgrade_plugin.actions.reports import run_report, told_again
from aos_upgrade_plugin.actions.steps import UpgradeSteps
from aos_upgrade_plugin.actions.upgrade_planning import Agree, Planning
from aos_upgrade_plugin.decide.run.reporting import (
    conflict_line,
    how_to_decide,
    migration_line,
    phase_name,
)
from aos_upgrade_plugin.decide.run.run_state import phase_begun, phase_passed, why_back
from aos_upgrade_plugin.decide.run.sessions import is_driven
from aos_upgrade_plugin.effects.session import run_folder, sessions
from aos_upgrade_plugin.effects.session.lock import hold_for_the_last_gate, refuse_held
from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_workflows, read_workflow
from aos_upgrade_plugin.engine import Ended, Watcher
from aos_upgrade_plugin.errors import DiskError, StaleError, UpgradeError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.report import RunReport, Status
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.models.waiver import Waiver
from aos_upgrade_plugin.models.workflow import CLEANUP, PRE_FLIGHT, UPGRADE
from aos_upgrade_plugin.phases.content import refuse_stale
from aos_upgrade_plugin.phases.holding import Holding, holding
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.renaming import located
from aos_upgrade_plugin.phases.rollback import keep_space, refuse_without_way_back
from aos_upgrade_plugin.plugins import installed_plugins
from aos_upgrade_plugin.reporters import summary


class Upgrade:
    """The upgrades of one installation. What it does is looked at by ``watcher``."""

    def __init__(self, installation: Installation, watcher: Watcher) -> None:
        """Take up an installation; nothing happens to it yet."""
        self._at = installation
        self._watcher = watcher
        self._workflow = read_workflow(bundled_workflows() / UPGRADE)
        self._plugins = installed_plugins()
        self._steps = UpgradeSteps(self._workflow, self._plugins)
        self.planning = Planning(installation, self._plugins)

    def refuse_at_once(self, evidence_dir: Path | None = None) -> None:
        """Raise BusyError, UsageError for what would stop a run whatever its plan is."""
        refuse_held(self._at.path)
        run_folder.refuse_unfit(evidence_dir, self._at.path)

    def run(
        self,
        settings: Settings,
        *,
        plan: UpgradePlan | None = None,
        agree: Agree | None = None,
        waivers: Sequence[Waiver] = (),
        evidence_dir: Path | None = None,
    ) -> RunReport:
        """Upgrade, or say why not. A given plan is applied exactly, or refused as stale.

        ``agree`` is asked about each migration that is needed and that nobody asked for yet.
        ``evidence_dir`` gets a copy of the evidence, in a folder named after the session.
        Raises BusyError at once where another command works on the installation.
        """
        self.refuse_at_once(evidence_dir)
        if plan is None:
            settings, plan = self.planning.settled(settings, agree=agree)
        else:
            runs.refuse_other_commit(plan, settings)
        run = runs.new(self._at, settings, plan, waivers)
        ended = self._before_it_begins(run)
        with ExitStack() as last_gate:
            if ended.status is None:
                ended = self._begin(ended.run, last_gate)
            return self._written(ended, evidence_dir)

    def advance(self, name: SessionId, *, through: int) -> RunReport:
        """Take a driven run on, until the phase ``through`` has passed or something stops it.

        While it has not begun, its pre-flight is measured again each time: much may have happened
        since it was asked to go on the last time.
        """
        run = runs.find_unbegun(self._at, name)
        if run is None:
            runs.refuse_put_aside(runs.find(self._at, name))
            return self.resume(name, through=through)
        runs.refuse_put_aside(run)
        runs.refuse_unless_open(run)
        now = datetime.now(UTC)
        run = run.at(phase_begun(session=run.session, phase=PRE_FLIGHT, now=now))
        ended = self._before_it_begins(run)
        with ExitStack() as last_gate:
            if ended.status is None and through > PRE_FLIGHT:
                try:
                    runs.refuse_other_commit(run.plan, run.settings)
                    ended = self._begin(ended.run, last_gate, through=through)
                except StaleError as error:  # another plan is needed, and nothing has begun
                    ended = Ended(ended.run, Status.BLOCKED, (str(error),), error.cure)
                    ended = runs.keep_unbegun(self._at, ended)
            else:
                ended = runs.keep_unbegun(self._at, ended)
            return self._written(ended, None)

    def resume(
        self, name: SessionId | None, *, evidence_dir: Path | None = None, through: int = CLEANUP
    ) -> RunReport:
        """Go on with a run that was interrupted or paused, from where it is.

        One that is driven from outside comes to rest where the phase ``through`` has passed.
        """
        run = runs.find(self._at, name, open_only=True)
        runs.refuse_unless_open(run)
        run_folder.refuse_unfit(evidence_dir, self._at.path)
        with ExitStack() as last_gate:
            with self._hold(run, "resume") as held:
                run = runs.latest(_held(run, held))  # somebody may have been faster
                runs.refuse_unless_open(run)
                if is_driven(run.session):  # a kill may have left it with the user, too
                    with suppress(DiskError):
                        runs.forget_unbegun(self._at, run.session.session_id)
                ended = self._drive(run, held, last_gate, through=through)
            return self._written(self._finish(ended), evidence_dir)

    def roll_back(self, name: SessionId | None, *, evidence_dir: Path | None = None) -> RunReport:
        """Take a run back, also a completed one while its backup is kept, and prove it."""
        run = runs.find(self._at, name)
        runs.refuse_rolled_back(run)
        runs.refuse_under_a_later_one(run)
        refuse_without_way_back(run)
        run_folder.refuse_unfit(evidence_dir, self._at.path)
        with self._hold(run, "rollback") as held, runs.stoppable(run, "rollback"):
            run = runs.latest(_held(run, held))  # somebody may have been faster
            runs.refuse_rolled_back(run)
            ended = engine.go_back(run, (), self._steps, self._watcher)
        return self._written(_with_recovered(ended, held), evidence_dir)

    def report(self, name: SessionId | None) -> RunReport:
        """Say again how a run ended, or where it stands."""
        return told_again(runs.find(self._at, name))

    def check_pre_flight(self, settings: Settings) -> tuple[GateReport, Path]:
        """Say whether a run could begin, and where the evidence of that is."""
        run = runs.new(self._at, settings, self.planning.plan(settings))
        return self._measured(run, Gate.PRE_FLIGHT), run.evidence

    def check(self, gate: Gate, name: SessionId | None) -> tuple[GateReport, Path]:
        """Let a gate of a run that has begun measure again; the evidence stays with the user."""
        run = runs.find(self._at, name)
        beside = run_folder.before_it_begins(
            self._at.path, run.session.session_id, keep=run.settings.keep_backups
        )
        run = replace(run, folder=run_folder.copy(run.folder, beside))
        return self._measured(run, gate), run.evidence

    def _measured(self, run: Run, gate: Gate) -> GateReport:
        self._watcher.phase(phase_name(workflow=self._workflow, number=gate.phase))
        return engine.pass_gate(run, gate, self._steps, self._watcher)[0]

    # ---- the parts of a run ------------------------------------------------------------------

    def _before_it_begins(self, run: Run) -> Ended:
        """Look whether the run may begin; nothing is written to the target."""
        self._watcher.phase(phase_name(workflow=self._workflow, number=PRE_FLIGHT))
        gate, kept = engine.pass_gate(run, Gate.PRE_FLIGHT, self._steps, self._watcher)
        session = phase_passed(
            session=run.session, phase=PRE_FLIGHT, artifacts=kept, now=datetime.now(UTC)
        )
        run = run.at(session)
        if not gate.opens:
            return Ended(run, Status.BLOCKED, gate.reasons, gate.remedy)
        if run.plan.undecided or run.plan.unasked:
            migrations = map(migration_line, run.plan.unasked)
            conflicts = map(conflict_line, run.plan.undecided)
            reasons = (*migrations, *conflicts, *run.plan.notes)
            return Ended(run, Status.NEEDS_DECISION, reasons, how_to_decide(run.plan))
        if run.plan.nothing_to_do:
            return Ended(run, Status.NOTHING_TO_DO)
        return Ended(run, Status.PLANNED if run.settings.dry_run else None)

    def _begin(self, run: Run, last_gate: ExitStack, *, through: int = CLEANUP) -> Ended:
        """Take the lock, move plan and evidence into the installation, and go on from there."""
        name, kept_before = run.session.session_id, run.folder
        with self._hold(run, "run") as held:
            folder = run_folder.of_session(held.install, name)
            with run_folder.gone_if_it_fails(folder):
                runs.refuse_beside_an_open_one(held.install)
                refuse_stale(replace(run, install=held.install))
                run = replace(run, folder=run_folder.copy(kept_before, folder))
                run = run.at(sessions.save(held.install, run.session, moves_in=True))
            if is_driven(run.session):
                runs.forget_unbegun(self._at, name)
            ended = self._drive(run, held, last_gate, through=through)
        run_folder.remove(kept_before)
        return self._finish(ended)

    @contextmanager
    def _hold(self, run: Run, command: str) -> Generator[Holding]:
        name = run.session.session_id
        with holding(run.install, session=name, command=command) as held:
            self._watcher.recovered([each.report for each in held.recovered])
            yield held

    def _drive(self, run: Run, held: Holding, last_gate: ExitStack, *, through: int) -> Ended:
        """Take a run on; where its last gate comes next, keep everybody out until that is over."""
        if why_back(run.session) is None:  # else the space is needed now
            keep_space(run)
        with runs.stoppable(run, "resume"):
            ended = engine.drive(
                _held(run, held), self._workflow, self._steps, self._watcher, through=through
            )
        if ended.status is None:
            try:
                last_gate.enter_context(hold_for_the_last_gate(ended.run.install, held.lock))
            except UpgradeError as error:
                ended = engine.finish_later(ended.run, error)
        return _with_recovered(ended, held)

    def _finish(self, ended: Ended) -> Ended:
        """Pass the last gate, which wants the lock released."""
        if ended.status is not None:
            return ended
        with runs.stoppable(ended.run, "resume"):
            finished = engine.finish(ended.run, self._steps, self._watcher)
        return finished._replace(recovered=ended.recovered)

    @staticmethod
    def _written(ended: Ended, evidence_dir: Path | None) -> RunReport:
        """Write down how a run ended, beside its evidence, and return it."""
        report = run_report(ended)
        try:
            summary.write(report, ended.run.folder)
            write_merged(ended.run.evidence, ended.run.waivers)
            if evidence_dir is not None:
                run_folder.copy(ended.run.folder, evidence_dir / report.session_id)
        except UpgradeError as error:  # it must not hide what was done
            report = report.model_copy(update={"warnings": (*report.warnings, str(error))})
        return report


def _with_recovered(ended: Ended, held: Holding) -> Ended:
    return ended._replace(recovered=tuple(each.report for each in held.recovered))


def _held(run: Run, held: Holding) -> Run:
    run = replace(run, install=held.install, lock_descriptors=held.lock.descriptors)
    return located(run)
