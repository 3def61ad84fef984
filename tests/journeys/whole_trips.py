"""Whole upgrades: an installation with an environment and a server that runs."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import read_state
from aos_upgrade_plugin.models.server import Servers, Site, Started, Transport
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.sample import Environment
from aos_upgrade_plugin.sample.environment import make_environment
from aos_upgrade_plugin.sample.source import git
from tests.journeys.trips import Done, Trip

OLD_TOOLS = {"search_standards", "pos_workflow", "get_server_info", "current_date"}
NEW_TOOLS = OLD_TOOLS | {"read_standard"}
_LONG_S = 120.0


class WholeTrip(Trip):
    """A trip whose installation has an environment; :meth:`serve` starts its server."""

    def __init__(
        self,
        folder: Path,
        *,
        saboteur: bool = True,
        environment: bool = True,
        own_source: bool = False,
        version: str = "1.0.0",
    ) -> None:
        """Lay everything down. The environment imports what the tests can import."""
        super().__init__(folder, saboteur=saboteur, own_source=own_source, version=version)
        if environment:
            make_environment(self.install, Environment.SHARED)

    @property
    def what(self) -> tuple[str, ...]:
        """The upgrade that is meant: all of it."""
        return ("--source", str(self.source))

    @property
    def site(self) -> Site:
        """Where the server and what belongs to it lie."""
        found = find(self.project)
        return Site.of(install=found.path, project=found.project, layout=found.layout)

    def offer(self, version: str) -> None:
        """Put the source at a version."""
        git(self.source, "checkout", "--quiet", version)

    def add_to_source(self, path: str) -> None:
        """Commit one more file, empty, to what the source is at."""
        (self.source / path).parent.mkdir(exist_ok=True)
        (self.source / path).touch()
        git(self.source, "add", path)
        who = ("-c", "user.name=A Tester", "-c", "user.email=tester@example.org")
        git(self.source, *who, "commit", "--quiet", "-m", f"Add {path}")

    def serve(self) -> Started:
        """Start the server as people do."""
        command = serving.recorded_command(self.site, Servers(), transport=Transport.HTTP)
        assert command is not None
        return serving.start(self.site, command, log=self.folder / "server.log", limit_s=_LONG_S)

    @property
    def serving(self) -> int | None:
        """The one process that serves over HTTP; nothing where none does."""
        found = [each.pid for each in serving.look(self.site).running if each.may_be_stopped]
        assert len(found) <= 1, found
        return found[0] if found else None

    def tools(self) -> set[str]:
        """Ask the server that runs for its tools."""
        state = read_state(self.site)
        assert state is not None
        assert state.pid == self.serving
        answer = probe(str(state.url), limit_s=_LONG_S)
        assert answer.problem is None
        return set(answer.tools)

    def expected_tools(self, done: Done) -> set[str] | None:
        """Return what the new code said of its tools when a run started it beside."""
        told = self.install / ".upgrades" / done.answer["session_id"] / "server.json"
        tools = json.loads(told.read_bytes())["expected_tools"]
        return None if tools is None else set(tools)

    def stop(self) -> None:
        """Stop whatever serves."""
        for server in serving.look(self.site).running:
            processes.stop(server.pid, born=server.born, grace_s=0)


@contextmanager
def by_an_editor(trip: WholeTrip) -> "Iterator[subprocess.Popen[bytes]]":
    """Start the server as an editor does: over its pipes, which only the editor has."""
    command = serving.recorded_command(trip.site, Servers(), transport=Transport.STDIO)
    assert command is not None
    with subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env=trip.surroundings(**command.variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as editor:
        yield editor
        editor.kill()
