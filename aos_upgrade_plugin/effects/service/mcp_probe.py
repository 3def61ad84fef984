"""A real handshake with a server, and what it can do. Whatever goes wrong is data."""

from collections.abc import Sequence
from importlib import import_module

from aos_upgrade_plugin.models.server import Probe, StartCommand, ToolCall

_CLIENT = "aos_upgrade_plugin.effects.service.mcp_client"


def probe(endpoint: str | StartCommand, *, limit_s: float, calls: Sequence[ToolCall] = ()) -> Probe:
    """Connect to a URL, or start a command and talk over its pipes; list the tools, call some.

    Handshake and list together, and each call, may take as long as the limit. A server that was
    started is stopped again. Runs an event loop of its own: from a coroutine, call it in a
    thread. The answers are in the order of the calls.
    """
    answer: Probe = import_module(_CLIENT).ask(endpoint, calls, limit_s)
    return answer


def warm_up() -> None:
    """Load the official client now, while a server starts, rather than when it is ready."""
    import_module(_CLIENT)
