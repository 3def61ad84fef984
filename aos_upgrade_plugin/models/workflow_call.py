"""What each of the fourteen actions takes. A parameter that an action does not take is refused."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import Field, JsonValue

from aos_upgrade_plugin.models.base import SESSION_ID, Frozen

Text = Annotated[str, Field(strict=True, max_length=10_000)]
Number = Annotated[int, Field(strict=True, ge=0, le=10_000)]
Object = Mapping[str, JsonValue]


class Action(StrEnum):
    """What the tool can do."""

    LIST_WORKFLOWS = "list_workflows"
    START = "start"
    GET_PHASE = "get_phase"
    GET_TASK = "get_task"
    COMPLETE_PHASE = "complete_phase"
    GET_STATE = "get_state"
    LIST_SESSIONS = "list_sessions"
    GET_SESSION = "get_session"
    DELETE_SESSION = "delete_session"
    PAUSE = "pause"
    RESUME = "resume"
    RETRY_PHASE = "retry_phase"
    ROLLBACK = "rollback"
    GET_ERRORS = "get_errors"


class ListWorkflows(Frozen):
    """Every workflow, or those of a category."""

    category: Text | None = None


class Start(Frozen):
    """A new session."""

    workflow_type: Annotated[str, Field(strict=True, min_length=1, max_length=80)]
    target_file: Annotated[str, Field(strict=True, min_length=1, max_length=1_000)]
    """Relative to the project, and in it."""
    options: Annotated[Object, Field(default_factory=dict)]


class ListSessions(Frozen):
    """Every session, or those in a state."""

    status: Text | None = None


class OfSession(Frozen):
    """Something about one session."""

    session_id: Annotated[str, Field(strict=True, pattern=SESSION_ID.pattern)]


class GetTask(OfSession):
    """One task of a phase."""

    phase: Number
    task_number: Number


class CompletePhase(OfSession):
    """Evidence for the current phase."""

    phase: Number
    evidence: Object


class DeleteSession(OfSession):
    """Away with a session."""

    reason: Text = ""


class Pause(OfSession):
    """A session put aside."""

    checkpoint_note: Text = ""


class RetryPhase(OfSession):
    """A phase tried again after its checkpoint failed."""

    phase: Number
    reset_evidence: Annotated[bool, Field(strict=True)] = False
    """What was accepted of the evidence so far has to be submitted again."""


class Rollback(OfSession):
    """Back to a phase."""

    to_phase: Number


REQUESTS: Mapping[Action, type[Frozen]] = {
    Action.LIST_WORKFLOWS: ListWorkflows,
    Action.START: Start,
    Action.GET_PHASE: OfSession,
    Action.GET_TASK: GetTask,
    Action.COMPLETE_PHASE: CompletePhase,
    Action.GET_STATE: OfSession,
    Action.LIST_SESSIONS: ListSessions,
    Action.GET_SESSION: OfSession,
    Action.DELETE_SESSION: DeleteSession,
    Action.PAUSE: Pause,
    Action.RESUME: OfSession,
    Action.RETRY_PHASE: RetryPhase,
    Action.ROLLBACK: Rollback,
    Action.GET_ERRORS: OfSession,
}
