"""The server upgraded without its content, and the product's own spelling of the content alone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aos_upgrade_plugin.sample import variants
from tests.journeys.trips import _MAIN, Trip
from tests.journeys.whole_trips import NEW_TOOLS, OLD_TOOLS, WholeTrip

pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.fixture
def trip(tmp_path: Path) -> Iterator[WholeTrip]:
    """Return a project whose installation has an environment; its server is stopped at last."""
    whole = WholeTrip(tmp_path, saboteur=False)
    yield whole
    whole.stop()


@pytest.mark.measured
def test_the_server_alone_is_upgraded_and_taken_back(trip: WholeTrip) -> None:
    """New code in a new process, content as it was; later all of it goes back."""
    trip.serve()
    done = trip.run("--only", "server")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert trip.tools() == NEW_TOOLS
    assert trip.is_as_planned()
    changed = {path for path, entry in trip.tree().items() if trip.before.get(path) != entry}
    written = {"UPDATE_LOG.txt", "INSTALLATION_SUMMARY.md"}
    assert {path.partition("/")[0] for path in changed} == {"mcp_server", "scripts", *written}
    assert [phase["number"] for phase in done.answer["phases"]] == [0, 1, 3, 4, 5]
    assert "only the server" in (trip.install / "UPDATE_LOG.txt").read_text()
    again = trip.run("--only", "server")
    assert again.answer["status"] == "nothing_to_do"
    back = trip.call("rollback")
    assert (back.exit_code, back.answer["status"]) == (0, "rolled_back"), back.said
    assert trip.is_as_before()
    assert trip.tools() == OLD_TOOLS


def test_the_spelling_of_the_products_script(tmp_path: Path) -> None:
    """Its flags do what they say, and one line says what is done otherwise."""
    trip = Trip(tmp_path, saboteur=False)
    flags = ("safe-upgrade", "--source", str(trip.source), "--target", ".praxis-os")
    dry = trip.call(*flags, "--dry-run")
    assert (dry.exit_code, dry.answer["status"]) == (0, "planned"), dry.said
    assert trip.is_as_before()
    variants.edit(trip.install, variants.CHANGED)
    asked = trip.call(*flags, "--yes")
    assert (asked.exit_code, asked.answer["status"]) == (3, "needs_decision")
    assert "note: --yes" in asked.said
    done = subprocess.run(
        [trip.python, "-c", _MAIN, *flags, "--on-conflict", "keep"],
        cwd=trip.project,
        env=trip.surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Files added:     5" in done.stdout
    assert "Our team also" in (trip.install / variants.CHANGED).read_text()
