"""A server started by a command and asked one thing after the other, by the official client.

Importing this module takes a second, the SDK's.
"""

import json
import math
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, NamedTuple, TextIO

import anyio
from anyio.from_thread import start_blocking_portal
from mcp import Client, StdioServerParameters, stdio_client
from mcp_types import TextContent

from aos_upgrade_plugin.effects.service.mcp_client import last_lines
from aos_upgrade_plugin.errors import ServerError
from aos_upgrade_plugin.models.words import describe


class Told(NamedTuple):
    """What a tool answered."""

    answer: Mapping[str, Any]
    """Empty where it was no object."""
    is_error: bool
    took_ms: float
    problem: str | None = None
    """Why there is no answer, or which of its two forms is not the other's."""


class Conversation(NamedTuple):
    """A server that listens."""

    server: str
    protocol: str
    tools: tuple[str, ...]
    call: Callable[[str, Mapping[str, Any]], Told]
    """Calls a tool with arguments; whatever goes wrong is an answer."""


@contextmanager
def conversation(command: list[str], *, folder: str, limit_s: float) -> Generator[Conversation]:
    """Start a server, shake hands, and stop it at the end. Each step has the whole limit.

    Raises ServerError where it does not come to a handshake.
    """
    parameters = StdioServerParameters(command=command[0], args=command[1:], cwd=folder)
    with last_lines() as (errors, lines), start_blocking_portal() as portal:
        connected = portal.wrap_async_context_manager(_connected(parameters, errors, limit_s))
        try:
            client, tools = connected.__enter__()
        except Exception as error:
            last = f"; its last line: {lines[-1]}" if lines else ""
            raise ServerError(
                f"the server does not answer: {_said(error)}{last}",
                cure=f"try it: {' '.join(command)}",
            ) from error
        try:
            info = client.server_info
            yield Conversation(
                f"{info.name} {info.version}" if info else "",
                str(client.protocol_version),
                tools,
                lambda tool, arguments: portal.call(_call, client, tool, arguments, limit_s),
            )
        finally:
            with suppress(Exception):  # it may be gone already, and all was said
                connected.__exit__(None, None, None)


@asynccontextmanager
async def _connected(
    parameters: StdioServerParameters, errors: TextIO, limit_s: float
) -> AsyncGenerator[tuple[Client, tuple[str, ...]]]:
    with anyio.fail_after(limit_s) as limit:
        async with Client(stdio_client(parameters, errlog=errors), mode="legacy") as client:
            listed = await client.list_tools()
            limit.deadline = math.inf  # each call has its own
            yield client, tuple(tool.name for tool in listed.tools)


async def _call(client: Client, tool: str, arguments: Mapping[str, Any], limit_s: float) -> Told:
    began = time.perf_counter()
    try:
        with anyio.fail_after(limit_s):
            result = await client.call_tool(tool, dict(arguments))
    except Exception as error:  # noqa: BLE001 - whatever goes wrong is the answer
        why = f"there is no answer: {_said(error)}"
        return Told({}, is_error=True, took_ms=_since(began), problem=why)
    took_ms = _since(began)
    answer = result.structured_content or {}
    text = "".join(part.text for part in result.content if isinstance(part, TextContent))
    problem = None if _same(text, answer) else "text and structured content differ"
    return Told(answer, bool(result.is_error), took_ms, problem)


def _since(began_s: float) -> float:
    return (time.perf_counter() - began_s) * 1_000


def _same(text: str, answer: Mapping[str, Any]) -> bool:
    try:
        return bool(json.loads(text) == answer)
    except ValueError:
        return False


def _said(error: BaseException) -> str:
    """Say in one line what started a group of errors."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return describe(error)
