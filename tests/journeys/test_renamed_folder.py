"""The install folder under another name: all of it follows, and all of it goes back."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from aos_upgrade_plugin.sample.source import git
from tests.journeys.whole_trips import NEW_TOOLS, OLD_TOOLS, WholeTrip

pytestmark = pytest.mark.usefixtures("unmeasured")

CLIENTS = (".mcp.json", ".cursor/mcp.json")
OLD, NEW = ".agent-os", ".praxis-os"


class RenamingTrip(WholeTrip):
    """A trip from the generation with the old name to the one with the new."""

    def __init__(self, folder: Path, *, environment: bool = True) -> None:
        """Lay the old one down, with something of the user's beside each thing that changes."""
        super().__init__(folder, version="0.9.0", environment=environment)
        for name in CLIENTS:
            path = self.project / name
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
        with (self.project / ".gitignore").open("a") as file:
            file.write(f"# {OLD}/ is ours\n!{OLD}/config.json\n{OLD}.backup.*\n")
        self.beside = self.outside()
        self.before = self.tree()

    def outside(self) -> dict[str, bytes]:
        """Return what stands beside the install folder, and what an environment says of itself."""
        files = {name: (self.project / name).read_bytes() for name in (*CLIENTS, ".gitignore")}
        (install,) = (self.project / name for name in (OLD, NEW) if (self.project / name).is_dir())
        told = install / "venv/pyvenv.cfg"
        return {**files, "pyvenv.cfg": told.read_bytes() if told.exists() else b""}

    def commit(self) -> None:
        """Put everything under git but what a server removes, and stage a file of the user's."""
        git(self.project, "init", "--quiet")
        git(self.project, "add", "--all", "--", ".", f":!{OLD}/standards/.rebuild_index")
        for key, value in (("user.name", "A User"), ("user.email", "user@example.org")):
            git(self.project, "config", key, value)
        git(self.project, "commit", "--quiet", "-m", "before")
        (self.project / "mine.txt").write_text("staged by the user\n")
        git(self.project, "add", "mine.txt")

    def is_committed(self) -> bool:
        """Say whether git knows all of it by the new name, and nothing else changed for git."""
        listed = git(self.project, "ls-tree", "-r", "--name-only", "HEAD").decode().split("\n")
        wanted = {f"{NEW}/standards/universal/ai-safety/git-safety.md", *CLIENTS, ".gitignore"}
        alien = [path for path in listed if path.startswith(f"{OLD}/") or path == "mine.txt"]
        status = git(self.project, "status", "--porcelain")
        return wanted <= {*listed} and not alien and status == b"A  mine.txt\n"

    def is_back(self) -> bool:
        """Say whether everything is as it was, under the old name."""
        there = not (self.project / NEW).exists() and self.outside() == self.beside
        return there and self.tree() == self.before


@pytest.fixture
def trip(tmp_path: Path) -> Iterator[RenamingTrip]:
    """Return a project with the old generation; its server is stopped at last."""
    renaming = RenamingTrip(tmp_path)
    yield renaming
    renaming.stop()


@pytest.mark.measured
def test_everything_follows_the_new_name_and_goes_back(trip: RenamingTrip) -> None:
    """Asked for first; then control data, configurations, server and sessions are at the new.

    With ``--git-commit`` the project's repository knows it by that name, too.
    """
    trip.commit()
    trip.serve()
    asked = trip.run()
    assert (asked.exit_code, asked.answer["status"]) == (3, "needs_decision"), asked.said
    assert "--migrate install-folder" in asked.answer["cure"]
    assert trip.is_back()
    lock = trip.call("backups", "create")
    assert lock.exit_code == 0
    inode = os.stat(trip.install / ".upgrade-lock").st_ino
    done = trip.run("--migrate", "install-folder", "--git-commit")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.answer
    assert trip.is_committed()
    assert not (trip.project / OLD).exists()
    assert os.stat(trip.project / NEW / ".upgrade-lock").st_ino == inode
    assert trip.tools() == NEW_TOOLS
    for name, before in trip.beside.items():
        after = trip.outside()[name]
        if name == ".gitignore":
            assert after.startswith(
                before.replace(b"\n.agent-os/", b"\n.praxis-os/").replace(b"!.agent", b"!.praxis")
            )
        elif name != "pyvenv.cfg":
            assert after == before.replace(b".agent-os", b".praxis-os")
    config = json.loads((trip.project / NEW / "config.json").read_bytes())
    assert config["rag"]["standards_path"] == f"{NEW}/standards"
    again = trip.run()
    assert (again.exit_code, again.answer["status"]) == (0, "nothing_to_do"), again.answer
    back = trip.call("rollback")
    assert (back.exit_code, back.answer["status"]) == (0, "rolled_back"), back.said
    assert trip.is_back()
    assert trip.tools() == OLD_TOOLS


@pytest.mark.parametrize(
    "then", [pytest.param("resume", marks=pytest.mark.faults_full), "rollback"]
)
def test_killed_under_the_new_name_it_goes_on_or_back(tmp_path: Path, then: str) -> None:
    """Whoever comes next finds the journal where the folder is now."""
    trip = RenamingTrip(tmp_path, environment=False)
    with trip.paused("hang@gate:server", "run", *trip.what, "--migrate", "all") as (process, _):
        assert (trip.project / NEW).is_dir()
        process.send_signal(signal.SIGKILL)
        process.wait()
    done = trip.call(then)
    status = {"resume": "completed", "rollback": "rolled_back"}[then]
    assert (done.exit_code, done.answer["status"]) == (0, status), done.said
    assert trip.is_back() is (then == "rollback")
    assert (trip.project / OLD).exists() is (then == "rollback")


@pytest.mark.faults_full
def test_the_restart_can_be_left_to_the_user(trip: RenamingTrip) -> None:
    """The old server is to be stopped first, and the new name stands before one is started.

    Going back from there gives the old name back, and starts what ran.
    """
    old = trip.serve()
    done = trip.run("--migrate", "install-folder", "--no-auto-restart")
    assert (done.exit_code, done.answer["status"]) == (3, "paused"), done.said
    assert f"stop the server first (process {old.pid})" in done.answer["reasons"][0]
    assert trip.serving == old.pid
    assert trip.call("resume").exit_code == 3
    assert not (trip.project / NEW).exists()
    trip.stop()
    done = trip.call("resume")
    assert (done.exit_code, done.answer["status"]) == (3, "paused"), done.said
    assert not (trip.project / OLD).exists()
    assert "-m mcp_server --transport http" in done.answer["reasons"][0]
    assert f"{NEW}/venv" in done.answer["reasons"][0]
    assert OLD not in done.answer["reasons"][0]
    by_hand = trip.serve()
    done = trip.call("resume")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert trip.serving == by_hand.pid
    assert trip.tools() == NEW_TOOLS


@pytest.mark.faults_full
@pytest.mark.parametrize("stopped", [False, True], ids=["before-the-stop", "under-the-new-name"])
def test_left_to_the_user_it_can_be_taken_back(trip: RenamingTrip, stopped: bool) -> None:
    """Wherever the run waits, the old name and the old server are back."""
    old = trip.serve()
    assert trip.run("--migrate", "install-folder", "--no-auto-restart").exit_code == 3
    if stopped:
        trip.stop()
        assert trip.call("resume").exit_code == 3
    back = trip.call("rollback")
    assert (back.exit_code, back.answer["status"]) == (0, "rolled_back"), back.said
    assert trip.is_back()
    assert trip.tools() == OLD_TOOLS
    assert (trip.serving == old.pid) is not stopped
