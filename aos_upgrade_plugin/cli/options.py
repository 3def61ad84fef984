"""What every command understands."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from aos_upgrade_plugin.actions.upgrade import Upgrade
    from aos_upgrade_plugin.models.settings import Settings
    from aos_upgrade_plugin.phases.installation import Installation

Target = Annotated[
    str | None,
    typer.Option(
        "--target",
        metavar="DIR",
        help="The installation or its project. Default: the nearest one upwards.",
        show_default=False,
    ),
]
Source = Annotated[
    Path | None,
    typer.Option(
        "--source",
        metavar="DIR",
        help="A git checkout of the product, at the version to install.",
        show_default=False,
    ),
]
Only = Annotated[
    str | None,
    typer.Option("--only", metavar="PART", help="Upgrade a part only: content or server."),
]
OnConflict = Annotated[
    str | None,
    typer.Option(
        "--on-conflict",
        metavar="POLICY",
        help="Where you and the new version changed the same: fail, keep, take, merge or ask. "
        "Default: ask on a terminal, fail elsewhere.",
    ),
]
Answers = Annotated[
    Path | None,
    typer.Option("--answers", metavar="FILE", help="Decisions about single conflicts."),
]
WriteAnswers = Annotated[
    Path | None,
    typer.Option(
        "--write-answers", metavar="FILE", help="Save every conflict with its decision there."
    ),
]
Migrate = Annotated[
    list[str] | None,
    typer.Option(
        "--migrate",
        metavar="ID",
        help="Make this migration, or all that apply: all. May be repeated.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Answer with one JSON object on standard output.")
]


def installation(target: str | None) -> "Installation":
    """Return the installation that a command is about."""
    from aos_upgrade_plugin.phases.installation import find

    return find(_start(target))


def folder_to_restore(target: str | None) -> Path:
    """Return the same, also where so little is left that only its backups tell what it was."""
    from aos_upgrade_plugin.phases.remains import find_to_restore

    return find_to_restore(_start(target))


def _start(target: str | None) -> Path:
    from aos_upgrade_plugin.effects.tree.files import as_disk_error
    from aos_upgrade_plugin.errors import NotFoundError

    with as_disk_error("looking for the installation"):
        if target is None:
            return Path.cwd()
        if target and Path(target).is_dir():
            return Path(target)
        what = "no folder" if target and Path(target).exists() else "not there"
        raise NotFoundError(
            f"{target!r} is {what}", cure="name the installation or its project: --target DIR"
        )


def upgrade(target: str | None, *, as_json: bool) -> "Upgrade":
    """Return the upgrades of an installation, watched unless a program waits for the answer."""
    from aos_upgrade_plugin.actions.upgrade import Upgrade
    from aos_upgrade_plugin.cli.watching import OnTerminal, Silent

    return Upgrade(installation(target), Silent() if as_json else OnTerminal())


def settings(
    target: str | None, flags: Mapping[str, object], *, may_ask: bool = False
) -> "Settings":
    """Return the settings of a run, from its flags, the environment and the project.

    Where nothing is said about conflicts, and somebody sits at a terminal who may be asked, the
    setting is to ask.
    """
    from aos_upgrade_plugin.cli.dialogue import can_ask
    from aos_upgrade_plugin.decide.run.settings import settled
    from aos_upgrade_plugin.effects.project import settings_table

    project = settings_table(installation(target).project)
    said = settled(flags=flags, environment=os.environ, project=project)
    if may_ask and said.interactive_conflicts and can_ask():
        asks = {"on_conflict": "ask", **project}  # what anybody says about it counts before
        said = settled(flags=flags, environment=os.environ, project=asks)
    # Checks run in another folder than ours.
    return said.model_copy(update={"source_path": said.source_path.absolute()})


def command_line() -> str:
    """Return how this process was called, for whoever finds the lock held."""
    import shlex
    import sys

    return shlex.join(["aos-upgrade", *sys.argv[1:]])
