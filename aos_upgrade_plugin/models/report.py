"""What a run came to: the one object behind the summary, ``--json`` and the exit status."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from aos_upgrade_plugin.errors import ExitCode
from aos_upgrade_plugin.models.base import Frozen, SessionId
from aos_upgrade_plugin.models.evidence import Count
from aos_upgrade_plugin.models.gate import Gate, Outcome
from aos_upgrade_plugin.models.gate_report import Finding
from aos_upgrade_plugin.models.journal import Undone
from aos_upgrade_plugin.models.session import Release
from aos_upgrade_plugin.models.tree import TreePath


class Status(StrEnum):
    """How a run ended."""

    COMPLETED = "completed"
    NOTHING_TO_DO = "nothing_to_do"
    PLANNED = "planned"
    """A dry run: this is what would be done."""
    BLOCKED = "blocked"
    NEEDS_DECISION = "needs_decision"
    PAUSED = "paused"
    AT_REST = "at_rest"
    """A phase passed, and whoever drives the run from outside says when it goes on."""
    ROLLED_BACK = "rolled_back"
    CLEANUP_INCOMPLETE = "cleanup_incomplete"
    INCONSISTENT = "inconsistent"
    RUNNING = "running"
    """Somebody works on it at this moment; only ``report`` says so."""
    INTERRUPTED = "interrupted"
    """It was cut off, and waits to be resumed or rolled back; only ``report`` says so."""


EXIT_CODES = {
    Status.COMPLETED: ExitCode.DONE,
    Status.NOTHING_TO_DO: ExitCode.DONE,
    Status.PLANNED: ExitCode.DONE,
    Status.BLOCKED: ExitCode.GATE_SHUT,
    Status.NEEDS_DECISION: ExitCode.DECISION_NEEDED,
    Status.PAUSED: ExitCode.DECISION_NEEDED,
    Status.AT_REST: ExitCode.DONE,
    Status.ROLLED_BACK: ExitCode.ROLLED_BACK,
    Status.CLEANUP_INCOMPLETE: ExitCode.CLEANUP_INCOMPLETE,
    Status.INCONSISTENT: ExitCode.ROLLBACK_UNVERIFIED,
    Status.RUNNING: ExitCode.BUSY,
    Status.INTERRUPTED: ExitCode.INTERRUPTED,
}


class PhaseReport(Frozen):
    """What one phase came to."""

    number: int | None
    """Nothing for the rollback."""
    name: str
    gate: Gate
    verdict: Literal["open", "shut", "not_reached"]
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    counts: dict[Outcome, Count] = Field(default_factory=dict)
    duration_s: float = 0
    junit: str | None = None
    """The JUnit XML file, below the evidence folder."""


class ChangesReport(Frozen):
    """What was changed, or would be: how many paths of each relation, and which."""

    counts: dict[str, Count] = Field(default_factory=dict)
    paths: dict[str, tuple[TreePath, ...]] = Field(default_factory=dict)


class DecisionReport(Frozen):
    """What was decided about a conflict, and where both of its sides are."""

    path: TreePath
    relation: str
    choice: str
    decided_by: str
    yours: str | None = None
    """The file with what stood there before; nothing where it stands there still, or none did."""
    incoming: str | None = None
    """The file with what would have come; nothing where it came, or nothing was to come."""
    commands: dict[Literal["yours", "incoming"], str] = Field(default_factory=dict)
    """What brings one of them back, as a shell takes it."""


class ServerReport(Frozen):
    """What became of the server and its environment, or would."""

    packages: tuple[str, ...] = ()
    """What is installed, upgraded, downgraded, replaced and removed, one package each."""
    steps: tuple[str, ...] = ()
    """What is run after that."""
    url: str | None = None
    asked: str | None = None
    """The command that was started to ask over its pipes, where none is kept running."""
    old_pids: tuple[int, ...] = ()
    new_pid: int | None = None
    not_started: tuple[int, ...] = ()
    """Processes of the old ones that ran beside another: one server is started for them all."""
    handshake_s: float | None = None
    """From its start to its first answer."""
    down_s: float | None = None
    """For how long nothing answered."""
    tools: int | None = None
    clients: tuple[str, ...] = ()
    """What had started servers of its own, and has to start them anew."""


class RollbackReport(Frozen):
    """Whether the run went back, and whether that was proven."""

    performed: bool = False
    duration_s: float = 0
    verified: bool = False
    set_aside: tuple[str, ...] = ()
    """What the user made meanwhile where we had to go back, below the install folder."""


class RecoveredReport(Undone):
    """What an earlier command had left interrupted, and what became of it."""

    owner: str
    purpose: str
    move: Literal["discard", "undo", "commit", "clear", "leave"]


class RunReport(Frozen):
    """One run, from its beginning to its end."""

    schema_version: Literal[1] = 1
    session_id: SessionId
    status: Status
    reasons: tuple[str, ...] = ()
    """Why it did not complete, each on one line; the first says most."""
    cure: str = ""
    """What to do about that."""
    installation: str
    from_release: Annotated[Release, Field(serialization_alias="from")]
    to_release: Annotated[Release, Field(serialization_alias="to")]
    phases: tuple[PhaseReport, ...] = ()
    changes: ChangesReport = ChangesReport()
    migrations: tuple[str, ...] = ()
    """Every migration that applied: whether it is made, what it does, the flag that asks for it."""
    decisions: tuple[DecisionReport, ...] = ()
    """Of a run that began and was not taken back: every conflict, and where both sides are."""
    server: ServerReport | None = None
    """Nothing where the run is not about the server."""
    backup: str | None = None
    rollback: RollbackReport = RollbackReport()
    recovered: tuple[RecoveredReport, ...] = ()
    """What was brought to an end before this run did anything."""
    set_aside: tuple[str, ...] = ()
    """What the user wrote at the very moment it was replaced, below the install folder."""
    git_commit: str | None = None
    """The commit of what changed, where one was asked for."""
    warnings: tuple[str, ...] = ()
    """What went wrong beside the upgrade, and does not make it worse."""
    evidence_dir: str
    report: str | None = None
    """The Markdown summary."""

    @property
    def exit_code(self) -> ExitCode:
        """The exit status of the command."""
        return EXIT_CODES[self.status]
