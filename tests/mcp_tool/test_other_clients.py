"""Clients that others wrote: the Inspector's command line, and the protocol's conformance suite."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aos_upgrade_plugin.models.workflow_call import Action
from tests.actions.workflow_places import EVIDENCE
from tests.mcp_tool.conftest import COMMAND, lay_project, serving_http, unmeasured_environment

HOME = Path(__file__).parents[2] / "build/node"
PACKAGES = HOME / "node_modules/@modelcontextprotocol"

pytestmark = [
    pytest.mark.skipif(
        not (HOME / ".ready").exists(), reason="the clients are not here: make node"
    ),
]


class Ran(NamedTuple):
    """What a client said."""

    status: int
    out: str
    err: str

    @property
    def answer(self) -> dict[str, Any]:
        """The structured answer of a call."""
        found: dict[str, Any] = json.loads(self.out)["structuredContent"]
        return found


def _run(tool: str, *arguments: str | Path) -> Ran:
    """Run a program of one of the packages; what Node compiled is kept for the next time."""
    env = {
        **unmeasured_environment(),
        "NODE_COMPILE_CACHE": str(HOME / "compiled"),
        "NO_PROXY": "*",
    }
    command = [HOME / "node", PACKAGES / tool, *arguments]
    ran = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    return Ran(ran.returncode, ran.stdout, ran.stderr)


# ---- the Inspector --------------------------------------------------------------------------

TOOL_SAID_NO = 5
"""The Inspector's exit status for an answer that is marked as an error."""


def _inspect(server: tuple[str, ...], method: str, *arguments: str, era: str = "modern") -> Ran:
    launcher = "inspector/clients/launcher/build/index.js"
    how = ("--cli", *server, "--quiet", "--connect-timeout", "0", "--protocol-era", era)
    return _run(launcher, *how, "--method", method, *arguments)


def _call(server: tuple[str, ...], arguments: Mapping[str, object], *, era: str = "modern") -> Ran:
    given = ("--tool-name", "aos_workflow", "--tool-args-json", json.dumps(arguments))
    return _inspect(server, "tools/call", *given, era=era)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project that is only looked at, or begun something in."""
    return lay_project(tmp_path_factory.mktemp("clients") / "project").parent


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    """Serve it over HTTP."""
    with serving_http(project, env=unmeasured_environment()) as url:
        yield url


def test_the_inspector_over_standard_input_and_output(project: Path) -> None:
    """It starts the server, finds nothing amiss in the schemas, and gets the tool's answers."""
    server = (COMMAND, "serve", "--target", str(project))
    listed = _inspect(server, "tools/list", "--strict", era="legacy")
    assert (listed.status, listed.err) == (0, "")
    (tool,) = json.loads(listed.out)["tools"]
    assert tool["inputSchema"]["properties"]["action"]["enum"] == [*Action]
    begun = _call(server, {"action": "start", "workflow_type": "review_v1", "target_file": "a"})
    assert (begun.status, begun.answer["status"]) == (0, "success")


def test_the_inspector_over_http(address: str) -> None:
    """Errors are marked as such; what only reads is there as a resource, too."""
    server = (address, "--transport", "http")
    read = _inspect(server, "resources/read", "--uri", "aos://workflows/review_v1")
    assert json.loads(json.loads(read.out)["contents"][0]["text"])["version"] == "1.0.0"
    unknown = _call(server, {"action": "fly"}, era="legacy")
    assert (unknown.status, unknown.answer["valid_actions"]) == (TOOL_SAID_NO, [*Action])


@pytest.mark.clients_full
@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("over", ["stdio", "http"])
def test_every_action_by_the_inspector(
    install: Path, request: pytest.FixtureRequest, over: str, era: str
) -> None:
    """Each of the fourteen, well and amiss, over both transports and in both eras."""
    stdio = (COMMAND, "serve", "--target", str(install.parent))
    server = (
        stdio if over == "stdio" else (request.getfixturevalue("served"), "--transport", "http")
    )

    def call(action: str, **arguments: object) -> Ran:
        return _call(server, {"action": action, **arguments}, era=era)

    begun = call("start", workflow_type="review_v1", target_file="a").answer
    of = {"session_id": begun["session_id"]}
    bad = {"read": True, "findings": "two"}
    walk: tuple[tuple[str, dict[str, object], bool], ...] = (
        ("list_workflows", {}, True),
        ("list_workflows", {"category": 1}, False),
        ("start", {}, False),
        ("get_phase", of, True),
        ("get_phase", {}, False),
        ("get_task", {**of, "phase": 0, "task_number": 1}, True),
        ("get_task", {**of, "phase": 9, "task_number": 1}, False),
        ("get_state", of, True),
        ("get_state", {"session_id": "../x"}, False),
        ("list_sessions", {"status": "active"}, True),
        ("list_sessions", {"status": "asleep"}, False),
        ("get_session", of, True),
        ("get_session", {"session_id": "x"}, False),
        ("resume", of, False),
        ("pause", {**of, "checkpoint_note": "later"}, True),
        ("pause", of, False),
        ("resume", of, True),
        ("complete_phase", {**of, "phase": 0, "evidence": bad}, False),
        ("get_errors", of, True),
        ("get_errors", {"session_id": "x"}, False),
        ("retry_phase", {**of, "phase": 0}, True),
        ("retry_phase", {**of, "phase": 0}, False),
        ("complete_phase", {**of, "phase": 0, "evidence": EVIDENCE}, True),
        ("rollback", {**of, "to_phase": 9}, False),
        ("rollback", {**of, "to_phase": 0}, True),
        ("delete_session", {**of, "reason": 1}, False),
        ("delete_session", {**of, "reason": "over"}, True),
    )
    for action, arguments, well in walk:
        ran = call(action, **arguments)
        assert ran.status == (0 if well else TOOL_SAID_NO), (action, ran)
        assert ran.answer["action"] == action
    assert {action for action, _, _ in walk} == {*Action}


# ---- the conformance suite ------------------------------------------------------------------

SCENARIOS = (
    *("server-initialize", "ping", "tools-list", "resources-list", "dns-rebinding-protection"),
    *("caching", "http-header-validation"),
)


def test_the_server_conforms(address: str, tmp_path: Path) -> None:
    """Every check of each scenario that fits a server with one tool and four resources passes."""

    def checks(scenario: str) -> list[dict[str, Any]]:
        folder = tmp_path / scenario
        ask = ("server", "--url", address, "--scenario", scenario, "--timeout", "300000")
        ran = _run("conformance/dist/index.js", *ask, "--output-dir", folder)
        assert ran.status == 0, ran.out
        (told,) = folder.rglob("checks.json")
        found: list[dict[str, Any]] = json.loads(told.read_text())
        return found

    with ThreadPoolExecutor(2) as pool:
        found = dict(zip(SCENARIOS, pool.map(checks, SCENARIOS), strict=True))
    for scenario, each in found.items():
        assert len(each) >= 2, scenario
        assert {check["status"] for check in each} == {"SUCCESS"}, (scenario, each)
