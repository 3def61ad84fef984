"""The settings of a run, as a user gives them: by flag, environment or ``pyproject.toml``."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import MigrationId


class OnConflict(StrEnum):
    """What to do where the user and the new version changed the same thing differently."""

    FAIL = "fail"
    KEEP = "keep"
    TAKE = "take"
    MERGE = "merge"
    """Merge what git merges cleanly, and configuration by key; the rest stays to be decided."""
    ASK = "ask"
    """Ask on the terminal. Where nobody can be asked it is as ``fail``."""


class Scope(StrEnum):
    """Which part of the installation a run upgrades."""

    ALL = "all"
    CONTENT = "content"
    SERVER = "server"

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of the product that it means, in the order in which they are brought."""
        return (Part.CONTENT, Part.SERVER) if self is Scope.ALL else (Part(self),)


def separated(value: Any) -> Any:  # noqa: ANN401  whatever somebody said
    """Return a text as its words, separated by commas or spaces; anything else as it is."""
    return tuple(filter(None, value.replace(",", " ").split())) if isinstance(value, str) else value


class Settings(Frozen):
    """Everything that a user decides before a run."""

    source_path: Path
    dry_run: bool = False
    auto_restart: bool = True
    skip_tests: bool = True
    """The installation's own unit tests run on request only."""
    keep_backups: Annotated[int, Field(ge=1)] = 3
    interactive_conflicts: bool = True
    """On a terminal conflicts are asked about, where nothing else was said about them."""
    git_commit_after: bool = False
    restart_timeout_s: Annotated[float, Field(gt=0)] = 30.0
    only: Scope = Scope.ALL
    on_conflict: OnConflict = OnConflict.FAIL
    migrate: Annotated[tuple[MigrationId, ...], BeforeValidator(separated)] = ()
    """The migrations that are asked for; ``all`` is every one. In text, separated by commas."""
    jobs: Annotated[int, Field(ge=1, le=64)] = 1
