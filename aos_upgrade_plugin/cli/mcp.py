"""``aos-upgrade mcp``: clients that start the server by themselves."""

from pathlib import Path
from typing import Annotated

import typer

from aos_upgrade_plugin.cli import cut_over, options, output

app = typer.Typer(help="Tell clients of the server: install, cut-over.")


app.command("cut-over")(cut_over.cut_over)


@app.callback()
def mcp() -> None:
    """Tell clients of the server."""


@app.command("install")
def install(
    *,
    client: Annotated[
        str,
        typer.Option("--client", metavar="NAME", help="claude, cursor, vscode, codex or cline."),
    ],
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Default: the client's file in the project."),
    ] = None,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Write into a client's file how the server is started, after it was tried."""
    from aos_upgrade_plugin.actions.client_install import tell_client

    with output.working("trying the server"):
        told = tell_client(
            options.installation(target),
            client,
            file=file and file.absolute(),
            executable=executable(),
        )
    tools = list(told.answered.tools)
    if as_json:
        output.answer(
            {
                "client": client,
                "file": output.printable(str(told.file)),
                "changed": told.changed,
                "protocol": told.answered.protocol,
                "tools": tools,
            }
        )
        return
    output.say(f"{'wrote' if told.changed else 'knows already:'} {told.file}")
    output.say(f"the server answers with {', '.join(tools)}; restart {client} to use it")


def executable() -> str:
    """Return the command as it is installed, absolute: a client has a PATH of its own."""
    import shutil
    import sys

    beside = Path(sys.executable).with_name("aos-upgrade")
    return str(beside) if beside.is_file() else shutil.which("aos-upgrade") or "aos-upgrade"
