"""Installations in the middle of an upgrade or after it, for the checks to look at."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.actions.upgrade import Upgrade
from aos_upgrade_plugin.cli.watching import Silent
from aos_upgrade_plugin.decide.run.reporting import KEPT_OF_THE_WAY_BACK
from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.effects.tree.files import entry_at
from aos_upgrade_plugin.models.gate import Gate, GateContext
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import Options, PlannedChange, UpgradePlan
from aos_upgrade_plugin.models.report import Status
from aos_upgrade_plugin.models.run import PLAN, Run
from aos_upgrade_plugin.models.settings import OnConflict, Scope, Settings
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import TreePath, tree_digest
from aos_upgrade_plugin.models.workflow import CLEANUP
from aos_upgrade_plugin.phases import source
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import plan_upgrade
from aos_upgrade_plugin.sample import Source, lay_down, variants
from tests.checks import gates

OWN = "standards/development/naming.md"
"""A file of the user's."""
CONFIG = "config.json"


def lay_project(made_from: Source, project: Path) -> Path:
    """Lay down 1.0.0 as somebody uses it, and return the install folder."""
    install = lay_down(made_from, "1.0.0", project)
    variants.configure(install)
    variants.add_user_files(install)
    variants.add_user_workflow(install)
    return install


def plan_of(made_from: Source, install: Path) -> UpgradePlan:
    """Plan the upgrade of its content to the newest version."""
    return plan_upgrade(
        find(install),
        source.take(made_from.folder),
        options=Options(only=Scope.CONTENT, on_conflict=OnConflict.FAIL),
        created_at=datetime.now(UTC),
    )


class Ready(NamedTuple):
    """An installation as somebody uses it, that is to be upgraded."""

    source: Source
    install: Path
    plan: Path

    def judged(
        self,
        *checks: str,
        source: Path | None = None,
        target: Path | None = None,
        commit: str | None = None,
    ) -> gates.Judged:
        """Let the gate measure it, or another source or target."""
        context = GateContext(
            gate=Gate.PRE_FLIGHT,
            target=target or self.install,
            source=source or self.source.folder,
            source_commit=commit,
            plan=self.plan,
        )
        return gates.judged(context, *checks)

    def replan(self, **update: object) -> UpgradePlan:
        """Let the run have another plan."""
        plan = plan_of(self.source, self.install).model_copy(update=update)
        self.plan.write_text(plan.model_dump_json())
        return plan


def get_ready(source: Source, folder: Path) -> Ready:
    """Lay everything down for an upgrade that has not begun."""
    project = folder / "project"
    project.mkdir(parents=True)
    ready = Ready(source, lay_project(source, project), folder / "plan.json")
    ready.replan()
    return ready


def upgrade(made_from: Source, project: Path) -> None:
    """Upgrade the content of an installation, every gate included."""
    settings = Settings(source_path=made_from.folder, only=Scope.CONTENT)
    report = Upgrade(find(project), Silent()).run(settings)
    assert report.status is Status.COMPLETED, report.reasons


class Upgraded(NamedTuple):
    """An installation after a run, for one test to spoil."""

    project: Path

    @classmethod
    def copied(cls, upgraded: Path, project: Path) -> "Upgraded":
        """Copy one, so that the run need not be made again."""
        shutil.copytree(upgraded, project, symlinks=True)
        return cls(project)

    @property
    def run(self) -> Run:
        """The run that upgraded it."""
        return runs.find(find(self.project), None)

    @property
    def install(self) -> Path:
        """The install folder."""
        return self.run.install

    def replan(self, **update: object) -> UpgradePlan:
        """Let the run have another plan."""
        run = self.run
        changed = run.plan.model_copy(update=update)
        changed = changed.model_copy(update={"target_digest": tree_digest(changed.target)})
        (run.folder / PLAN).unlink()
        run_folder.save_plan(run.folder, changed)
        return changed

    def roll_back(self) -> None:
        """Take the run back."""
        report = Upgrade(find(self.project), Silent()).roll_back(None)
        assert report.status is Status.ROLLED_BACK, report.reasons

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the upgrade lock for the run."""
        run = self.run
        with hold(run.install, session=run.session.session_id, command="run"):
            yield

    def judged(self, gate: Gate, *checks: str, **facts: JsonValue) -> gates.Judged:
        """Let a gate measure with what the run had kept for it, or with other facts."""
        run = self.run
        context = run.context(gate)
        kept = _kept(run, gate)
        known = {**context.facts, **kept, **facts}
        return gates.judged(context.model_copy(update={"facts": known}), *checks)


def _kept(run: Run, gate: Gate) -> dict[str, JsonValue]:
    if gate is Gate.CLEANUP:
        return dict(run.session.phase_artifacts.get(CLEANUP, {}))
    found = run.session.metadata.get(KEPT_OF_THE_WAY_BACK)
    return dict(found) if gate is Gate.ROLLBACK and isinstance(found, dict) else {}


def came(upgraded: Upgraded, path: TreePath) -> PlannedChange:
    """Return the change that brought what stands at a path now."""
    change = Change(
        place=Place.INSTALL, path=path, before=None, after=entry_at(upgraded.install, path)
    )
    return PlannedChange(change=change, part=Part.CONTENT, relation=Relation.NEW)
