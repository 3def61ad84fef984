"""The sample's server: what each version does, well or badly."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable

import pytest

from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import read_state
from aos_upgrade_plugin.models.server import (
    Probe,
    Servers,
    Site,
    StartCommand,
    ToolCall,
    Transport,
)
from aos_upgrade_plugin.phases import search, serving
from aos_upgrade_plugin.sample import variants

LaySite = Callable[..., Site]
FIRST = {"search_standards", "pos_workflow", "get_server_info", "current_date"}
LATER = FIRST | {"read_standard"}
LONG_S = 120.0
"""Nothing waits that long unless something is broken."""


def _command(site: Site, transport: Transport) -> StartCommand:
    command = serving.recorded_command(site, Servers(), transport=transport)
    assert command is not None
    return command


def _ask(site: Site, *calls: ToolCall) -> Probe:
    """Start the server over stdio, ask it, stop it."""
    answer = probe(_command(site, Transport.STDIO), limit_s=LONG_S, calls=calls)
    assert answer.problem is None
    return answer


def _why_search_failed(site: Site) -> str | None:
    answers = search.pick_known_answers(site, ["standards"])
    assert answers
    asked = _ask(site, *map(search.question, answers))
    return search.why_search_failed(answers, asked.answers)


@pytest.mark.parametrize(
    ("version", "tools"),
    [
        ("0.8.0", FIRST),
        ("0.9.0", FIRST),
        ("1.0.0", FIRST),
        ("1.1.0", LATER),
        ("1.2.0", LATER),
        ("lost-tool", LATER - {"current_date"}),
        ("silent-search", LATER),
    ],
)
def test_every_version_has_its_tools(lay_site: LaySite, version: str, tools: set[str]) -> None:
    """A tool comes with 1.1.0, and the one that is lost is lost."""
    listed = _ask(lay_site(version))
    assert set(listed.tools) == tools
    assert listed.version == (version if version[0].isdigit() else "1.3.0")


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "1.2.0", "lost-tool"])
def test_the_search_asks_its_index(lay_site: LaySite, version: str) -> None:
    """A sentence of the standards finds the standard it stands in."""
    assert _why_search_failed(lay_site(version)) is None


def test_the_silent_search_is_caught(lay_site: LaySite) -> None:
    """It starts, lists its tools, answers, calls itself a search, and asks no index."""
    site = lay_site("silent-search")
    question = ToolCall(tool="search_standards", arguments={"query": "a server that is asked"})
    (said,) = _ask(site, question).answers
    assert isinstance(said.content, dict)
    assert said.content["retrieval_method"] == "vector"
    assert "the server's own data" in str(_why_search_failed(site))


def test_the_version_that_does_not_start_says_why(lay_site: LaySite) -> None:
    """A module was forgotten."""
    answer = probe(_command(lay_site("bad-start"), Transport.STDIO), limit_s=LONG_S)
    assert "No module named 'mcp_server.metrics'" in str(answer.problem)


def test_workflows_are_listed_newest_first(lay_site: LaySite) -> None:
    """1.2.0 sorts by version, with its new requirement; the user's own is among them."""
    site = lay_site("1.2.0")
    variants.add_user_workflow(site.install)
    listing = ToolCall(tool="pos_workflow", arguments={"action": "list_workflows"})
    unknown = ToolCall(tool="pos_workflow", arguments={"action": "dance"})
    listed, refused = (each.content for each in _ask(site, listing, unknown).answers)
    assert isinstance(listed, dict)
    versions = [each["version"] for each in listed["workflows"]]  # type: ignore[index, call-overload, union-attr]  # JSON
    assert versions == ["1.1.0", "1.1.0", "1.0.0", "0.1.0"]
    assert isinstance(refused, dict)
    assert refused["valid_actions"] == ["list_workflows"]


def test_a_standard_is_read_as_a_whole(lay_site: LaySite) -> None:
    """By the name under which the search finds it, and by no other path."""
    site = lay_site("1.1.0")
    calls = [
        ToolCall(tool="read_standard", arguments={"file": file})
        for file in ("universal/security/secrets.md", "../config.json")
    ]
    found, refused = (each.content for each in _ask(site, *calls).answers)
    assert isinstance(found, dict)
    assert str(found["content"]).startswith("# Secrets")
    assert isinstance(refused, dict)
    assert refused["status"] == "error"


def test_a_new_standard_is_found_while_it_runs(lay_site: LaySite) -> None:
    """The watcher builds the index anew."""
    site = lay_site("1.1.0")
    started = serving.start(
        site, _command(site, Transport.HTTP), log=site.install / ".cache/log", limit_s=LONG_S
    )
    (site.install / "standards/development").joinpath("ships.md").write_text(
        "# Ships\n\nA frigate never enters the harbour under full sail.\n"
    )
    query = ToolCall(tool="search_standards", arguments={"query": "frigate harbour"})
    deadline = time.monotonic() + LONG_S
    while "ships.md" not in json.dumps(
        probe(started.url, limit_s=LONG_S, calls=[query]).answers[0].content
    ):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_dual_server_talks_both_ways_and_ends_with_its_client(lay_site: LaySite) -> None:
    """The client at its pipes decides; an ordinary end takes the state file along."""
    site = lay_site("1.1.0")
    command = _command(site, Transport.DUAL)
    with subprocess.Popen(
        command.arguments,
        cwd=command.folder,
        env={**os.environ, **command.variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        deadline = time.monotonic() + LONG_S
        while (state := read_state(site)) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert (state.pid, state.transport) == (server.pid, Transport.DUAL)
        assert stat.S_IMODE(site.state_file.stat().st_mode) == 0o600
        assert state.url is not None
        assert probe(state.url, limit_s=LONG_S).reached
    assert server.returncode == 0
    assert not site.state_file.exists()


def test_a_terminated_server_leaves_its_state_behind(lay_site: LaySite) -> None:
    """As the real one does."""
    site = lay_site("1.0.0")
    started = serving.start(
        site, _command(site, Transport.HTTP), log=site.install / ".cache/log", limit_s=LONG_S
    )
    os.kill(started.pid, signal.SIGTERM)
    while serving.look(site) != Servers():
        time.sleep(0.02)
    state = read_state(site)
    assert state is not None
    assert state.pid == started.pid


@pytest.mark.parametrize(
    ("config", "because"),
    [
        ('{"rag": {"standards_path": ".agent-os/standards"}}', "there is no folder"),
        ("{", "config.json is no JSON"),
    ],
    ids=["old-path", "broken"],
)
def test_a_wrong_configuration_stops_it(lay_site: LaySite, config: str, because: str) -> None:
    """As in the real product, old paths in the user's file keep the server from starting."""
    site = lay_site("1.0.0")
    (site.install / "config.json").write_text(config)
    answer = probe(_command(site, Transport.STDIO), limit_s=LONG_S)
    assert because in str(answer.problem)


def test_a_good_configuration_is_followed(lay_site: LaySite) -> None:
    """Its paths are the ones that are read and written."""
    site = lay_site("1.0.0")
    variants.configure(site.install)
    config = site.install / "config.json"
    config.write_text(config.read_text().replace(".cache/vector_index", ".cache/elsewhere"))
    _ask(site)
    assert (site.install / ".cache/elsewhere/standards.jsonl").is_file()


def test_the_index_can_be_built_without_the_server(lay_site: LaySite) -> None:
    """The script in the installation does it."""
    site = lay_site("1.1.0")
    command = _command(site, Transport.STDIO)
    subprocess.run(
        [command.arguments[0], site.install / "scripts/build_rag_index.py"],
        cwd=site.project,
        env={**os.environ, **command.variables},
        check=True,
    )
    assert (site.index_folder / "standards.jsonl").is_file()


def test_no_known_answer_is_no_proof(lay_site: LaySite) -> None:
    """Where there is nothing to ask for, nothing was proven."""
    site = lay_site("1.0.0")
    answers = search.pick_known_answers(site, ["specs"])
    assert answers == ()
    assert search.why_search_failed(answers, ()) == "there is no sentence to search for"
