"""The gates of a whole run: all their checks, in one unbroken log, in XML that all can read."""

from pathlib import Path

import pytest
import xmlschema
from junitparser import JUnitXml

from aos_upgrade_plugin.effects.gate.event_log import verify
from aos_upgrade_plugin.models.event import Closed, Opened
from tests.journeys.trips import Trip

pytestmark = pytest.mark.usefixtures("unmeasured")

STRICT = Path(__file__).parents[1] / "data" / "jenkins-xunit.xsd"


def test_the_evidence_of_a_run(trip: Trip) -> None:
    """Each gate opens and closes in one unbroken log; its JUnit XML is strict, and bound to it."""
    done = trip.run()
    evidence = Path(done.answer["evidence_dir"])
    (log,) = evidence.rglob("events.jsonl")
    records = verify(log)
    gates = [one.event.gate.value for one in records if isinstance(one.event, Opened)]
    assert gates == ["pre-flight", "backup", "content", "validation", "cleanup"]
    assert gates == [one.event.gate.value for one in records if isinstance(one.event, Closed)]
    schema = xmlschema.XMLSchema(STRICT)
    merged = log.parent / "junit.xml"
    for file in (merged, *(log.parent / "junit").glob("*.xml")):
        schema.validate(file)
    suites = list(JUnitXml.fromfile(str(merged)))
    assert [suite.name for suite in suites] == [f"aos-upgrade {gate}" for gate in gates]
    assert [suite.failures + suite.errors for suite in suites] == [0] * 5
    for bound_to in ("aos.session", "aos.sha256.plan", "aos.log.head"):
        assert merged.read_text().count(f'name="{bound_to}"') == 5
    ended = [getattr(one.event, "check", "") for one in records if one.event.kind == "ended"]
    assert "AOS-P013" in ended, "it applies where there is a plan, which there is not at first"


def test_nothing_in_the_target_or_around_it_opens_a_gate(trip: Trip) -> None:
    """Modules that shadow ours, a conftest that kills, wishes by environment: shut."""
    treason = "import os\nos._exit(0)\n"
    names = ("conftest", "sitecustomize", "usercustomize", "pytest", "pluggy", "aos_upgrade_plugin")
    for folder in (trip.project, trip.install):
        for name in names:
            (folder / f"{name}.py").write_text(treason)
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --co\n")
    trip.before = trip.tree()
    wishes = {"PYTEST_ADDOPTS": "--co", "PYTEST_PLUGINS": "conftest", "PYTHONOPTIMIZE": "2"}
    for command in ("check", "pre-flight"), ("run",):
        done = trip.call(*command, *trip.what, sabotage="fail@gate:pre-flight", **wishes)
        assert done.exit_code == 1, done.answer
        assert "sabotage in gate:pre-flight" in str(done.answer)
    assert trip.is_as_before()
    assert trip.run(**wishes).answer["status"] == "completed"
