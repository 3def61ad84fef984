"""The gate after going back: the server is as healthy as before, right and wrong."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.effects.environment.distributions import requirements
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.server import Servers, Site, Started
from aos_upgrade_plugin.models.service import ServerBefore, ServerNow
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.environment import environment_identity
from aos_upgrade_plugin.phases.installation import find
from tests.checks import gates

SERVER = tuple(f"AOS-R00{number}" for number in range(6, 10))


class World(NamedTuple):
    """An installation that was brought back and serves, as before."""

    site: Site
    started: Started
    before: ServerBefore
    backup: Path

    def judged(self, before: ServerBefore, server: ServerNow | None = None) -> gates.Judged:
        """Let the gate measure; the server is the one that was started."""
        return gates.run(
            Gate.ROLLBACK,
            self.site,
            *SERVER,
            backup=self.backup,
            server_before=before,
            server=server or gates.now(self.site, self.started),
        )


@pytest.fixture(scope="module")
def world(lay_shared_site: Callable[..., Site]) -> World:
    """Measure an installation, and write down what its environment holds."""
    site = lay_shared_site("1.1.0")
    gates.inconsistencies(site, "a-package", requires="packaging")
    backup = site.project.parent / "backup"
    backup.mkdir()
    (backup / "requirements-snapshot.txt").write_text(requirements(site.environment))
    started = gates.start(site)
    before = gates.before(
        gates.measured(site, started.url),
        restart=serving.recorded_command(site, Servers()),
        environment=environment_identity(find(site.install)),
    )
    return World(site, started, before, backup)


def test_all_as_before(world: World) -> None:
    """The same folder, a process of its own, the tools and the search of before."""
    done = world.judged(world.before)
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(SERVER, "passed")
    assert done.facts["environment_is_the_same_folder"] is True


def test_an_environment_that_was_made_again(world: World) -> None:
    """Another folder is as good where it holds the packages of the backup's list, and no other."""
    environment = world.before.environment
    assert environment is not None
    other = world.before.model_copy(
        update={"environment": environment.model_copy(update={"inode": 1})}
    )
    done = world.judged(other)
    assert done.opens, done.said
    assert done.facts["environment_is_the_same_folder"] is False
    snapshot = world.backup / "requirements-snapshot.txt"
    listed = snapshot.read_text()
    snapshot.write_text(f"{listed}teapot==1.0\n")
    done = world.judged(other)
    snapshot.write_text(listed)
    assert not done.opens
    assert "removed teapot 1.0" in done.said["AOS-R006"]


def test_a_server_that_is_not_as_before(world: World) -> None:
    """It lost a tool, its search fell silent, and who answers is a stranger."""
    assert world.before.measured is not None
    probe = world.before.measured.probe
    lost = world.before.measured.model_copy(
        update={"probe": probe.model_copy(update={"tools": (*probe.tools, "brew_tea")})}
    )
    (world.site.install / "standards").rename(world.site.install / "standards.away")
    (world.site.install / "standards").mkdir()
    try:
        done = world.judged(world.before.model_copy(update={"measured": lost}))
    finally:
        (world.site.install / "standards").rmdir()
        (world.site.install / "standards.away").rename(world.site.install / "standards")
    assert not done.opens
    assert done.said["AOS-R008"] == "missing: brew_tea"
    assert done.ended["AOS-R009"] == "failed"


def test_a_server_that_does_not_run(world: World) -> None:
    """One ran before, so one has to run now."""
    nobody = gates.now(world.site, world.started, endpoint="http://127.0.0.1:1/mcp")
    done = world.judged(world.before, nobody)
    assert not done.opens
    assert {done.ended[name] for name in SERVER[1:]} == {"failed"}
    over_pipes = gates.now(world.site, world.started, endpoint=gates.over_pipes(world.site))
    assert "one was before" in world.judged(world.before, over_pipes).said["AOS-R007"]


def test_what_was_not_there_before_is_not_asked_for(world: World) -> None:
    """No server ran, none answered: nothing has to; and nothing where the run came not so far."""
    done = world.judged(ServerBefore())
    assert done.ended == {}
    assert {*done.not_planned} == {*SERVER}
    untouched = gates.run(Gate.ROLLBACK, world.site, *SERVER, server_before=world.before)
    assert {*untouched.not_planned.values()} == {"the run had not touched the server"}
