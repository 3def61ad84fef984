"""The flags of a run, beside those that every command understands."""

from pathlib import Path
from typing import Annotated

import typer

KeepBackups = Annotated[int | None, typer.Option("--keep-backups", metavar="N", help="Default: 3.")]
AutoRestart = Annotated[
    bool | None,
    typer.Option(
        "--auto-restart/--no-auto-restart",
        help="Restart the server (default), or pause until you did.",
        show_default=False,
    ),
]
RestartTimeout = Annotated[
    float | None,
    typer.Option(
        "--restart-timeout", metavar="SECONDS", help="How long a start may take. Default: 30."
    ),
]
SkipTests = Annotated[
    bool | None,
    typer.Option(
        "--skip-tests/--no-skip-tests",
        help="Leave out the unit tests of the installation (default), or run them.",
        show_default=False,
    ),
]
GitCommit = Annotated[
    bool | None,
    typer.Option("--git-commit", help="Commit what changed to the project's own repository."),
]
Jobs = Annotated[
    int | None, typer.Option("--jobs", metavar="N", help="Run so many checks at once.")
]
DryRun = Annotated[bool | None, typer.Option("--dry-run", help="Stop before anything changes.")]
PlanFile = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE", help="Apply exactly this saved plan, or refuse."),
]
Waivers = Annotated[
    Path | None,
    typer.Option("--waivers", metavar="FILE", help="Checks that somebody answers for."),
]
EvidenceDir = Annotated[
    Path | None,
    typer.Option("--evidence-dir", metavar="DIR", help="Copy the evidence there, too."),
]
