"""The tool over MCP: real server processes, the official client, both transports and eras."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import MCPServer
from mcp_types import CallToolResult

from aos_upgrade_plugin.decide.workflow.checkpoint import MOST_EVIDENCE_BYTES
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.mcp_tool import register_workflow_tools
from aos_upgrade_plugin.mcp_tool.serving import serve_http, server_for
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.workflow_call import Action
from tests.actions.reference import PAGE
from tests.actions.workflow_places import EVIDENCE, lay_workflow
from tests.mcp_tool.conftest import COMMAND

REFERENCE = "aos://reference/workflow-actions"
NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)


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


_LOOKING = ("get_phase", "get_task", "get_state", "get_session", "get_errors")
_MOVING = ("complete_phase", "pause", "resume", "retry_phase", "rollback")
ENDS = {
    *((action, "success") for action in Action),
    *((action, "ValueError") for action in Action),
    *((action, "NotFoundError") for action in ("start", *_LOOKING, *_MOVING)),
    *((action, "ValidationError") for action in ("get_task", "complete_phase", "rollback")),
    *((action, "StateError") for action in (*_MOVING, "delete_session")),
    *((action, "RuntimeError") for action in ("start", *_LOOKING, *_MOVING)),
}
"""Each way in which a call of each action can end."""


async def _tour(client: Client) -> None:
    """End each action in each way that it can end, and read the resources."""
    (tool,) = (await client.list_tools()).tools
    assert len((tool.description or "").encode()) < 3_000
    action = tool.input_schema["properties"]["action"]
    assert (action["type"], action["enum"]) == ("string", [*Action])
    assert tool.input_schema["required"] == ["action"]
    assert tool.output_schema is not None
    assert tool.output_schema["properties"]["status"]["enum"] == ["success", "error"]
    assert tool.annotations is not None
    hints = tool.annotations
    assert (hints.read_only_hint, hints.destructive_hint) == (False, True)
    assert (hints.idempotent_hint, hints.open_world_hint) == (False, False)
    ask = _Asked(client)
    await _walk(ask)
    assert ask.seen >= ENDS, ENDS - ask.seen
    assert (await ask("fly"))["valid_actions"] == [*Action]
    await _read(client)


async def _walk(ask: _Asked) -> None:
    """Call each action well, for a session that is not there, one that is damaged, and amiss."""
    assert (await ask("list_workflows"))["count"] == 4
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
        if action not in {"list_workflows", "start", "list_sessions", "delete_session"}:
            await ask(action, session_id="not_there", **arguments)
            await ask(action, session_id="damaged", **arguments)
    for workflow in ("not_there", "broken_v1"):
        await ask("start", workflow_type=workflow, target_file="a")
    await ask("delete_session", session_id="an_upgrade")
    await _walk_on(ask, session)


async def _walk_on(ask: _Asked, session: dict[str, Any]) -> None:
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
    await ask("rollback", **session, to_phase=0)
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
    for name, count in (("workflows", 4), ("sessions", 2)):
        listed = await client.read_resource(f"aos://{name}")
        assert json.loads(listed.contents[0].text)["count"] == count  # type: ignore[union-attr]
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


@pytest.fixture
def unwell(install: Path) -> Path:
    """Add to an installation what is broken or in use: a workflow and two sessions."""
    lay_workflow(install / "workflows", "broken_v1", metadata="{")
    upgrade = WorkflowSession(
        session_id="an_upgrade",
        workflow_type="agent_os_upgrade_v1",
        target_file="mcp_server",
        current_phase=2,
        total_phases=6,
        created_at=NOW,
        last_updated=NOW,
        backup="2025-11-21-123000",
    )
    (install / ".backups/2025-11-21-123000").mkdir(parents=True)
    sessions.save(install, upgrade)
    (install / "state/workflows/damaged.json").write_text("{")
    return install


def test_over_standard_input_and_output(unwell: Path) -> None:
    """``aos-upgrade serve`` speaks both protocols; its output is the protocol alone."""
    command = StdioServerParameters(
        command=COMMAND, args=["serve"], cwd=unwell.parent, env={**os.environ}
    )

    async def talk(mode: str, version: str) -> None:
        async with Client(stdio_client(command), mode=mode) as client:
            assert client.protocol_version == version
            await (_tour(client) if mode == "legacy" else _read(client))

    anyio.run(talk, "legacy", "2025-11-25")
    anyio.run(talk, "auto", "2026-07-28")


@pytest.mark.usefixtures("unwell")
def test_over_http(served: str) -> None:
    """One server answers both eras, takes ten megabytes, and only this machine by its name."""

    async def talk() -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=None) as http:
            for mode, version in (("auto", "2026-07-28"), ("legacy", "2025-11-25")):
                streams = streamable_http_client(served, http_client=http)
                async with Client(streams, mode=mode) as client:
                    assert client.protocol_version == version
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
    more = {"x": most["x"] + "aa"}
    refused = await ask("complete_phase", session_id=name, phase=0, evidence=more)
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
            nameless = await client.call_tool("pos_workflow", {})
            assert nameless.structured_content is not None
            assert nameless.structured_content["valid_actions"] == [*Action]
        told = await server.call_tool("pos_workflow", {"action": "list_sessions"})
        assert isinstance(told, CallToolResult)
        assert told.structured_content is not None

    anyio.run(talk)


@pytest.mark.parametrize("host", ["0.0.0.0", "example.org", ""])  # noqa: S104
def test_another_host_is_refused(install: Path, host: str) -> None:
    """There is no login, so nobody else can reach it."""
    with pytest.raises(UsageError, match="no login"):
        serve_http(server_for(install, source=None), host=host, port=0, listening=print)
