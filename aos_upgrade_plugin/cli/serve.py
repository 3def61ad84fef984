"""``aos-upgrade serve``: the workflow tool for agents, over MCP."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from aos_upgrade_plugin.cli import options, output

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_MOST_PORT = 65_535


def serve(  # noqa: PLR0913  a flag each
    *,
    target: options.Target = None,
    source: options.Source = None,
    transport: Annotated[
        str, typer.Option("--transport", metavar="KIND", help="stdio or http.")
    ] = "stdio",
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="For http; this machine only.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65_535, help="For http; 0 is any.")
    ] = 0,
    tool_name: Annotated[
        str, typer.Option("--tool-name", metavar="NAME", help="What the tool is called.")
    ] = "aos_workflow",
    metrics: Annotated[
        str | None,
        typer.Option(
            "--metrics",
            metavar="[HOST:]PORT",
            help="Offer metrics for Prometheus there; this machine only, 0 is any port.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the workflow tool over MCP until it is stopped."""
    import re

    from aos_upgrade_plugin.errors import UsageError

    if transport not in {"stdio", "http"}:
        raise UsageError(f"there is no transport {transport!r}", cure="name stdio or http")
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", tool_name) is None:
        raise UsageError(f"a tool cannot be called {tool_name!r}", cure="name it like aos_workflow")
    place = _place(metrics) if metrics is not None else None
    found = options.installation(target)
    from aos_upgrade_plugin.mcp_tool import serving

    registry = _registry() if place else None
    server = serving.server_for(
        found.project / found.layout.folder, source=source, name=tool_name, registry=registry
    )
    with _metrics(registry, place):
        if transport == "stdio":
            serving.serve_stdio(server)
        else:
            serving.serve_http(
                server, host=host, port=port, listening=lambda at: output.note(f"serving {at}")
            )


def _registry() -> "CollectorRegistry":
    from prometheus_client import CollectorRegistry

    return CollectorRegistry()


@contextmanager
def _metrics(
    registry: "CollectorRegistry | None", place: tuple[str, int] | None
) -> Generator[None]:
    """Offer what is gathered at a place, and say where; nothing where nothing is gathered."""
    if registry is None or place is None:
        yield
        return
    from aos_upgrade_plugin.mcp_tool.metrics_endpoint import metrics_served

    with metrics_served(registry, host=place[0], port=place[1]) as at:
        output.note(f"metrics {at}")
        yield


def _place(text: str) -> tuple[str, int]:
    """Take ``PORT``, ``HOST:PORT`` and ``[HOST]:PORT`` apart; raise UsageError."""
    from aos_upgrade_plugin.errors import UsageError

    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal() and int(port[:6]) <= _MOST_PORT):
        raise UsageError(
            f"no metrics can be offered at {text[:60]!r}",
            cure="name a port of this machine: --metrics 9464, or 127.0.0.1:9464",
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return host or "127.0.0.1", int(port)
