"""Every command there is."""

from typing import Annotated

import typer

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.cli import (
    backups,
    check,
    doctor,
    mcp,
    plan,
    run,
    safe_upgrade,
    serve,
    sessions,
    status,
    workflow,
)

app = typer.Typer(
    name="aos-upgrade",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(backups.app, name="backups")
app.add_typer(sessions.app, name="sessions")
app.add_typer(mcp.app, name="mcp")
app.command("status")(status.status)
app.command("doctor")(doctor.doctor)
app.command("plan")(plan.plan)
app.command("run")(run.run)
app.command("resume")(run.resume)
app.command("rollback")(run.rollback)
app.command("report")(run.report)
app.command("safe-upgrade")(safe_upgrade.safe_upgrade)
app.command("check")(check.check)
app.command("checks")(check.checks)
app.command("explain")(check.explain)
app.command("serve")(serve.serve)
app.command("workflow")(workflow.workflow)


def _print_version(wanted: bool) -> None:  # noqa: FBT001  typer calls it with the flag's value
    if wanted:
        typer.echo(f"aos-upgrade {__version__}")
        raise typer.Exit


@app.callback()
def aos_upgrade(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say which it is."),
    ] = False,
) -> None:
    """Checked, resumable upgrades for Agent OS installations."""
