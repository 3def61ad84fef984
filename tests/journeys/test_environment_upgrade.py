"""Whole upgrades that bring another environment: real installers, with packages of our own."""

import os
import shutil
import signal
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment.distributions import requirements
from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.sample import Source, lay_down
from aos_upgrade_plugin.sample.source import git
from tests.effects.environments import Told, lay_down_environment, tell
from tests.effects.wheels import Wheel, put_pointer, put_source
from tests.journeys.whole_trips import NEW_TOOLS, OLD_TOOLS, WholeTrip

pytestmark = pytest.mark.usefixtures("unmeasured")

_PATIENCE_S = 120.0


class EnvironmentTrip(WholeTrip):
    """A trip whose source asks for a newer package than the environment has."""

    def __init__(self, folder: Path, wheels: Path) -> None:
        """Lay down ``alpha`` 1.0, and the SDK by a pointer; the new version wants more."""
        super().__init__(folder, environment=False)
        self.hangs_while = folder / "hangs"
        put_pointer(wheels, "mcp", "2.0", leads_to=Path(sysconfig.get_path("purelib")))
        for version in ("1.0", "2.0"):
            Wheel("alpha", version).put(wheels)
        put_source(wheels, "slow", "1.0", hangs_while=self.hangs_while)
        lay_down_environment(self.install / "venv", "mcp==2.0", "alpha==1.0")
        self.ask_for("alpha>=1.5")

    def ask_for(self, *lines: str) -> None:
        """Commit what the new version asks for."""
        asked = self.source / "mcp_server/requirements.txt"
        asked.write_text("".join(f"{line}\n" for line in ("mcp>=2,<3", *lines)))
        who = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org")
        git(self.source, *who, "commit", "--quiet", "--all", "--message=Ask for more")

    @property
    def packages(self) -> list[str]:
        """What is installed."""
        return requirements(self.install / "venv").split()


@pytest.fixture
def trip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EnvironmentTrip]:
    """Return a project whose server runs in an environment of its own."""
    wheels = tmp_path / "wheels"
    tell(monkeypatch, Told.PIP, wheels)
    whole = EnvironmentTrip(tmp_path, wheels)
    whole.serve()
    yield whole
    whole.stop()


@pytest.mark.measured
def test_packages_come_and_go_back_with_the_server(trip: EnvironmentTrip) -> None:
    """Shown before, exchanged with the server stopped; taken back later from the backup's list."""
    planned = trip.call("plan", *trip.what).answer["environment"]
    assert [each["name"] for each in planned["changes"]] == ["alpha"]
    assert planned["changes"][0]["jump"]
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert done.answer["server"]["packages"] == ["upgraded alpha 1.0 → 2.0 (major jump)"]
    assert (trip.packages, trip.tools()) == (["alpha==2.0", "mcp==2.0"], NEW_TOOLS)
    assert not (trip.install / ".venv-stage").exists()
    back = trip.call("rollback")
    assert (back.exit_code, back.answer["status"]) == (0, "rolled_back"), back.said
    assert (trip.packages, trip.tools()) == (["alpha==1.0", "mcp==2.0"], OLD_TOOLS)
    assert trip.is_as_before()


def test_the_very_same_environment_is_back_after_a_failure(trip: EnvironmentTrip) -> None:
    """Before the upgrade is for good, going back is one exchange."""
    inode = (trip.install / "venv").stat().st_ino
    done = trip.run(sabotage="fail@gate:validation")
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back"), done.said
    assert (trip.install / "venv").stat().st_ino == inode
    assert trip.tools() == OLD_TOOLS
    assert trip.is_as_before()
    assert not (trip.install / ".venv-stage").exists()


@pytest.mark.measured
def test_what_cannot_be_had_is_said_before_anything_changes(trip: EnvironmentTrip) -> None:
    """Planning names the package; nothing was begun."""
    trip.ask_for("never-published")
    done = trip.run()
    assert done.exit_code == 1
    assert "never-published" in done.answer["error"]["message"]
    assert trip.is_as_before()
    assert trip.backups == []


@contextmanager
def _installing(trip: EnvironmentTrip) -> Iterator["subprocess.Popen[str]"]:
    """Run up to where an installer builds a package, which it does until it is let or killed."""
    trip.ask_for("alpha>=1.5", "slow")
    plan = trip.folder / "plan.json"
    assert trip.call("plan", *trip.what, "--out", str(plan)).exit_code == 0
    trip.hangs_while.touch()
    with trip.start("run", "--plan", str(plan)) as process:
        give_up_at = time.monotonic() + _PATIENCE_S
        while not trip.hangs_while.with_suffix(".building").exists():
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        yield process


@pytest.mark.parametrize(
    ("then", "status", "package"),
    [
        pytest.param("resume", "completed", "slow==1.0", marks=pytest.mark.faults_full),
        pytest.param("rollback", "rolled_back", "alpha==1.0", marks=pytest.mark.faults_full),
    ],
)
def test_killed_while_packages_are_installed_it_goes_on_or_back(
    trip: EnvironmentTrip, then: str, status: str, package: str
) -> None:
    """The old server never stopped; the orphaned installer holds the lock until it ends."""
    pid = trip.serving
    with _installing(trip) as process:
        process.kill()
        process.communicate()
    assert trip.serving == pid
    trip.hangs_while.unlink()
    give_up_at = time.monotonic() + _PATIENCE_S
    while (done := trip.call(then)).exit_code == 4 and time.monotonic() < give_up_at:
        time.sleep(0.2)
    assert (done.exit_code, done.answer["status"]) == (0, status), done.said
    assert package in trip.packages
    assert trip.is_as_before() is (then == "rollback")
    assert trip.tools() == (OLD_TOOLS if then == "rollback" else NEW_TOOLS)
    assert not (trip.install / ".venv-stage").exists()


def test_a_killed_installer_changes_nothing(trip: EnvironmentTrip) -> None:
    """The phase fails and goes back, and the old server never stopped."""
    pid = trip.serving
    with _installing(trip) as process:
        for installer in processes.running(str(trip.install / ".venv-stage")):
            os.kill(installer.pid, signal.SIGKILL)
        trip.hangs_while.unlink()
        process.communicate()
    assert process.returncode == 5
    assert trip.serving == pid
    assert trip.is_as_before()


@pytest.mark.faults_full
def test_an_environment_alone_is_brought_up_to_date(trip: EnvironmentTrip) -> None:
    """A fresh installation of the same commit has neither version nor log, and gets none."""
    for folder in ("standards/universal", "workflows", "mcp_server", "scripts"):
        shutil.rmtree(trip.install / folder)
    lay_down(Source(trip.source, {"now": "HEAD"}), "now", trip.project)
    before = trip.tree()
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), (done.answer, done.said)
    assert trip.packages == ["alpha==2.0", "mcp==2.0"]
    assert trip.tree() == before
