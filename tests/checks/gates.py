"""The built-in checks of one gate, run isolated as in a run, on what a test laid down."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, JsonValue

from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.effects.gate.check_list import collect
from aos_upgrade_plugin.effects.gate.gate_run import run_gate
from aos_upgrade_plugin.effects.tree.files import entry_at
from aos_upgrade_plugin.models.gate import Gate, GateContext, PlannedCheck
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.packages import EnvironmentPlan
from aos_upgrade_plugin.models.plan import (
    Options,
    Origin,
    PlannedChange,
    PlanSource,
    UpgradePlan,
)
from aos_upgrade_plugin.models.server import Servers, Site, StartCommand, Started, Transport
from aos_upgrade_plugin.models.service import Measured, ServerBefore, ServerNow
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Entry, TreePath, tree_digest
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.environment import environment_problems
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.measuring import measure_server
from aos_upgrade_plugin.phases.planning import read_installation_tree

LONG_S = 60.0
SHORT_S = 1.0
"""Enough for a server that runs already."""


class Judged(NamedTuple):
    """What a gate came to: of each check how it ended and what it said; and the facts."""

    ended: Mapping[str, str]
    said: Mapping[str, str]
    not_planned: Mapping[str, str]
    facts: Mapping[str, JsonValue]
    opens: bool

    def number(self, name: str) -> int:
        """Return a fact that is a whole number."""
        found = self.facts[name]
        assert isinstance(found, int), (name, found)
        return found


def run(
    gate: Gate,
    site: Site,
    *checks: str,
    plan: UpgradePlan | None = None,
    backup: Path | None = None,
    limit_s: float = SHORT_S,
    **facts: JsonValue | BaseModel,
) -> Judged:
    """Let some checks of a gate measure an installation, or all of them."""
    evidence = site.project.parent / f"{site.project.name}-evidence"
    evidence.mkdir(exist_ok=True)
    file = evidence / "plan.json"
    file.write_text((plan or plan_of(site)).model_dump_json())
    told = {
        name: fact.model_dump(mode="json") if isinstance(fact, BaseModel) else fact
        for name, fact in facts.items()
    }
    context = GateContext(
        gate=gate,
        target=site.install,
        plan=file,
        backup=backup,
        evidence=evidence,
        session_id="a_session",
        facts={"restart_timeout_s": limit_s, "only": "all", "skip_tests": True, **told},
    )
    return judged(context, *checks)


def judged(context: GateContext, *checks: str) -> Judged:
    """Let some checks of the context's gate measure, or all of them."""
    planned = [each for each in _checks(context.gate) if not checks or each.id in checks]
    events = run_gate(context, planned)
    report = judge(planned=planned, events=events, waivers=(), now=datetime.now(UTC))
    return Judged(
        ended={one.check.id: one.outcome.value for one in report.results},
        said={one.check.id: one.message or "" for one in report.results},
        not_planned={one.check: one.reason for one in report.excused},
        facts=report.facts,
        opens=report.opens,
    )


@cache
def _checks(gate: Gate | None) -> Sequence[PlannedCheck]:
    return collect(GateContext(gate=gate))


def plan_of(
    site: Site,
    *changes: PlannedChange,
    environment: EnvironmentPlan | None = None,
) -> UpgradePlan:
    """Return the plan of an upgrade after which an installation is as it is now."""
    tree = read_installation_tree(find(site.install))
    return UpgradePlan(
        created_at=datetime.now(UTC),
        tool_version="0",
        layout="praxis_os",
        options=Options(only=Scope.ALL, on_conflict=OnConflict.FAIL),
        source=PlanSource(path="/source", commit="c" * 40),
        origin=Origin(known_by="nothing"),
        target_digest=tree_digest(tree),
        target=tree,
        project={},
        counts={},
        changes=changes,
        environment=environment or EnvironmentPlan(),
    )


def change(
    site: Site,
    path: TreePath,
    *,
    part: Part = Part.CONTENT,
    before: Entry | None = None,
    relation: Relation = Relation.NEW,
) -> PlannedChange:
    """Return the change that laid down what stands at a path now."""
    made = Change(place=Place.INSTALL, path=path, before=before, after=entry_at(site.install, path))
    return PlannedChange(change=made, part=part, relation=relation)


def start(site: Site) -> Started:
    """Start the server of an installation as a run does."""
    command = serving.recorded_command(site, Servers())
    assert command is not None
    return serving.start(site, command, log=log_of(site), limit_s=LONG_S)


def over_pipes(site: Site) -> StartCommand:
    """Return how the server is asked where none is kept running."""
    command = serving.recorded_command(site, Servers(), transport=Transport.STDIO)
    assert command is not None
    return command


def log_of(site: Site) -> Path:
    """Return where a server of a test logs."""
    return site.install / ".cache/started.log"


def measured(site: Site, endpoint: str | StartCommand) -> Measured:
    """Measure a server."""
    return measure_server(site, endpoint, limit_s=LONG_S)


def now(site: Site, started: Started, **more: object) -> ServerNow:
    """Return a server as a run leaves it."""
    left = {"endpoint": started.url, "started": started, "log": str(log_of(site)), **more}
    return ServerNow.model_validate(left)


def before(found: Measured | None, **more: object) -> ServerBefore:
    """Return a server as a run met it."""
    return ServerBefore.model_validate({"measured": found, **more})


def inconsistencies(site: Site, name: str, *, requires: str) -> tuple[str, ...]:
    """Put a package into an environment whose requirement it does not have; return what is said."""
    (packages,) = site.environment.glob("lib/python*/site-packages")
    info = packages / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\nRequires-Dist: {requires}\n"
    )
    return environment_problems(find(site.install), EnvironmentPlan())
