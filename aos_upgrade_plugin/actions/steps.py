"""What the engine calls in an upgrade: the built-in phases, then what plugins add to them."""

from collections.abc import Callable, Mapping

from aos_upgrade_plugin.actions.reports import run_report
from aos_upgrade_plugin.decide.run.evidence import evidence_of
from aos_upgrade_plugin.decide.run.reporting import KEPT_OF_A_GATE, phase_name, phase_report
from aos_upgrade_plugin.engine import Ended
from aos_upgrade_plugin.models.chain import Head, SealedLog
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.run import EVENTS, Acted, Facts, Run, WayBack
from aos_upgrade_plugin.models.workflow import (
    BACKUP,
    CLEANUP,
    CONTENT,
    PRE_FLIGHT,
    SERVER,
    VALIDATION,
    Workflow,
)
from aos_upgrade_plugin.phases.backup import back_up_run, give_up_backup
from aos_upgrade_plugin.phases.cleanup import clean_up
from aos_upgrade_plugin.phases.content import upgrade_content
from aos_upgrade_plugin.phases.renaming import located
from aos_upgrade_plugin.phases.rollback import roll_back
from aos_upgrade_plugin.phases.server_upgrade import upgrade_server
from aos_upgrade_plugin.plugins import Plugins
from aos_upgrade_plugin.reporters import summary, validation


def _only_look(run: Run) -> Acted:
    """Change nothing: the phase is its gate."""
    return Acted(run.session, {})


_ACTIONS: Mapping[int, Callable[[Run], Acted]] = {
    PRE_FLIGHT: _only_look,
    BACKUP: back_up_run,
    CONTENT: upgrade_content,
    SERVER: upgrade_server,
    VALIDATION: _only_look,
    CLEANUP: clean_up,
}


class UpgradeSteps:
    """The steps of one upgrade."""

    def __init__(self, workflow: Workflow, plugins: Plugins) -> None:
        """Know what the phases are called and who adds to them."""
        self._workflow = workflow
        self._plugins = plugins

    def act(self, phase: int, run: Run) -> Acted:
        """Do what a phase is there for, then what plugins want done in it."""
        acted = _ACTIONS[phase](run)
        run = located(run).at(acted.session)
        added = self._plugins.phase_actions(phase, run.context(Gate.named(str(phase))))
        return acted._replace(artifacts={**acted.artifacts, "plugins": added})

    def undo(self, run: Run) -> WayBack:
        """Bring the installation back to what it was before the run."""
        return roll_back(run, detect=self._plugins.post_install_steps)

    def located(self, run: Run) -> Run:
        """Return the run with its installation where it is now."""
        return located(run)

    def give_up(self, run: Run) -> Run:
        """Remove the backup of a run that had not changed anything yet."""
        return give_up_backup(run)

    def summarise(self, run: Run) -> None:
        """Write the summary of a run that only its last gate has still to pass."""
        summary.write(run_report(Ended(run)), run.folder)

    def report(self, run: Run, gate: GateReport, head: Head) -> Facts:
        """Let reporters write down a gate, and keep what it came to."""
        name = phase_name(workflow=self._workflow, number=gate.gate.phase)
        written = self._plugins.report_gate(gate, SealedLog(run.evidence / EVENTS, head))
        junit = next((str(file.relative_to(run.evidence)) for file in written.files), None)
        report = phase_report(gate=gate, name=name, junit=junit)
        evidence = evidence_of(gate.gate, gate.facts)
        if gate.gate is Gate.VALIDATION:
            validation.write(gate, evidence, run.folder)
        return {
            "report_problems": list(written.problems),
            KEPT_OF_A_GATE: report.model_dump(mode="json"),
            "evidence": evidence,
            "facts": gate.facts,
        }
