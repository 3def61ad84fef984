"""Whole upgrades of the real product: content, server code and the process that runs it.

Needs what ``tests/real/environments.py`` says, beside a clone of github.com/honeyhiveai/praxis-os
that is named by AOS_REAL_PRAXIS_OS.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import read_state
from aos_upgrade_plugin.models.server import Servers, Site, Transport
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.installation import find
from tests.effects.repositories import git
from tests.real.environments import build_index, make_environment
from tests.real.installations import PRAXIS_OS, clone_named_by, lay_down
from tests.real.test_runs import call, check_out_source, state

pytestmark = [pytest.mark.real, pytest.mark.network]

PATIENTLY = ("--restart-timeout", "120")
_LONG_S = 300.0


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """Offer a folder for a project; what serves there at the end is stopped."""
    clone_named_by(PRAXIS_OS)  # skips without one, before there is anything to stop
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "-q")
    yield folder
    for server in serving.look(_site(folder)).running:
        processes.stop(server.pid, born=server.born, grace_s=0)


def _install(commit: str, project: Path) -> None:
    """Install a commit with an environment of its time and an index of its content."""
    install = lay_down(clone_named_by(PRAXIS_OS), commit, project)
    make_environment(install)
    build_index(clone_named_by(PRAXIS_OS), commit, install)


def _site(project: Path) -> Site:
    found = find(project)
    return Site.of(install=found.path, project=found.project, layout=found.layout)


def _tools(project: Path) -> int:
    """Ask the server that runs, else one that is started over its pipes for this."""
    site = _site(project)
    servers, told = serving.look(site), read_state(site)
    endpoint = told.url if told and servers.running else None
    command = serving.recorded_command(site, servers, transport=Transport.STDIO)
    assert command is not None
    answer = probe(endpoint or command, limit_s=_LONG_S)
    assert answer.reached, answer.problem
    return len(answer.tools)


@pytest.mark.parametrize(
    ("old", "new", "tools"),
    [("845a154", "45421f3", (10, 10)), ("45421f3", "395aab3", (10, 11))],
)
def test_there_and_back_over_pipes(
    tmp_path: Path, project: Path, old: str, new: str, tools: tuple[int, int]
) -> None:
    """The old server knows pipes only: none is kept running, and the answer says how it was asked.

    Between the second pair the flag that chooses the transport becomes mandatory.
    """
    _install(old, project)
    source = check_out_source(tmp_path / "source", new)
    assert _tools(project) == tools[0]
    before = state(project)
    status, done = call(project, "run", "--source", str(source), *PATIENTLY)
    assert (status, done["status"]) == (0, "completed"), done
    assert "-m mcp_server" in done["server"]["asked"]
    assert ("--transport stdio" in done["server"]["asked"]) is (new == "395aab3")
    assert _tools(project) == tools[1]
    assert call(project, "run", "--source", str(source))[1]["status"] == "nothing_to_do"
    status, back = call(project, "rollback")
    assert (status, back["status"]) == (0, "rolled_back"), back
    assert back["rollback"]["verified"]
    assert state(project) == before
    assert _tools(project) == tools[0]


def test_a_server_that_runs_is_restarted_and_brought_back(tmp_path: Path, project: Path) -> None:
    """395aab3 knows HTTP: it is restarted for 4d4827b, fails there once, and comes back healthy."""
    _install("395aab3", project)
    site = _site(project)
    command = serving.recorded_command(site, Servers(), transport=Transport.HTTP)
    assert command is not None
    first = serving.start(site, command, log=tmp_path / "log", limit_s=_LONG_S)
    before = state(project)
    source = check_out_source(tmp_path / "source", "4d4827b")

    git(source, "checkout", "--quiet", "-b", "bad")
    code = source / "mcp_server/__main__.py"
    code.write_text(code.read_text().replace("\nimport ", "\nimport nothing_of_that_name, ", 1))
    git(source, "commit", "--quiet", "-am", "It does not start")
    status, done = call(project, "run", "--source", str(source), *PATIENTLY)
    assert (status, done["status"]) == (5, "rolled_back"), done
    assert "nothing_of_that_name" in " ".join(done["reasons"])
    assert done["rollback"]["verified"]
    assert state(project) == before
    assert _tools(project) == 11

    git(source, "checkout", "--quiet", "4d4827b")
    status, done = call(project, "run", "--source", str(source), *PATIENTLY)
    assert (status, done["status"]) == (0, "completed"), done
    assert done["server"]["new_pid"] not in {None, first.pid}
    assert done["server"]["tools"] == _tools(project) == 11
    status, back = call(project, "rollback")
    assert (status, back["status"]) == (0, "rolled_back"), back
    assert state(project) == before
    assert _tools(project) == 11
