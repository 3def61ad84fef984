"""``aos-upgrade serve``: the workflow tool for agents, over MCP."""

from typing import Annotated

import typer

from aos_upgrade_plugin.cli import options, output


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
) -> None:
    """Serve the workflow tool over MCP until it is stopped."""
    import re

    from aos_upgrade_plugin.errors import UsageError

    if transport not in {"stdio", "http"}:
        raise UsageError(f"there is no transport {transport!r}", cure="name stdio or http")
    if re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", tool_name) is None:
        raise UsageError(f"a tool cannot be called {tool_name!r}", cure="name it like aos_workflow")
    found = options.installation(target)
    from aos_upgrade_plugin.mcp_tool import serving

    server = serving.server_for(found.project / found.layout.folder, source=source, name=tool_name)
    if transport == "stdio":
        serving.serve_stdio(server)
    else:
        serving.serve_http(
            server, host=host, port=port, listening=lambda at: output.note(f"serving {at}")
        )
