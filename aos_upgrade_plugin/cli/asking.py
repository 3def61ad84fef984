"""Questions to somebody at a terminal; nobody else is asked anything."""

import sys
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from aos_upgrade_plugin.actions.upgrade_planning import Agree
    from aos_upgrade_plugin.models.migration import PlannedMigration


def about_migrations() -> "Agree | None":
    """Return who asks whether a migration may be made; nobody where nobody could answer."""
    return _agrees if sys.stdin.isatty() and sys.stderr.isatty() else None


def _agrees(migration: "PlannedMigration") -> bool:
    typer.echo(f"{migration.title}\n  because {migration.why}", err=True)
    for line in migration.lines:
        typer.echo(f"    {line}", err=True)
    return typer.confirm("Make it?", default=False, err=True)
