"""What has to hold after whatever happened to a run."""

from collections.abc import Iterator
from pathlib import Path

import xmlschema

from aos_upgrade_plugin.effects.gate.event_log import verify
from aos_upgrade_plugin.models.event import Opened
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.run import EVENTS
from tests.journeys.trips import Trip

_STRICT = xmlschema.XMLSchema(Path(__file__).parents[1] / "data" / "jenkins-xunit.xsd")
_RESIDUE = (
    ".venv-stage",
    ".backups/.*",
    ".upgrades/*/transactions",
    ".upgrades/*/reserve",
    ".upgrades/**/*.tmp",
    "state/workflows/*.next.json",
)


def assert_over(trip: Trip) -> None:
    """Nobody holds the lock, nothing waits, nothing is left over, and the evidence is whole."""
    status = trip.status()
    assert status.lock is None
    assert status.transactions == ()
    assert not any(view.interrupted or view.problem for view in status.sessions)
    assert sorted(residue(trip)) == []
    assert_evidence(trip)


def residue(trip: Trip) -> Iterator[str]:
    """Find what a run may leave only while it waits to be resumed or rolled back."""
    for pattern in _RESIDUE:
        yield from (str(path.relative_to(trip.install)) for path in trip.install.glob(pattern))


def assert_evidence(trip: Trip) -> None:
    """The log is unbroken, and each gate that it tells of has its JUnit XML, fit for anybody."""
    evidence = trip.run_folder / "evidence"
    for gate in gates_opened(evidence):
        _STRICT.validate(str(evidence / "junit" / f"{gate}.xml"))
    _STRICT.validate(str(evidence / "junit.xml"))


def gates_opened(evidence: Path) -> list[Gate]:
    """Return the gates that were asked, in their order."""
    events = (record.event for record in verify(evidence / EVENTS))
    return [event.gate for event in events if isinstance(event, Opened)]
