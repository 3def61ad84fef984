"""What a caller sent, as it was sent, so that it is judged by the tool and not before.

The SDK drops arguments that it does not know, reads texts that look like JSON as JSON (``"null"``
becomes nothing), and answers a call without an action in words of its own.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerMiddleware, ServerRequestContext
from mcp.server.mcpserver import Context

_OBJECTS = frozenset({"evidence", "options"})
"""What may be sent as JSON in a text, as some clients do."""


def as_sent(context: Context[Any, Any], given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the arguments of a call as they came, of which ``given`` is what the SDK made."""
    try:
        params = context.request_context.params or {}
    except ValueError:  # called in this process, without a request
        return given
    sent: Mapping[str, Any] = params["arguments"]
    objects = {name: given[name] for name in _OBJECTS if given[name] is not None}
    return {**sent, **objects}


def without_action(tool: str) -> ServerMiddleware[Any]:
    """Return what lets a call of the tool that names no action reach the tool."""

    async def let_through(
        ctx: ServerRequestContext[Any, Any], call_next: CallNext
    ) -> HandlerResult:
        params = ctx.params or {}
        sent = params.get("arguments", {})
        asked = ctx.method == "tools/call" and params.get("name") == tool
        if asked and isinstance(sent, Mapping) and "action" not in sent:
            ctx = replace(ctx, params={**params, "arguments": {**sent, "action": None}})
        return await call_next(ctx)

    return let_through
