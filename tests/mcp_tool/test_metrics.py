"""What a server tells of itself: a real server, real calls, read as Prometheus reads them."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from prometheus_client import CollectorRegistry
from typer.testing import CliRunner

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.cli.app import app
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.mcp_tool.metrics import measure
from aos_upgrade_plugin.mcp_tool.metrics_endpoint import metrics_served
from aos_upgrade_plugin.models.session import SessionStatus
from aos_upgrade_plugin.models.workflow_call import Action
from tests.actions.workflow_places import EVIDENCE, lay_installation, lay_workflow, tool_at
from tests.mcp_tool.metrics_reading import Scrape, refusal, scrape

COMMAND = str(Path(sys.executable).with_name("aos-upgrade"))
HITS, MISSES = (f"aos_workflow_definitions_cache_{name}_total" for name in ("hits", "misses"))
CALLS = "aos_workflow_calls_total"


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with a workflow."""
    return lay_installation(tmp_path / "project")


@pytest.fixture
def served(install: Path) -> Generator[dict[str, str]]:
    """Serve over HTTP with metrics, end it by a signal, and yield what it said to serve where."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--transport", "http", "--metrics", "0"],
        cwd=install.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = [process.stderr.readline() for _ in range(2)]
        yield dict(line.split() for line in lines)
    finally:
        process.send_signal(signal.SIGTERM)
        _, rest = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in rest


def test_a_server_tells_of_its_calls(install: Path, served: dict[str, str]) -> None:
    """How many ended how, how long they took, what is kept, and what of it came from memory."""
    metrics = served["metrics"]
    before = scrape(metrics)
    assert set(before.labels()[CALLS]["action"]) == {*Action, "unknown"}
    assert {value for (name, _), value in before.values.items() if name == CALLS} == {0}

    async def talk() -> None:
        async with (
            httpx2.AsyncClient(trust_env=False, timeout=None) as http,
            Client(streamable_http_client(served["serving"], http_client=http)) as client,
        ):
            await _calls(client, install, metrics)

    anyio.run(talk)
    after = scrape(metrics)
    assert set(after.values) == set(before.values)
    _unreadable(install, metrics)


async def _calls(client: Client, install: Path, metrics: str) -> None:
    async def ask(action: str, **arguments: object) -> dict[str, Any]:
        result = await client.call_tool("aos_workflow", {"action": action, **arguments})
        return result.structured_content or {}

    name = (await ask("start", workflow_type="review_v1", target_file="a"))["session_id"]
    await ask("complete_phase", session_id=name, phase=0, evidence={})
    await ask("get_state", session_id="not_there")
    await ask("fly")
    await ask("fly-" + "x" * 1_000)
    for _ in range(30):
        assert (await ask("list_workflows"))["count"] == 2
    told = scrape(metrics)
    _counted(told)
    (install / "workflows/review_v1/metadata.json").write_text("{")
    problems = [each.get("problem") for each in (await ask("list_workflows"))["workflows"]]
    assert any(problems)  # not what was remembered
    missed = scrape(metrics).value(MISSES)
    assert missed > told.value(MISSES)
    lay_workflow(install / "workflows", files={"phases/1/task-2-more.md": "# More\n"})
    await ask("list_workflows")
    assert scrape(metrics).value(MISSES) > missed


def _counted(told: Scrape) -> None:
    assert told.kind.startswith("text/plain")
    success = {"outcome": "success", "error_type": ""}
    assert told.value(CALLS, action="list_workflows", **success) == 30
    assert told.value(CALLS, action="start", **success) == 1
    for action, kind, times in (
        ("complete_phase", "ValidationError", 1),
        ("get_state", "NotFoundError", 1),
        ("unknown", "ValueError", 2),
    ):
        assert told.value(CALLS, action=action, outcome="error", error_type=kind) == times
    seconds = {"action": "list_workflows", "kind": "call"}
    assert told.value("aos_workflow_call_seconds_count", **seconds) == 30
    assert told.value("aos_workflow_call_seconds_sum", **seconds) > 0
    assert told.value("aos_workflow_sessions", status="failed") == 1
    statuses = told.labels()["aos_workflow_sessions"]["status"]
    assert statuses == {*SessionStatus, "unreadable"}
    hits, misses = told.value(HITS), told.value(MISSES)
    assert hits / (hits + misses) > 0.9
    assert told.value("aos_workflow_build_info", version=__version__) == 1
    assert told.value("aos_workflow_store_readable") == 1
    idle = told.value("aos_workflow_idle_memory_bytes")
    assert 1e7 < idle <= told.value("process_resident_memory_bytes")


def _unreadable(install: Path, metrics: str) -> None:
    """A session that is damaged is counted as that; an installation that is gone is told."""
    for file in (install / "state/workflows").glob("*.json"):
        file.write_text("{")
    told = scrape(metrics)
    assert told.value("aos_workflow_sessions", status="unreadable") == 1
    assert told.value("aos_workflow_sessions", status="failed") == 0
    shutil.rmtree(install)
    gone = scrape(metrics)
    assert gone.value("aos_workflow_store_readable") == 0
    assert "aos_workflow_sessions" not in gone.labels()


def test_beside_standard_input_and_output(install: Path) -> None:
    """The protocol is not disturbed; the address is told beside it, the memory is the server's."""
    told = install.parent / "told"
    command = StdioServerParameters(
        command=COMMAND, args=["serve", "--metrics", "localhost:0"], cwd=install.parent
    )

    async def talk() -> None:
        with told.open("w+") as errors:
            async with Client(stdio_client(command, errlog=errors)) as client:
                result = await client.call_tool("aos_workflow", {"action": "list_workflows"})
                assert result.is_error is False
                address = told.read_text().removeprefix("metrics ").strip()
                assert address.startswith("http://localhost:")
                found = scrape(address)
                succeeded = {"outcome": "success", "error_type": ""}
                assert found.value(CALLS, action="list_workflows", **succeeded) == 1

    anyio.run(talk)
    assert "Traceback" not in told.read_text()


def test_whatever_is_called_there_are_no_more_series(install: Path) -> None:
    """Nobody who calls can make names up; and every error a call may end with is there at first."""
    tool, registry = tool_at(install), CollectorRegistry()
    measure(tool, registry)
    before = {(each.name, *each.labels.items()) for each in _samples(registry)}
    for name in (*Action, "fly", "", "x" * 10_000, None, 7, ["list_workflows"], {"a": 1}):
        for arguments in ({}, {"session_id": ["a"]}, {"session_id": "agent_os_upgrade_v1_x"}):
            tool.call({"action": name, **arguments})
    session = tool.call({"action": "start", "workflow_type": "review_v1", "target_file": "a"})
    for phase, evidence in ((1, EVIDENCE), (0, {"read": 1}), (0, EVIDENCE)):
        arguments = {"session_id": session["session_id"], "phase": phase, "evidence": evidence}
        tool.call({"action": "complete_phase", **arguments})
    shutil.rmtree(install / "workflows")
    tool.call({"action": "get_phase", "session_id": session["session_id"]})
    assert {(each.name, *each.labels.items()) for each in _samples(registry)} == before


def _samples(registry: CollectorRegistry) -> list[Any]:
    every = [each for family in registry.collect() for each in family.samples]
    return [each for each in every if not each.name.endswith("_created")]


@pytest.fixture
def address() -> Generator[str]:
    """Offer the metrics of nothing but this process."""
    with metrics_served(CollectorRegistry(), host="127.0.0.1", port=0) as at:
        yield at


def test_only_this_machine_reads_them(address: str) -> None:
    """As the tool itself: by its own names, from no page of another origin, and nothing else."""
    assert refusal(address) == 200
    assert refusal(address, Host="localhost:1") == 200
    assert refusal(address, Host="evil.example:80") == 421
    assert refusal(address, Origin="http://evil.example") == 403
    assert refusal(address.replace("/metrics", "/")) == 404
    assert refusal(address.replace("/metrics", "/mcp")) == 404


def test_a_place_that_cannot_be_had(address: str) -> None:
    """Another host, and a port that is taken, are refused in one line that names them."""
    port = int(address.rpartition(":")[2].partition("/")[0])
    for host, asked, said in (("0.0.0.0", 0, "no login"), ("127.0.0.1", port, f"port {port} of")):  # noqa: S104
        with (
            pytest.raises(UsageError, match=said),
            metrics_served(CollectorRegistry(), host=host, port=asked),
        ):
            pass


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "65536", "9" * 5_000, "1.5", "localhost:", ":x", "[::1]", "٣"]
)
def test_a_place_that_is_none(text: str) -> None:
    """What is no port is refused before anything is begun."""
    ended = CliRunner().invoke(app, ["serve", "--metrics", text])
    assert isinstance(ended.exception, UsageError)
    assert "no metrics can be offered at" in str(ended.exception)
    assert len(str(ended.exception)) < 200
