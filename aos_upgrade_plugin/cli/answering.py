"""Answers to conflicts on the command line: read from a file, asked for, and saved."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aos_upgrade_plugin.actions.upgrade import Upgrade
    from aos_upgrade_plugin.actions.upgrade_planning import Agree
    from aos_upgrade_plugin.models.plan import UpgradePlan
    from aos_upgrade_plugin.models.settings import Settings


def settled(
    upgrade: "Upgrade",
    settings: "Settings",
    *,
    agree: "Agree | None" = None,
    read: Path | None = None,
    write: Path | None = None,
) -> "tuple[Settings, UpgradePlan]":
    """Make a plan with the answers of a file and of a terminal; save them where that is wanted.

    Raises UsageError where somebody shall be asked and nobody is there.
    """
    from aos_upgrade_plugin.cli import dialogue
    from aos_upgrade_plugin.decide.content.answering import as_answers
    from aos_upgrade_plugin.effects.answers_file import (
        read_answers,
        refuse_to_overwrite,
        write_answers,
    )
    from aos_upgrade_plugin.models.settings import OnConflict

    if settings.on_conflict is OnConflict.ASK:
        dialogue.refuse_without_terminal()
    if write is not None:
        refuse_to_overwrite(write, read=read)
    answers = None if read is None else read_answers(read)
    agreed, made = upgrade.planning.settled(
        settings, agree=agree, answers=answers, ask=dialogue.ask
    )
    if write is not None:
        write_answers(write, *as_answers(made))
    return agreed, made


def refuse_beside_plan(*files: Path | None) -> None:
    """Raise UsageError where answers are given for a plan, in which all is decided."""
    from aos_upgrade_plugin.errors import UsageError

    if any(file is not None for file in files):
        raise UsageError(
            "a saved plan holds its decisions already, so no answers go with it",
            cure="leave --answers and --write-answers out, or make a new plan with them",
        )
