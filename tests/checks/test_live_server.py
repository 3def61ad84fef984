"""The gate of phase 4: what a live server does, right and wrong, with real servers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.server import Site, Started
from aos_upgrade_plugin.models.service import Measured
from tests.checks import gates

STANDARD = "standards/universal/security/secrets.md"
LIVE = tuple(f"AOS-V{number:03}" for number in range(3, 11))


class World(NamedTuple):
    """An installation of 1.2.0 that serves."""

    site: Site
    started: Started
    measured: Measured


@pytest.fixture(scope="module")
def world(lay_shared_site: Callable[..., Site]) -> World:
    """Start it once for all tests."""
    site = lay_shared_site("1.2.0", project="good")
    started = gates.start(site)
    return World(site, started, gates.measured(site, started.url))


def test_a_good_server(world: World) -> None:
    """Everything is proven, and the evidence of the phase can be filled from it."""
    site, started, measured = world
    done = gates.run(
        Gate.VALIDATION,
        site,
        plan=gates.plan_of(site, gates.change(site, STANDARD)),
        server_before=gates.before(measured),
        server=gates.now(site, started, expected_tools=started.probe.tools),
        limit_s=gates.LONG_S,
    )
    assert done.opens, done.said
    assert {*done.ended.values()} == {"passed"}
    assert {*done.not_planned} == {"AOS-V007", "AOS-V011", "AOS-V012"}
    proven = {
        "server_version": "1.2.0",
        "tools_registered": 5,
        "expected_tools": 5,
        "rag_search_test": "passed",
        "workflow_engine_test": "passed",
        "rag_index_current": True,
        "log_errors": 0,
    }
    assert proven.items() <= done.facts.items()
    assert {"handshake_s", "list_tools_s", "search_s"} <= done.facts.keys()


def test_a_server_that_lost_what_it_had(lay_site: Callable[..., Site], world: World) -> None:
    """Missing, unexpected and lost tools are named, so are workflows and errors in the log."""
    site = lay_site("lost-tool")
    lists = site.install / "mcp_server/tools/workflow.py"
    lists.write_text(lists.read_text().replace('"*/metadata', '"[a-d]*/metadata'))
    never_listed = site.install / "workflows/stock_take_v1/metadata.json"
    never_listed.parent.mkdir()
    never_listed.write_text("{")
    started = gates.start(site)
    log = gates.log_of(site)
    began_bytes = log.stat().st_size
    with log.open("a") as written:
        written.write("12:00:01 [ERROR] mcp_server: the kettle is empty\n")
    expected = {*world.started.probe.tools, "brew_tea"} - {"get_server_info"}
    done = gates.run(
        Gate.VALIDATION,
        site,
        *LIVE,
        server_before=gates.before(world.measured),
        server=gates.now(
            site, started, expected_tools=sorted(expected), log_from_bytes=began_bytes
        ),
    )
    assert not done.opens
    assert done.said["AOS-V004"] == "missing: brew_tea, current_date"
    assert done.facts["unexpected_tools"] == ["get_server_info"]
    assert done.said["AOS-V005"] == "gone: current_date"
    assert done.said["AOS-V009"] == "not listed: release_notes_v1"
    assert done.facts["workflows_passed_over_before_too"] == ["stock_take_v1"]
    assert "the kettle is empty" in done.said["AOS-V010"]
    assert done.ended["AOS-V003"] == done.ended["AOS-V006"] == "passed"
    assert "no new sentence" in done.not_planned["AOS-V008"]


def test_a_search_that_silently_falls_back(lay_site: Callable[..., Site], world: World) -> None:
    """It shuts the gate where the search worked before, and is a finding where it did not."""
    site = lay_site("silent-search")
    server = gates.now(site, gates.start(site))
    broken = world.measured.model_copy(update={"search_problem": "it never\nworked"})
    plan = gates.plan_of(site, gates.change(site, STANDARD))
    shut, told_apart = (
        gates.run(
            Gate.VALIDATION,
            site,
            *LIVE,
            plan=plan,
            server_before=gates.before(measured),
            server=server,
        )
        for measured in (world.measured, broken)
    )
    assert not shut.opens
    assert "the server's own data" in shut.said["AOS-V006"]
    assert shut.ended["AOS-V008"] == "failed"
    assert shut.facts["rag_index_current"] is False
    assert shut.ended["AOS-V004"] == "passed"
    assert told_apart.opens
    assert told_apart.ended["AOS-V007"] == "failed"
    assert told_apart.not_planned["AOS-V006"].endswith("either: it never worked")


def test_a_server_that_does_not_answer(world: World) -> None:
    """Every check that needs it says so, and none is left out."""
    done = gates.run(
        Gate.VALIDATION,
        world.site,
        *LIVE,
        server_before=gates.before(world.measured),
        server={"endpoint": "http://127.0.0.1:1/mcp"},
    )
    assert not done.opens
    assert {done.ended[name] for name in ("AOS-V003", "AOS-V006", "AOS-V009")} == {"failed"}
    assert "127.0.0.1:1" in done.said["AOS-V003"]


def test_a_server_over_pipes_is_asked_too(lay_site: Callable[..., Site]) -> None:
    """Where none is kept running, one is started for the gate, and ended again."""
    site = lay_site("1.1.0")
    command = gates.over_pipes(site)
    done = gates.run(
        Gate.VALIDATION,
        site,
        *LIVE,
        server_before=gates.before(gates.measured(site, command)),
        server={"endpoint": command.model_dump(mode="json")},
        limit_s=gates.LONG_S,
    )
    assert done.opens, done.said
    assert done.facts["tools_registered"] == 5
    assert done.not_planned["AOS-V010"] == "this run started no server"


def test_an_index_of_before_the_upgrade_is_a_finding_only(lay_site: Callable[..., Site]) -> None:
    """It is asked for what it can know: a server over pipes makes none anew that there is."""
    site = lay_site("1.1.0")
    command = gates.over_pipes(site)
    before = gates.measured(site, command)
    came = [f"standards/universal/tea/{name}.md" for name in ("oolong", "sencha", "rooibos")]
    (site.install / came[0]).parent.mkdir()
    for path in came:
        kettle = f"Whoever brews {Path(path).stem} warms the pot beforehand and waits patiently."
        (site.install / path).write_text("# Tea\n\n" + "- leaves\n" * 200 + f"\n{kettle}\n")
    done = gates.run(
        Gate.VALIDATION,
        site,
        "AOS-V006",
        "AOS-V008",
        plan=gates.plan_of(site, *(gates.change(site, path) for path in came)),
        server_before=gates.before(before),
        server={"endpoint": command.model_dump(mode="json")},
        limit_s=10,
    )
    assert done.opens, done.said
    assert done.ended == {"AOS-V006": "passed", "AOS-V008": "failed"}


def test_what_was_broken_before_is_not_blamed(world: World, tmp_path: Path) -> None:
    """An old error in the log, a server that was down; and a search that works again is told."""
    site, started, measured = world
    old, again = "12:00:01 [ERROR] no tea", "12:30:07 [ERROR] no tea"
    log = tmp_path / "log"
    log.write_text(f"{old}\n{again}\n")
    down = measured.probe.model_copy(update={"problem": "it was down"})
    done = gates.run(
        Gate.VALIDATION,
        site,
        *LIVE,
        server_before=gates.before(Measured(probe=down, search_problem=down.problem)),
        server=gates.now(site, started, log=str(log), log_from_bytes=len(old) + 1),
    )
    assert done.opens
    assert done.not_planned["AOS-V005"].endswith("before the upgrade: it was down")
    assert done.ended["AOS-V007"] == "passed"
    assert done.ended["AOS-V010"] == "passed"
    assert done.facts["log_errors"] == 1
    assert "AOS-V009" in done.not_planned
    assert "not known" in done.not_planned["AOS-V004"]


def test_a_tool_that_the_code_still_names_has_to_be_there(
    lay_site: Callable[..., Site], world: World
) -> None:
    """Where the new code did not answer beside; what it does not name was dropped on purpose."""
    site = lay_site("1.1.0")
    code = site.install / "mcp_server/tools/info.py"
    parts = code.read_text().rpartition("    @server.tool()\n")
    code.write_text(parts[0] + parts[2])
    started = gates.start(site)

    def judged() -> gates.Judged:
        return gates.run(
            Gate.VALIDATION,
            site,
            "AOS-V004",
            "AOS-V005",
            server_before=gates.before(world.measured),
            server=gates.now(site, started, expected_problem="no answer within 30 s"),
        )

    named = judged()
    assert not named.opens
    assert named.said["AOS-V004"] == "missing: current_date"
    assert named.facts["expected_tools_problem"] == "no answer within 30 s"
    left_over = '# current_date is gone\nGONE = {"current_date": "ask get_server_info"}\n'
    code.write_text(code.read_text().replace("current_date", "some_other_name") + left_over)
    dropped = judged()
    assert dropped.ended == {"AOS-V004": "passed", "AOS-V005": "failed"}
    assert dropped.opens


def _put_tests(site: Site, code: str) -> None:
    tests = site.install / "mcp_server/tests"
    tests.mkdir(exist_ok=True)
    (tests / "test_it.py").write_text(code)


def test_the_installations_own_tests(world: World) -> None:
    """They run where they are asked for and there are any, in the installation's environment."""
    site = world.site

    def judged(*, asked_for: bool = True) -> gates.Judged:
        return gates.run(Gate.VALIDATION, site, "AOS-V011", skip_tests=not asked_for)

    assert "nobody asked" in judged(asked_for=False).not_planned["AOS-V011"]
    assert "no unit tests" in judged().not_planned["AOS-V011"]
    _put_tests(site, "def test_it():\n    import mcp_server\n")
    good = judged()
    assert good.facts["unit_tests_passed"] is True
    _put_tests(site, "def test_it():\n    assert not 'the truth'\n")
    bad = judged()
    assert not bad.opens
    assert bad.facts["unit_tests_passed"] is False


BROWSER = '''

def _add_browser(server):
    @server.tool()
    def pos_browser(action: str, url: str = "", session_id: str = "") -> dict:
        """Drive a browser."""
        if (__import__("pathlib").Path(__file__).parent / "no-browser").exists():
            return {"status": "error", "error": "there is no browser"}
        return {"status": "success", "action": action, "url": url}
'''


def test_the_browser(lay_site: Callable[..., Site]) -> None:
    """It is opened where the configuration enables it and the server has a tool for it."""
    site = lay_site("1.1.0")
    tools = site.install / "mcp_server/tools/__init__.py"
    code = tools.read_text().replace(
        "    return server", "    _add_browser(server)\n    return server"
    )
    tools.write_text(code + BROWSER)
    config = {"mcp": {"enabled_tool_groups": ["rag", "browser"]}}
    (site.install / "config.json").write_text(json.dumps(config))
    endpoint = gates.over_pipes(site).model_dump(mode="json")

    def judged(*tools: str) -> gates.Judged:
        server: dict[str, JsonValue] = {"endpoint": endpoint, "expected_tools": [*tools]}
        return gates.run(Gate.VALIDATION, site, "AOS-V012", server=server, limit_s=gates.LONG_S)

    assert "no tool for a browser" in judged("search_standards").not_planned["AOS-V012"]
    good = judged("pos_browser")
    assert good.facts["browser_smoke_test"] == "passed", good.said
    (tools.parent / "no-browser").touch()
    bad = judged("pos_browser")
    assert bad.opens, "it is a finding"
    assert bad.said["AOS-V012"] == "there is no browser"
