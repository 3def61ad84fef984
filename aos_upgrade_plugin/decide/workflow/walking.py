"""How the session of a workflow changes from call to call. Upgrades are walked by the engine."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from aos_upgrade_plugin.decide.run.sessions import attempts_ended, moved
from aos_upgrade_plugin.decide.workflow.definitions import last_phase
from aos_upgrade_plugin.errors import InvalidError, StateError
from aos_upgrade_plugin.models.checkpoint import Judged
from aos_upgrade_plugin.models.definition import Definition
from aos_upgrade_plugin.models.session import (
    Checkpoint,
    PhaseAttempt,
    PhaseStatus,
    SessionError,
    SessionStatus,
    WorkflowSession,
)

_KEPT = "kept_evidence"
_S = SessionStatus

ALLOWED: Mapping[SessionStatus, tuple[str, ...]] = {
    _S.ACTIVE: ("get_task", "complete_phase", "pause", "rollback"),
    _S.PAUSED: ("resume",),
    _S.FAILED: ("retry_phase", "rollback", "get_errors"),
    _S.COMPLETED: (),
    _S.ROLLED_BACK: (),
    _S.INCONSISTENT: (),
}
"""What may be done with a session besides looking at it and deleting it."""


def refuse_unless_allowed(*, session: WorkflowSession, action: str) -> None:
    """Raise StateError where the state does not allow an action, with what it does allow."""
    allowed = ALLOWED[session.session_status]
    if action not in allowed:
        words = ", ".join(each for each in allowed if each != "get_errors") or "only looking at it"
        raise StateError(
            f"the session is {session.session_status}, which allows {words}, not {action}",
            cure=_CURES[session.session_status],
        )


_CURES = {
    _S.ACTIVE: "go on with the current phase: get_phase shows it",
    _S.PAUSED: "take it up again with resume",
    _S.FAILED: "look at get_errors, then retry_phase",
    _S.COMPLETED: "start a new session",
    _S.ROLLED_BACK: "start a new session",
    _S.INCONSISTENT: "look at get_errors; aos-upgrade status says what a person has to do",
}


def refuse_other_phase(*, session: WorkflowSession, phase: int, action: str) -> None:
    """Raise StateError for any phase but the current one."""
    if phase != session.current_phase:
        raise StateError(
            f"the current phase is {session.current_phase}: {action} of phase {phase} is refused",
            cure=f"name phase {session.current_phase}; get_phase shows it",
        )


def begun(
    *,
    definition: Definition,
    session_id: str,
    target_file: str,
    options: Mapping[str, JsonValue],
    now: datetime,
) -> WorkflowSession:
    """Return the session that a workflow begins with. Raises InvalidError for wrong options."""
    first, total = definition.phases[0].number, _total(definition, options)
    return WorkflowSession(
        session_id=session_id,
        workflow_type=definition.workflow_type,
        target_file=target_file,
        current_phase=first,
        total_phases=total,
        phase_history=(PhaseAttempt(phase=first, status=PhaseStatus.RUNNING, started_at=now),),
        created_at=now,
        last_updated=now,
        options=options,
        metadata={"workflow_version": definition.version},
    )


def _total(definition: Definition, options: Mapping[str, JsonValue]) -> int | None:
    if not definition.dynamic:
        return len(definition.phases)
    said = options.get("total_phases")
    if said is None:
        return None
    least, most = len(definition.phases), 1_000
    if isinstance(said, bool) or not isinstance(said, int) or not least <= said <= most:
        raise InvalidError(
            "the option total_phases does not fit",
            cure=f"name a whole number from {least} to {most}, or leave it out",
        )
    return said


def with_kept_evidence(
    *, session: WorkflowSession, evidence: Mapping[str, JsonValue]
) -> dict[str, JsonValue]:
    """Return what is submitted now over what was accepted of it in a failed attempt."""
    kept = session.metadata.get(_KEPT)
    return {**(kept if isinstance(kept, Mapping) else {}), **evidence}


def passed(
    *,
    session: WorkflowSession,
    definition: Definition,
    evidence: Mapping[str, JsonValue],
    now: datetime,
) -> WorkflowSession:
    """Return the session with its current phase behind it; completed after the last."""
    phase = session.current_phase
    after = session.model_copy(
        update={
            "phase_artifacts": {**session.phase_artifacts, phase: evidence},
            "completed_phases": tuple(sorted({*session.completed_phases, phase})),
            "phase_history": attempts_ended(session, PhaseStatus.COMPLETED, now),
            "metadata": _without_kept(session),
        }
    )
    if phase >= last_phase(definition=definition, total=session.total_phases):
        return moved(session=after, to=_S.COMPLETED, reason="every phase is completed")
    return _attempting(after, phase + 1, now)


def failed(
    *,
    session: WorkflowSession,
    judged: Judged,
    evidence: Mapping[str, JsonValue],
    remediation: str,
    now: datetime,
) -> WorkflowSession:
    """Return the session with a failed checkpoint; what was right of the evidence is kept."""
    phase, wrong = session.current_phase, {each.field for each in judged.wrong}
    said = [*(f"missing: {name}" for name in judged.missing)]
    said += [f"{each.field}: {each.error}" if each.field else each.error for each in judged.wrong]
    error = SessionError(
        phase=phase,
        timestamp=now,
        error_type="ValidationError",
        message=f"the checkpoint of phase {phase} failed",
        details="\n".join(said)[:16_000],
        remediation=remediation,
    )
    right = {
        name: value for name, value in evidence.items() if name not in wrong and value is not None
    }
    after = session.model_copy(
        update={
            "errors": (*session.errors, error),
            "phase_history": attempts_ended(session, PhaseStatus.FAILED, now),
            "metadata": {**session.metadata, _KEPT: right},
        }
    )
    return moved(session=after, to=_S.FAILED, reason=error.message)


def paused(*, session: WorkflowSession, note: str, now: datetime) -> WorkflowSession:
    """Return the session paused."""
    at = Checkpoint(phase=session.current_phase, timestamp=now, note=note)
    after = session.model_copy(update={"checkpoint": at})
    return moved(session=after, to=_S.PAUSED, reason=note)


def resumed(*, session: WorkflowSession) -> WorkflowSession:
    """Return the session active again."""
    after = session.model_copy(update={"checkpoint": None})
    return moved(session=after, to=_S.ACTIVE, reason="")


def active_again(session: WorkflowSession) -> WorkflowSession:
    """Return a session that failed, active, at the phase where it is."""
    return moved(session=session, to=_S.ACTIVE, reason="")


def retried(*, session: WorkflowSession, reset_evidence: bool, now: datetime) -> WorkflowSession:
    """Return the session with a new attempt at its current phase."""
    after = active_again(session)
    if reset_evidence:
        after = after.model_copy(update={"metadata": _without_kept(session)})
    return _attempting(after, session.current_phase, now)


def gone_back(*, session: WorkflowSession, to_phase: int, now: datetime) -> WorkflowSession:
    """Return the session back at an earlier phase; what later phases left is cleared."""
    if session.session_status is _S.FAILED:
        session = moved(session=session, to=_S.ACTIVE, reason="")
    history = tuple(
        each.model_copy(
            update={"status": PhaseStatus.ROLLED_BACK, "completed_at": each.completed_at or now}
        )
        if each.phase >= to_phase
        else each
        for each in session.phase_history
    )
    kept = {phase: left for phase, left in session.phase_artifacts.items() if phase <= to_phase}
    after = session.model_copy(
        update={
            "phase_artifacts": kept,
            "completed_phases": tuple(each for each in session.completed_phases if each < to_phase),
            "phase_history": history,
            "metadata": _without_kept(session),
        }
    )
    return _attempting(after, to_phase, now)


def refuse_rollback(*, session: WorkflowSession, to_phase: int) -> None:
    """Raise InvalidError where there is no such phase to go back to."""
    there = sorted({*session.completed_phases, session.current_phase})
    if to_phase not in there:
        raise InvalidError(
            f"phase {to_phase} was not reached: it can go back to {', '.join(map(str, there))}",
            cure="name one of those phases as to_phase",
        )


def _attempting(session: WorkflowSession, phase: int, now: datetime) -> WorkflowSession:
    attempts = sum(each.phase == phase for each in session.phase_history)
    attempt = PhaseAttempt(
        phase=phase, attempt=attempts + 1, status=PhaseStatus.RUNNING, started_at=now
    )
    history = (*session.phase_history, attempt)
    return session.model_copy(update={"current_phase": phase, "phase_history": history})


def _without_kept(session: WorkflowSession) -> dict[str, JsonValue]:
    return {key: value for key, value in session.metadata.items() if key != _KEPT}
