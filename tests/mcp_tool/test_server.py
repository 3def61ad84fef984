"""The tool over MCP: real server processes, the official client, both transports and eras."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer

from aos_upgrade_plugin.decide.workflow.checkpoint import MOST_EVIDENCE_BYTES
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.mcp_tool import register_workflow_tools
from aos_upgrade_plugin.mcp_tool.serving import serve_http, server_for
from aos_upgrade_plugin.models.workflow_call import Action
from tests.actions.reference import PAGE
from tests.actions.workflow_places import EVIDENCE, lay_installation, lay_workflow

REFERENCE = "aos://reference/workflow-actions"
COMMAND = str(Path(sys.executable).with_name("aos-upgrade"))
LOOSE = {"phases/0/gate-definition.yaml": None}


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with two workflows."""
    folder = lay_installation(tmp_path / "project")
    lay_workflow(folder / "workflows", "loose_v1", files=LOOSE)
    return folder


class _Asked:
    """A client's calls, and which action ended how."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.seen: set[tuple[str, str]] = set()

    async def __call__(self, action: str, **arguments: object) -> dict[str, Any]:
        """Call the tool and compare the two forms of its answer."""
        result = await self._client.call_tool("aos_workflow", {"action": action, **arguments})
        answer: dict[str, Any] = result.structured_content or {}
        assert json.loads(result.content[0].text) == answer  # type: ignore[union-attr]
        assert result.is_error is (answer["status"] == "error")
        self.seen.add((action, answer.get("error_type", "success")))
        return answer


async def _tour(client: Client) -> None:
    """Walk a workflow with every action, each with its errors, and read the resources."""
    (tool,) = (await client.list_tools()).tools
    assert len((tool.description or "").encode()) < 3_000
    assert tool.input_schema["properties"]["action"]["enum"] == [*Action]
    assert tool.output_schema is not None
    assert tool.annotations is not None
    assert tool.annotations.destructive_hint is True
    ask = _Asked(client)
    await _walk(ask)
    for action in Action:
        assert (action, "success") in ask.seen
        assert (action, "ValueError") in ask.seen
        if action not in {Action.LIST_WORKFLOWS, Action.LIST_SESSIONS, Action.DELETE_SESSION}:
            assert (action, "NotFoundError") in ask.seen
    refused = {"complete_phase", "pause", "resume", "retry_phase"}
    unfit = {"get_task", "complete_phase", "rollback"}
    assert {(name, "StateError") for name in refused} <= ask.seen
    assert {(name, "ValidationError") for name in unfit} <= ask.seen
    assert (await ask("fly"))["valid_actions"] == [*Action]
    await _read(client)


async def _walk(ask: _Asked) -> None:
    assert (await ask("list_workflows"))["count"] == 3
    session = {
        "session_id": (await ask("start", workflow_type="review_v1", target_file="a"))["session_id"]
    }
    numbers = {"phase": 0, "task_number": 1, "evidence": {}, "to_phase": 0}
    takes = {
        "get_task": ("phase", "task_number"),
        "complete_phase": ("phase", "evidence"),
        "retry_phase": ("phase",),
        "rollback": ("to_phase",),
    }
    for action in Action:
        await ask(action, to_phase="x")
        arguments = {name: numbers[name] for name in takes.get(action, ())}
        if action not in {"list_workflows", "start", "list_sessions"}:
            await ask(action, session_id="not_there", **arguments)
    await ask("start", workflow_type="not_there", target_file="a")
    await ask("get_task", **session, phase=0, task_number=9)
    await ask("resume", **session)
    await ask("retry_phase", **session, phase=0)
    await ask("get_phase", **session)
    await ask("get_task", **session, phase=0, task_number=1)
    await ask("complete_phase", **session, phase=1, evidence=EVIDENCE)
    await ask("complete_phase", **session, phase=0, evidence={"read": 1})
    await ask("get_errors", **session)
    await ask("pause", **session)
    await ask("retry_phase", **session, phase=0)
    await ask("complete_phase", **session, phase=0, evidence=EVIDENCE)
    await ask("rollback", **session, to_phase=7)
    await ask("rollback", **session, to_phase=0)
    paused = await ask("pause", **session, checkpoint_note='["a list"]')
    assert paused["checkpoint"]["note"] == '["a list"]'
    await ask("resume", **session)
    for look in ("get_state", "get_session"):
        assert (await ask(look, **session))["session_status"] == "active"
    assert (await ask("list_sessions", status="active"))["count"] >= 1
    assert (await ask("delete_session", **session, reason="over"))["deleted"] is True


async def _read(client: Client) -> None:
    """What only reads is there as resources, too."""
    text = (await client.read_resource("aos://workflows/review_v1")).contents[0].text  # type: ignore[union-attr]
    assert json.loads(text)["version"] == "1.0.0"
    listed = await client.read_resource("aos://workflows")
    assert json.loads(listed.contents[0].text)["count"] == 3  # type: ignore[union-attr]
    page = PAGE.read_text(encoding="utf-8")
    (whole,) = (await client.read_resource(REFERENCE)).contents
    assert (whole.text, whole.mime_type) == (page, "text/markdown")  # type: ignore[union-attr]
    assert REFERENCE in {each.uri for each in (await client.list_resources()).resources}
    for action in Action:
        (part,) = (await client.read_resource(f"{REFERENCE}/{action}")).contents
        assert part.text.startswith(f"## {action}\n")  # type: ignore[union-attr]
        assert part.text.rstrip("\n") in page  # type: ignore[union-attr]
    wrong = ("aos://workflows/gone", "aos://sessions/gone", "aos://sessions/..%2Fx")
    for uri in (*wrong, f"{REFERENCE}/fly"):
        with pytest.raises(MCPError):
            await client.read_resource(uri)


def test_over_standard_input_and_output(install: Path) -> None:
    """``aos-upgrade serve`` speaks the older protocol; its output is the protocol alone."""
    command = StdioServerParameters(
        command=COMMAND, args=["serve"], cwd=install.parent, env={**os.environ}
    )

    async def talk() -> None:
        async with Client(stdio_client(command), mode="legacy") as client:
            assert client.protocol_version == "2025-11-25"
            await _tour(client)

    anyio.run(talk)


@pytest.fixture
def served(install: Path) -> Generator[str]:
    """Serve over HTTP, and end it by a signal."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--transport", "http"],
        cwd=install.parent,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        yield first.removeprefix("serving ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in told


def test_over_http(served: str) -> None:
    """One server answers both eras, takes ten megabytes, and only this machine by its name."""

    async def talk() -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=None) as http:
            for mode in ("legacy", "auto"):
                streams = streamable_http_client(served, http_client=http)
                async with Client(streams, mode=mode) as client:
                    await (_tour(client) if mode == "auto" else _large(client))
            await _from_elsewhere(http, served)

    anyio.run(talk)


async def _large(client: Client) -> None:
    """Evidence of ten megabytes arrives, and one byte more is refused with the limit."""
    ask = _Asked(client)
    begun = await ask("start", workflow_type="loose_v1", target_file="a")
    name = begun["session_id"]
    frame = len(json.dumps({"x": ""}, separators=(",", ":")))
    most = {"x": "é" * ((MOST_EVIDENCE_BYTES - frame) // 2)}
    refused = await ask(
        "complete_phase", session_id=name, phase=0, evidence={"x": most["x"] + "aa"}
    )
    assert "too large" in refused["error"]
    done = await ask("complete_phase", session_id=name, phase=0, evidence=most)
    assert done["checkpoint_passed"] is True


async def _from_elsewhere(http: httpx2.AsyncClient, url: str) -> None:
    """A page in a browser that a name was rebound for gets nothing."""
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    accepted = {"Accept": "application/json, text/event-stream"}
    for headers in ({"Host": "evil.example:80"}, {"Origin": "http://evil.example"}):
        answer = await http.post(url, json=ping, headers={**accepted, **headers})
        assert answer.status_code in {403, 421}, headers


def test_somebody_elses_server(install: Path) -> None:
    """The tool mounts on any server of the SDK, under any name, and says that it is one."""
    server: MCPServer[Any] = MCPServer("theirs")
    assert register_workflow_tools(server, target=install, name="pos_workflow") == 1

    async def talk() -> None:
        async with Client(server) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["pos_workflow"]
            result = await client.call_tool("pos_workflow", {"action": "list_workflows"})
            assert result.structured_content is not None
            assert result.structured_content["count"] == 3
            assert (await client.call_tool("pos_workflow", {})).is_error is True

    anyio.run(talk)


@pytest.mark.parametrize("host", ["0.0.0.0", "example.org", ""])  # noqa: S104
def test_another_host_is_refused(install: Path, host: str) -> None:
    """There is no login, so nobody else can reach it."""
    with pytest.raises(UsageError, match="no login"):
        serve_http(server_for(install, source=None), host=host, port=0, listening=print)
