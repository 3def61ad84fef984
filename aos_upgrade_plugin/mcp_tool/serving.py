"""A server of our own: over standard input and output, or over HTTP on this machine."""

import logging
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.mcp_tool.registration import TOOL, register_workflow_tools

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
_MOST_REQUEST_BYTES = 64 << 20
"""Evidence of ten megabytes, with every character of it escaped."""


def server_for(
    target: Path,
    *,
    source: Path | None,
    name: str = TOOL,
    registry: "CollectorRegistry | None" = None,
) -> MCPServer[Any]:
    """Return a server that has the tool, and whose calls are counted where a registry is given."""
    server: MCPServer[Any] = MCPServer(
        "aos-upgrade",
        title="Workflows and upgrades",
        version=__version__,
        instructions="Begin with list_workflows; each answer names what makes sense next.",
        log_level="WARNING",
    )
    register_workflow_tools(server, target=target, source=source, name=name, registry=registry)
    return server


def serve_stdio(server: MCPServer[Any]) -> None:
    """Serve until standard input ends. Nothing but the protocol is written to standard output."""
    anyio.run(server.run_stdio_async)


def serve_http(
    server: MCPServer[Any], *, host: str, port: int, listening: Callable[[str], None]
) -> None:
    """Serve until a signal to stop; ``listening`` gets the address once connections are taken.

    Only this machine can reach it, whatever name it is called by: there is no login. Port 0 takes
    a free one. Raises UsageError for another host, and for a port that is taken.
    """
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    with bound(host, port) as taken:
        app = server.streamable_http_app(
            streamable_http_path=PATH, host=host, max_request_body_size=_MOST_REQUEST_BYTES
        )
        config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=5)
        _Server(config, lambda: listening(address(host, taken) + PATH)).run(sockets=[taken])


class _Server(uvicorn.Server):
    """Says when it takes connections, and signals to stop."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._say_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._say_started()


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that takes connections from this machine only; raise UsageError."""
    if host not in LOOPBACK:
        raise UsageError(
            f"{host} is not this machine alone, and the tool has no login",
            cure=f"serve on {' or '.join(LOOPBACK)}, or mount the tool on a server that has one",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family, socket.SOCK_STREAM)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.bind((host, port))
        taken.listen()
    except OSError as error:
        taken.close()
        raise UsageError(
            f"port {port} of {host} cannot be served on: {error.strerror}",
            cure="name another port, or 0 for any that is free",
        ) from error
    return taken


def address(host: str, taken: socket.socket) -> str:
    """Return where a host's socket is reached over HTTP."""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{taken.getsockname()[1]}"
