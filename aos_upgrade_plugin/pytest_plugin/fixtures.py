"""What a check can ask for, by naming it as an argument."""

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

import pytest
from pydantic import JsonValue, ValidationError

from aos_upgrade_plugin.models.event import Fact
from aos_upgrade_plugin.models.gate import GateContext, RecordFact
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.models.service import ServerBefore, ServerNow
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.installation import Installation, find, site_of
from aos_upgrade_plugin.phases.planning import read_installation_tree
from aos_upgrade_plugin.pytest_plugin.collection import CHECK
from aos_upgrade_plugin.pytest_plugin.duty import KEY, plugin_name
from aos_upgrade_plugin.pytest_plugin.ledger import Ledger
from aos_upgrade_plugin.pytest_plugin.measuring import FACTS

_FACT_BYTES = 64 * 1024

_Value = TypeVar("_Value")


@pytest.fixture(scope="session")
def gate_context(pytestconfig: pytest.Config) -> GateContext:
    """Everything that is known, with nothing where there is nothing."""
    return pytestconfig.stash[KEY].context


@pytest.fixture(scope="session")
def target(gate_context: GateContext) -> Path:
    """Return the installation's folder."""
    return _needed(gate_context.target, "a target", "--aos-target=DIR")


@pytest.fixture(scope="session")
def installation(target: Path) -> Installation:
    """Return the installation as it is at the time of the gate."""
    return find(target)


@pytest.fixture(scope="session")
def tree(installation: Installation) -> Tree:
    """Return everything in the installation that is not made again, read once for the gate."""
    return read_installation_tree(installation)


@pytest.fixture(scope="session")
def site(installation: Installation) -> Site:
    """Return where what belongs to the installation's server lies."""
    return site_of(installation)


@pytest.fixture(scope="session")
def source(gate_context: GateContext) -> Path:
    """Return the checkout that holds the incoming version."""
    return _needed(gate_context.source, "a source", "--aos-source=DIR")


@pytest.fixture(scope="session")
def session(gate_context: GateContext) -> str:
    """Return the id of the run's session."""
    return _needed(gate_context.session_id, "a session", "aos-upgrade run")


@pytest.fixture(scope="session")
def plan(gate_context: GateContext) -> UpgradePlan:
    """Return the run's plan."""
    file = _needed(gate_context.plan, "a plan", "aos-upgrade run")
    return UpgradePlan.model_validate_json(file.read_bytes())


@pytest.fixture(scope="session")
def backup(gate_context: GateContext) -> Path:
    """Return the folder of the run's backup."""
    return _needed(gate_context.backup, "a backup", "aos-upgrade run")


@pytest.fixture(scope="session")
def evidence(gate_context: GateContext) -> Path:
    """Return the folder of the run's evidence."""
    return _needed(gate_context.evidence, "a folder of evidence", "aos-upgrade run")


@pytest.fixture(scope="session")
def server_before(gate_context: GateContext) -> ServerBefore:
    """Return what was measured of the server before the run changed anything."""
    found = _needed(gate_context.facts.get("server_before"), "the server before", "aos-upgrade run")
    return ServerBefore.model_validate(found)


@pytest.fixture(scope="session")
def server(gate_context: GateContext) -> ServerNow:
    """Return the server that the run put into place, or took back."""
    found = _needed(gate_context.facts.get("server"), "the new server", "aos-upgrade run")
    return ServerNow.model_validate(found)


@pytest.fixture(scope="session")
def restart_timeout_s(gate_context: GateContext) -> float:
    """Return for how long a server may keep somebody waiting, in seconds."""
    told = _needed(gate_context.facts.get("restart_timeout_s"), "a limit", "aos-upgrade run")
    return float(str(told))


@pytest.fixture(scope="session")
def facts(gate_context: GateContext) -> Mapping[str, JsonValue]:
    """Return what was measured before the gate, by name."""
    return MappingProxyType(gate_context.facts)


@pytest.fixture
def record_fact(request: pytest.FixtureRequest) -> RecordFact:
    """Return a function that records a measured value: ``record_fact("files", 487)``.

    Names are lower_case; values are JSON. Recorded again under its name, a value is replaced.
    """
    item = request.node
    recorded = item.stash.setdefault(FACTS, {})
    ledger: Ledger | None = request.config.pluginmanager.get_plugin(plugin_name(Ledger))

    def record(name: str, value: JsonValue) -> None:
        check = item.stash[CHECK].id
        fact = _fact(check, name, value)
        recorded[fact.name] = fact.value
        item.user_properties.append((f"aos_fact_{name}", json.dumps(fact.value)))
        if ledger:
            ledger.fact(check, fact.name, fact.value)

    return record


def _needed(value: _Value | None, what: str, where: str) -> _Value:
    if value is None:
        pytest.fail(f"this check needs {what}: {where}", pytrace=False)
    return value


def _fact(check: str, name: str, value: JsonValue) -> Fact:
    try:
        fact = Fact(check=check, name=name, value=value)
        size_bytes = len(fact.model_dump_json())
    except (ValidationError, ValueError) as error:
        raise TypeError(f"{name!r} is no fact: {error}") from None
    if size_bytes > _FACT_BYTES:
        raise ValueError(f"the fact {name} has {size_bytes} bytes, more than {_FACT_BYTES}")
    return Fact.model_validate_json(fact.model_dump_json())
