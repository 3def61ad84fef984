"""Whole upgrades of the real product: content, server code and the process that runs it.

Needs what ``tests/real/environments.py`` says, beside a clone of github.com/honeyhiveai/praxis-os
that is named by AOS_REAL_PRAXIS_OS.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import read_state
from aos_upgrade_plugin.models.server import Servers, Site, Transport
from aos_upgrade_plugin.phases import search, serving
from aos_upgrade_plugin.phases.installation import find
from tests.effects.repositories import git
from tests.oddities import Snapshot, snapshot
from tests.phases.products import put
from tests.real.edits import Kind, edit
from tests.real.environments import build_index, make_environment
from tests.real.installations import PRAXIS_OS, clone_named_by, file_at, lay_down
from tests.real.judging import Judgement, judge
from tests.real.test_pairs import OURS_OR_MADE_AGAIN
from tests.real.test_runs import call, check_out_source, state

pytestmark = [pytest.mark.real, pytest.mark.network]

# Code that is gone or does not come together with the rest is no server any more.
_BREAK_A_SERVER = {Kind.REMOVED, Kind.REMOVED_CHANGED, Kind.LINKED, Kind.CONFLICTS}
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


def test_the_install_folder_is_renamed_while_its_server_runs(tmp_path: Path, project: Path) -> None:
    """8dbe22e serves as .agent-os, 925b10d as .praxis-os: by its own code each, there and back.

    With a configuration that names the old folder, and edits of content and code that git merges.
    """
    old, new = "8dbe22e", "925b10d"
    _install(old, project)
    kit = edit(clone_named_by(PRAXIS_OS), old, new, project / ".agent-os", but=_BREAK_A_SERVER)
    put(project, ".mcp.json", file_at(clone_named_by(PRAXIS_OS), old, ".cursor/mcp.json") or b"")
    site = _site(project)
    command = serving.recorded_command(site, Servers(), transport=Transport.HTTP)
    assert command is not None
    first = serving.start(site, command, log=tmp_path / "log", limit_s=_LONG_S)
    tools, before = _tools(project), _told(project)
    assert _serves_below(project) == ".agent-os"

    source = check_out_source(tmp_path / "source", new)
    what = ("--source", str(source), "--on-conflict", "merge", "--migrate", "all", *PATIENTLY)
    status, done = call(project, "run", *what)
    assert (status, done["status"]) == (0, "completed"), done
    assert done["server"]["new_pid"] not in {None, first.pid}
    assert not (project / ".agent-os").exists()
    assert _serves_below(project) == ".praxis-os"
    assert done["server"]["tools"] == _tools(project) == tools
    assert judge(kit, project / ".praxis-os", ()) == Judgement((), (), (), (), ())
    assert call(project, "run", *what)[1]["status"] == "nothing_to_do"

    status, back = call(project, "rollback")
    assert (status, back["status"]) == (0, "rolled_back"), back
    assert back["rollback"]["verified"]
    assert not (project / ".praxis-os").exists()
    assert _told(project) == before
    assert _serves_below(project) == ".agent-os"
    assert _tools(project) == tools


def _told(project: Path) -> Snapshot:
    """Return content, mode, links and times of all but packages and what is ours or made again.

    Scripts of the environment name the folder they are in, so they are written anew: no times.
    """
    left = {*OURS_OR_MADE_AGAIN, b"lib", b"__pycache__", b".mcp_server_state.json"}
    found = snapshot(project, leave_out=lambda path: os.path.basename(path) in left)
    return {
        path: told[:2] + told[3:] if b"/venv/" in path else told for path, told in found.items()
    }


def _serves_below(project: Path) -> str:
    """Return the folder whose environment runs the one server, which finds what stands there."""
    site = _site(project)
    (server,), told = serving.look(site).running, read_state(site)
    known = search.pick_known_answers(site, search.STANDARDS)
    assert told is not None
    assert told.url is not None
    said = probe(told.url, limit_s=_LONG_S, calls=[search.question(each) for each in known])
    assert search.why_search_failed(known, said.answers) is None
    return Path(server.arguments[0]).relative_to(project).parts[0]
