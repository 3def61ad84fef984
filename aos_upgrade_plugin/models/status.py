"""How an installation stands, on one screen."""

from typing import Literal

from aos_upgrade_plugin.models.base import Frozen, SessionId, Utc
from aos_upgrade_plugin.models.journal import JournalState
from aos_upgrade_plugin.models.lock import HeldBy
from aos_upgrade_plugin.models.session import BackupName, WorkflowSession
from aos_upgrade_plugin.models.source import ObjectId


class SessionView(Frozen):
    """A session as it looks from outside."""

    session_id: SessionId
    session: WorkflowSession | None
    """Nothing where it cannot be read."""
    interrupted: bool = False
    """It is active, and no process runs it."""
    turned_back: bool = False
    """It was on its way back when it was interrupted."""
    stale: bool = False
    """It was not used for a week, and nothing needs it."""
    problem: str | None = None
    """What is damaged, and what was taken instead."""


class OpenTransaction(Frozen):
    """A change of the installation that is neither given for good nor taken back."""

    owner: str
    """The name of a session, or what stands in its place; escaped, and so is the purpose."""
    purpose: str
    state: JournalState | None
    """Nothing where only remains are there, or where it cannot be told."""
    problem: str | None = None


class DamagedBackup(Frozen):
    """A backup that leads nowhere."""

    name: BackupName
    problem: str


class LastBackup(Frozen):
    """The newest backup whose manifest is whole."""

    name: BackupName
    created_at: Utc
    age_s: int


class NextStep(Frozen):
    """Something that a person should do."""

    why: str
    command: str | None
    """Nothing where no command of ours does it."""


class Installed(Frozen):
    """Which release an installation is of."""

    version: str | None = None
    commit: ObjectId | None = None
    """Nothing where no upgrade of ours laid it down."""


class Status(Frozen):
    """Everything that ``aos-upgrade status`` shows."""

    schema_version: Literal[1] = 1
    install: str
    """Escaped, as every path here."""
    project: str
    layout: str
    installed: Installed = Installed()
    """As the last upgrade recorded it, else as the version file says, which may be out of date."""
    lock: HeldBy | None
    transactions: tuple[OpenTransaction, ...]
    sessions: tuple[SessionView, ...]
    """All of them; the one that was used last comes first."""
    last_backup: LastBackup | None
    damaged_backups: tuple[DamagedBackup, ...] = ()
    """Those that are newer than that one, the newest first; older ones do no harm."""
    next_steps: tuple[NextStep, ...]
    """What to do, the most urgent first; nothing when all is well."""
