"""Standard input and output, where a line that is no message gets an answer, too.

The SDK says nothing about such a line, so whoever sent it (a call nested too deeply, for one)
would wait for ever.
"""

import re
from collections.abc import AsyncIterable, Awaitable, Callable
from typing import Any

import anyio
from anyio.streams.memory import MemoryObjectSendStream
from mcp.server.mcpserver import MCPServer
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp_types import INVALID_REQUEST, PARSE_ERROR, ErrorData, JSONRPCError
from pydantic import ValidationError

from aos_upgrade_plugin.models.words import line

_ID = r'"id"\s*:\s*(?:(?P<number>\d{1,18})|"(?P<text>[^"\\]{1,200})")'
_VERSION = r'"jsonrpc"\s*:\s*"2\.0"'
_FIRST = re.compile(rf'\s*\{{\s*{_VERSION}\s*,\s*{_ID}\s*,\s*"method"')
_LAST = re.compile(rf"{_VERSION}\s*,\s*{_ID}\s*\}}\s*\Z")
_METHOD_FIRST = re.compile(r'\s*\{\s*"method"')
_END_CHARS = 300


async def serve(server: MCPServer[Any]) -> None:
    """Serve until standard input ends."""
    # The SDK's own run_stdio_async, which takes no streams, does the same with the plain ones.
    lowlevel = server._lowlevel_server  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    options = lowlevel.create_initialization_options()
    async with stdio_server() as (lines, answers), anyio.create_task_group() as tasks:
        messages, read = anyio.create_memory_object_stream[SessionMessage | Exception]()
        tasks.start_soon(_pass_on, lines, messages, answers.send)
        await lowlevel.run(read, answers, options)
        tasks.cancel_scope.cancel()


async def _pass_on(
    lines: AsyncIterable[SessionMessage | Exception],
    messages: MemoryObjectSendStream[SessionMessage | Exception],
    say: Callable[[SessionMessage], Awaitable[None]],
) -> None:
    """Hand the messages on; answer what is none."""
    async with messages:
        async for item in lines:
            if isinstance(item, SessionMessage):
                await messages.send(item)
            elif (answer := unreadable(item)) is not None:
                await say(SessionMessage(answer))


def unreadable(error: Exception) -> JSONRPCError | None:
    """Return what is answered to a line that is no message; nothing to an empty one."""
    if not isinstance(error, ValidationError):
        return _refused(None, PARSE_ERROR, type(error).__name__)
    first = error.errors(include_url=False, include_context=False)[0]
    if first["type"] != "json_invalid":
        return _refused(None, INVALID_REQUEST, "this is no message of JSON-RPC 2.0")
    sent = str(first["input"])
    return _refused(_id_of(sent), PARSE_ERROR, line(first["msg"])) if sent.strip() else None


def _refused(request: int | str | None, code: int, message: str) -> JSONRPCError:
    return JSONRPCError(jsonrpc="2.0", id=request, error=ErrorData(code=code, message=message))


def _id_of(sent: str) -> int | str | None:
    """Return the id of a request that cannot be read, where it is beyond doubt.

    An id in what a request carries, or a response's, may be that of another request.
    """
    found = _FIRST.match(sent)
    if found is None and _METHOD_FIRST.match(sent):
        found = _LAST.search(sent, max(0, len(sent) - _END_CHARS))
    if found is None:
        return None
    return int(found["number"]) if found["number"] else found["text"]
