"""The saved state of one run of a workflow: everything that a new process needs to go on."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue, StringConstraints, computed_field

from aos_upgrade_plugin.models.base import Frozen, SessionId, Sha256, Utc
from aos_upgrade_plugin.models.tree import TreePath

WORKFLOW_TYPE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
WorkflowType = Annotated[str, StringConstraints(pattern=WORKFLOW_TYPE.pattern)]
"""The name of a workflow's folder."""

BackupName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]
"""The name of a folder below ``.backups``."""

PhaseNumber = Annotated[int, Field(ge=0)]
"""As the workflow numbers its phases."""


class SessionStatus(StrEnum):
    """Where a session stands."""

    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"
    """An upgrade that was taken back, and that was verified."""
    INCONSISTENT = "inconsistent"
    """An upgrade whose way back could not be finished or proven: a person is needed."""


class PhaseStatus(StrEnum):
    """How one attempt at a phase ended, or that it did not yet."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    ROLLED_BACK = "rolled_back"


class PhaseAttempt(Frozen):
    """One attempt at one phase."""

    phase: PhaseNumber
    attempt: Annotated[int, Field(ge=1)] = 1
    status: PhaseStatus
    started_at: Utc
    completed_at: Utc | None = None
    """When it ended, well or not."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def duration_seconds(self) -> float | None:
        """How long it took; nothing while it runs."""
        if self.completed_at is None:
            return None
        return (self.completed_at - self.started_at).total_seconds()


class SessionError(Frozen):
    """Something that went wrong in a session, kept for whoever asks later."""

    phase: PhaseNumber
    timestamp: Utc
    error_type: str
    message: str
    details: str = ""
    remediation: str = ""


class Checkpoint(Frozen):
    """Where a session was paused, and what the one who paused it wants to remember."""

    phase: PhaseNumber
    timestamp: Utc
    note: str = ""


class Release(Frozen):
    """A state of the product. Version numbers are unreliable, so the commit counts."""

    version: str | None = None
    commit: str | None = None


class WorkflowSession(Frozen):
    """One run of a workflow, at one moment."""

    SUMMARY: ClassVar[tuple[str, ...]] = (
        "session_id",
        "workflow_type",
        "target_file",
        "session_status",
        "status_reason",
        "current_phase",
        "total_phases",
        "completed_phases",
        "created_at",
        "last_updated",
        "backup",
    )
    """The fields that a list of sessions shows of each."""

    schema_version: Literal[1] = 1
    session_id: SessionId
    revision: Annotated[int, Field(ge=0)] = 0
    """Counts the times it was saved: who saves over a revision that he has not seen, loses."""
    workflow_type: WorkflowType
    target_file: TreePath
    """What the workflow works on, relative to the project; escaped."""
    session_status: SessionStatus = SessionStatus.ACTIVE
    status_reason: str = ""
    current_phase: PhaseNumber
    total_phases: Annotated[int, Field(ge=0)] | None = None
    """Nothing while a dynamic workflow has not said how many."""
    completed_phases: tuple[PhaseNumber, ...] = ()
    phase_artifacts: Mapping[PhaseNumber, Mapping[str, JsonValue]] = {}
    phase_history: tuple[PhaseAttempt, ...] = ()
    """Every attempt, in the order in which they began."""
    created_at: Utc
    last_updated: Utc
    options: Mapping[str, JsonValue] = {}
    checkpoint: Checkpoint | None = None
    errors: tuple[SessionError, ...] = ()
    backup: BackupName | None = None
    """The backup that a way back would need."""
    from_release: Release | None = None
    to_release: Release | None = None
    evidence_head: Sha256 | None = None
    """The digest of the last event in the session's evidence."""
    metadata: Mapping[str, JsonValue] = {}

    def stored(self) -> bytes:
        """Return the JSON that reads back as this session: nothing computed is in it."""
        return self.model_dump_json(round_trip=True, indent=1).encode()

    def for_journal(self) -> JsonValue:
        """Return the same for the header of a journal, to rebuild the session from."""
        saved: JsonValue = self.model_dump(mode="json", round_trip=True)
        return saved

    def summary(self) -> dict[str, JsonValue]:
        """Return the fields that a list shows, as JSON has them."""
        return self.model_dump(mode="json", include=set(self.SUMMARY))


class DeletedSession(Frozen):
    """What stays of a session that was deleted, and why it was."""

    schema_version: Literal[1] = 1
    session_id: SessionId
    deleted_at: Utc
    reason: str
    workflow_type: WorkflowType | None
    """Nothing where the session could not be read any more; so with the state."""
    session_status: SessionStatus | None
