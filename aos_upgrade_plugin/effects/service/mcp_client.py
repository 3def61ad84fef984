"""The official client, asked to shake hands, list tools and call some.

Importing this module takes a second, the SDK's: ``effects/service/mcp_probe.py`` does it when it
has to.
"""

import io
import json
import logging
import os
import threading
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from textwrap import shorten
from typing import Any, TextIO

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import UNSUPPORTED_PROTOCOL_VERSION, TextContent
from pydantic import JsonValue

from aos_upgrade_plugin.models.server import Probe, StartCommand, ToolAnswer, ToolCall

_MOST_PAGES = 100
_LAST_LINES = 10
_LONGEST_PROBLEM = 300
# What it logs of a server's nonsense is our answer, not something to print as a traceback.
logging.getLogger("mcp").addHandler(logging.NullHandler())


def ask(endpoint: str | StartCommand, calls: Sequence[ToolCall], limit_s: float) -> Probe:
    """Return what the server answers; each step has the whole limit. Nothing is raised."""
    with last_lines() as (stderr, lines):
        conversation = _Conversation(endpoint, stderr, limit_s)
        try:
            anyio.run(conversation.hold, calls)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong is the answer
            conversation.told["problem"] = conversation.why(error)
    if lines and "problem" in conversation.told:
        conversation.told["problem"] += f"; its last line: {lines[-1]}"
    return Probe.model_validate(conversation.told)


class _Conversation:
    """One connection, and what came out of it so far."""

    def __init__(self, endpoint: str | StartCommand, stderr: TextIO, limit_s: float) -> None:
        self._endpoint = endpoint
        self._stderr = stderr
        self._limit_s = limit_s
        over = endpoint if isinstance(endpoint, str) else " ".join(endpoint.arguments)
        self.told: dict[str, Any] = {"endpoint": over}

    async def hold(self, calls: Sequence[ToolCall]) -> None:
        """Connect, list the tools, call those that were asked for."""
        # The older handshake first: every server that is installed today knows it, and one that
        # does not know the newer would log the attempt as an error.
        try:
            await self._hold(calls, "legacy")
        except Exception as error:
            if getattr(_first(error), "code", None) != UNSUPPORTED_PROTOCOL_VERSION:
                raise
            await self._hold(calls, "auto")

    async def _hold(self, calls: Sequence[ToolCall], era: str) -> None:
        began = time.monotonic()
        with anyio.fail_after(self._limit_s) as limit:
            async with self._client(era) as client:
                self.told["connected_s"] = time.monotonic() - began
                self._introduce(client)
                began = time.monotonic()
                self.told["tools"] = [name async for name in _tools(client)]
                self.told["listed_s"] = time.monotonic() - began
                limit.deadline = float("inf")  # each call has its own
                self.told["answers"] = [await self._call(client, call) for call in calls]

    def _client(self, era: str) -> Client:
        if isinstance(self._endpoint, str):
            return Client(_over_http(self._endpoint), mode=era)
        return Client(_over_stdio(self._endpoint, self._stderr), mode=era)

    def _introduce(self, client: Client) -> None:
        self.told["protocol"] = client.protocol_version
        if client.server_info is not None:
            self.told["name"] = client.server_info.name
            self.told["version"] = client.server_info.version

    async def _call(self, client: Client, call: ToolCall) -> ToolAnswer:
        if call.tool not in self.told["tools"]:
            return ToolAnswer(tool=call.tool, problem="the server has no such tool", absent=True)
        began = time.monotonic()
        content, problem = None, None
        try:
            with anyio.fail_after(self._limit_s):
                content, problem = _read(await client.call_tool(call.tool, dict(call.arguments)))
        except (TimeoutError, MCPError) as error:
            problem = self.why(error)
        took_s = time.monotonic() - began
        return ToolAnswer(tool=call.tool, took_s=took_s, content=content, problem=problem)

    def why(self, error: BaseException) -> str:
        """Say in one line what went wrong."""
        first = _first(error)
        if isinstance(first, TimeoutError):
            return f"no answer within {self._limit_s:g} s"
        return _one_line(str(first)) or type(first).__name__


@asynccontextmanager
async def _over_http(url: str) -> AsyncGenerator[Any]:
    """Connect without the user's proxies: the server is on this machine."""
    async with (
        httpx2.AsyncClient(trust_env=False, timeout=None) as http,
        streamable_http_client(url, http_client=http) as streams,
    ):
        yield streams


def _over_stdio(command: StartCommand, stderr: TextIO) -> Any:  # noqa: ANN401 - the SDK's own
    parameters = StdioServerParameters(
        command=command.arguments[0],
        args=list(command.arguments[1:]),
        env=dict(command.variables),
        cwd=command.folder,
    )
    return stdio_client(parameters, errlog=stderr)


async def _tools(client: Client) -> AsyncIterator[str]:
    cursor = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        for tool in page.tools:
            yield tool.name
        cursor = page.next_cursor
        if not cursor:
            return


def _read(result: Any) -> tuple[JsonValue, str | None]:  # noqa: ANN401 - of either era
    """Return what a tool said, and what went wrong in it."""
    said = "".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        return None, _one_line(said) or "the tool failed"
    if result.structured_content is not None:
        content: JsonValue = result.structured_content
        return content, None
    try:
        return json.loads(said), None
    except ValueError:
        return said, None


def _one_line(text: str) -> str:
    return shorten(text, _LONGEST_PROBLEM, placeholder=" …")


def _first(error: BaseException) -> BaseException:
    """Return what started a group of errors."""
    match error:
        case BaseExceptionGroup(exceptions=(first, *_)):
            return _first(first)
        case _:
            return error


@contextmanager
def last_lines() -> Generator[tuple[TextIO, deque[str]]]:
    """Give a stream to write to, and the last lines that were written; no file is made."""
    read_from, write_to = os.pipe()
    lines: deque[str] = deque(maxlen=_LAST_LINES)

    def read() -> None:
        with open(read_from, encoding="utf-8", errors="replace") as written:
            lines.extend(line for each in written if (line := each.strip()))

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    with io.TextIOWrapper(io.FileIO(write_to, "w")) as stream:
        yield stream, lines
    reader.join(timeout=1)
