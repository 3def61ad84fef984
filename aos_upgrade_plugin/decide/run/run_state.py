"""How the session of a run changes from phase to phase."""

from collections.abc import Sequence
from datetime import datetime

from aos_upgrade_plugin.decide.run.sessions import BOUND_BACK, attempts_ended, session_id
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.run import Facts
from aos_upgrade_plugin.models.session import (
    PhaseAttempt,
    PhaseStatus,
    Release,
    SessionError,
    SessionStatus,
    WorkflowSession,
)
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.models.workflow import UPGRADE


def phase_begun(*, session: WorkflowSession, phase: int, now: datetime) -> WorkflowSession:
    """Return the session with a new attempt at a phase; one that was interrupted has failed."""
    attempts = [each for each in session.phase_history if each.phase == phase]
    attempt = PhaseAttempt(
        phase=phase, attempt=len(attempts) + 1, status=PhaseStatus.RUNNING, started_at=now
    )
    ended = attempts_ended(session, PhaseStatus.FAILED, now)
    return session.model_copy(update={"current_phase": phase, "phase_history": (*ended, attempt)})


def phase_passed(
    *, session: WorkflowSession, phase: int, artifacts: Facts, now: datetime
) -> WorkflowSession:
    """Return the session with a phase behind it, and what it left."""
    session = with_artifacts(session=session, phase=phase, artifacts=artifacts)
    return session.model_copy(
        update={
            "evidence_head": artifacts["evidence_head"],
            "completed_phases": tuple(sorted({*session.completed_phases, phase})),
            "phase_history": attempts_ended(session, PhaseStatus.COMPLETED, now),
        }
    )


def phase_failed(
    *, session: WorkflowSession, error: SessionError, artifacts: Facts, now: datetime
) -> WorkflowSession:
    """Return the session with what went wrong in a phase."""
    session = with_artifacts(session=session, phase=error.phase, artifacts=artifacts)
    return session.model_copy(
        update={
            "errors": (*session.errors, error),
            "phase_history": attempts_ended(session, PhaseStatus.FAILED, now),
        }
    )


def with_artifacts(*, session: WorkflowSession, phase: int, artifacts: Facts) -> WorkflowSession:
    """Return the session with what a phase left so far."""
    kept = {**session.phase_artifacts, phase: dict(artifacts)}
    return session.model_copy(update={"phase_artifacts": kept})


def bound_back(*, session: WorkflowSession, reasons: Sequence[str]) -> WorkflowSession:
    """Return the session with the decision that the run goes back, and why: nothing goes on now."""
    decided = {**session.metadata, BOUND_BACK: list(reasons)}
    return session.model_copy(update={"metadata": decided})


def why_back(session: WorkflowSession) -> tuple[str, ...] | None:
    """Return why a run goes back, which may be for no reason; nothing where it does not."""
    reasons = session.metadata.get(BOUND_BACK)
    return tuple(map(str, reasons)) if isinstance(reasons, list) else None


def turned_back(*, session: WorkflowSession, running: SessionId | None) -> bool:
    """Say whether a run was interrupted on its way back; ``running`` is the one that works now."""
    ended = session.session_status in {SessionStatus.ROLLED_BACK, SessionStatus.INCONSISTENT}
    return why_back(session) is not None and not ended and session.session_id != running


def taken_back(*, session: WorkflowSession, now: datetime) -> WorkflowSession:
    """Return the session with every phase that had changed something marked as taken back."""
    history = attempts_ended(session, PhaseStatus.FAILED, now)
    return session.model_copy(
        update={
            "phase_history": tuple(
                each.model_copy(update={"status": PhaseStatus.ROLLED_BACK}) for each in history
            )
        }
    )


def session_of_run(
    *, target_file: TreePath, plan: UpgradePlan, settings: Settings, now: datetime, random: str
) -> WorkflowSession:
    """Return the session that a run begins with; ``random`` makes its name unique."""
    return WorkflowSession(
        session_id=session_id(
            workflow_type=UPGRADE, target_file=target_file, now=now, random=random
        ),
        workflow_type=UPGRADE,
        target_file=target_file,
        current_phase=0,
        total_phases=len(Gate) - 1,
        created_at=now,
        last_updated=now,
        options=settings.model_dump(mode="json"),
        from_release=Release(version=plan.origin.version, commit=plan.origin.commit),
        to_release=Release(version=plan.source.version, commit=plan.source.commit),
    )
