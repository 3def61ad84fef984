"""One run of an upgrade as its phases see it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.models.backup import BACKUPS
from aos_upgrade_plugin.models.gate import Gate, GateContext, PlannedCheck
from aos_upgrade_plugin.models.journal import Undone
from aos_upgrade_plugin.models.layout import Layout
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.models.service import ServerNow
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.models.waiver import Waiver
from aos_upgrade_plugin.models.workflow import BACKUP, SERVER

Facts = Mapping[str, JsonValue]

PLAN = "plan.json"
EVENTS = "events.jsonl"
SUMMARY = "summary.md"
REPORT = "report.json"
VALIDATION_REPORT = "validation-report.json"


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that the phases of a run need. Only its session changes on the way."""

    install: Path
    """The install folder; no link on the way to it."""
    project: Path
    layout: Layout
    settings: Settings
    plan: UpgradePlan
    checks: tuple[PlannedCheck, ...]
    """Those of every gate, fixed before the first change."""
    waivers: tuple[Waiver, ...]
    session: WorkflowSession
    folder: Path
    """Where plan and evidence are; ``.upgrades/<session>`` from the first change on."""
    lock_descriptors: tuple[int, ...] = ()
    """Given to children, so that they hold the upgrade lock too."""

    @property
    def site(self) -> Site:
        """Where the installation's server and what belongs to it lie."""
        return Site.of(install=self.install, project=self.project.resolve(), layout=self.layout)

    @property
    def evidence(self) -> Path:
        """The folder of the evidence."""
        return self.folder / "evidence"

    @property
    def backup(self) -> Path | None:
        """The folder of this run's backup."""
        name = self.session.backup
        return None if name is None else self.install / BACKUPS / name

    @property
    def seen_at(self) -> Path:
        """The install folder as people see it, which may be a link of the right name."""
        seen_at = self.project / self.layout.folder
        return seen_at if seen_at.resolve() == self.install else self.install

    def checks_of(self, gate: Gate) -> tuple[PlannedCheck, ...]:
        """Return the checks that guard a gate; whether one applies is decided right before it."""
        return tuple(check for check in self.checks if check.gate is gate)

    def context(self, gate: Gate) -> GateContext:
        """Return all that the checks of a gate may know."""
        return GateContext(
            gate=gate,
            target=self.seen_at,
            source=self.settings.source_path,
            source_commit=self.plan.source.commit,
            session_id=self.session.session_id,
            plan=self.folder / PLAN,
            backup=self.backup,
            evidence=self.evidence,
            facts={
                "keep_backups": self.settings.keep_backups,
                "only": self.settings.only,
                "skip_tests": self.settings.skip_tests,
                "restart_timeout_s": self.settings.restart_timeout_s,
                **self._server_facts(gate),
            },
        )

    def _server_facts(self, gate: Gate) -> Facts:
        """Return what is known of the server; after going back its state is measured anew."""
        kept = {"server_before": BACKUP, "server": SERVER}
        if gate is Gate.ROLLBACK:
            del kept["server"]
        artifacts = self.session.phase_artifacts
        found = {name: artifacts.get(phase, {}).get(name) for name, phase in kept.items()}
        return {name: fact for name, fact in found.items() if fact is not None}

    def at(self, session: WorkflowSession) -> "Run":
        """Return the run with a newer state of its session."""
        return replace(self, session=session)


class WayBack(NamedTuple):
    """What going back met."""

    undone: Undone
    made_since: tuple[TreePath, ...]
    """What the user had made since the run began, where nothing had to come back."""
    left_alone: tuple[TreePath, ...]
    """Where the run had not come yet, and the user's own change stands and stays."""
    server: ServerNow | None = None
    """Nothing where the run had not touched it."""

    def facts(self) -> Facts:
        """Return it as the checks of the rollback get it."""
        server = {"server": self.server.model_dump(mode="json")} if self.server else {}
        return {
            **server,
            "set_aside": [each.kept_at for each in self.undone.set_aside],
            "kept_folders": [*self.undone.kept_folders],
            "made_since": [*self.made_since],
            "left_alone": [*self.left_alone],
        }


class Acted(NamedTuple):
    """What the action of a phase did."""

    session: WorkflowSession
    """With what the phase adds to it, not yet saved."""
    artifacts: Facts
    waits_for: str = ""
    """What somebody else has to do before the phase can go on; then the run is paused."""
