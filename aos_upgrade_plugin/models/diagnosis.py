"""Everything about an installation that a person may want to know, on one screen."""

from typing import Literal

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.server import ClientEntry, Servers
from aos_upgrade_plugin.models.service import Measured
from aos_upgrade_plugin.models.status import DamagedBackup, NextStep, Status
from aos_upgrade_plugin.models.tree import TreePath


class Content(Frozen):
    """What became of all that the last upgrade laid down."""

    edited: tuple[TreePath, ...] = ()
    removed: tuple[TreePath, ...] = ()
    problem: str | None = None
    """Why that cannot be told, although it was written down."""


class EnvironmentView(Frozen):
    """The Python environment of an installation."""

    python: str
    packages: int
    """Those that it can import."""
    lacking: tuple[str, ...] = ()
    """What its requirements ask for and is not there."""
    inconsistent: tuple[str, ...] = ()


class Disk(Frozen):
    """The room that there is, and that an upgrade wants."""

    free_bytes: int
    needed_bytes: int


class GitView(Frozen):
    """How git sees the install folder."""

    ignored: bool = False
    uncommitted: int = 0
    """Paths in it that are not as they were committed, new ones too."""


class Findings(Frozen):
    """What was found, not yet judged."""

    status: Status
    content: Content
    config_problem: str | None = None
    environment: EnvironmentView | None = None
    environment_problem: NextStep | None = None
    """Why there is none that can be used, and what to do."""
    python: str
    """How the environment's Python is called from a shell."""
    requirements: str
    servers: Servers
    url: str | None = None
    measured: Measured | None = None
    """Nothing where none runs that can be asked: none is started for this."""
    start: str | None = None
    """How a server is started from a shell."""
    index: str
    clients: tuple[ClientEntry, ...] = ()
    backups: int = 0
    damaged: tuple[DamagedBackup, ...] = ()
    disk: Disk
    git: GitView | None = None
    """Nothing where the project is not under git."""


class Diagnosis(Findings):
    """What was found, and what to do about it."""

    schema_version: Literal[1] = 1
    problems: tuple[NextStep, ...] = ()
    """What is wrong, each with its fix; nothing when the installation is healthy."""
    hints: tuple[NextStep, ...] = ()
    """What could be better."""
