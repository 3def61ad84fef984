"""The actions that change a session."""

import os
import secrets
from datetime import UTC, datetime

from aos_upgrade_plugin.actions import workflow_upgrades as upgrades
from aos_upgrade_plugin.actions.upgrade_refusals import refuse_at_work
from aos_upgrade_plugin.actions.upgrade_start import start_upgrade
from aos_upgrade_plugin.actions.workflow_desk import Answer, Desk, going_on
from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS, is_upgrade
from aos_upgrade_plugin.decide.run.sessions import session_id as new_name
from aos_upgrade_plugin.decide.run.settings import most_active_sessions
from aos_upgrade_plugin.decide.workflow import walking
from aos_upgrade_plugin.decide.workflow.checkpoint import judge
from aos_upgrade_plugin.decide.workflow.definitions import phase_of
from aos_upgrade_plugin.decide.workflow.workflow_answers import (
    failed_checkpoint,
    names,
    remediation,
)
from aos_upgrade_plugin.decide.workflow.workflow_call import path_in_project, request_of
from aos_upgrade_plugin.effects.project import refuse_link_outside, settings_table
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.session import SessionStatus
from aos_upgrade_plugin.models.workflow_call import (
    Action,
    CompletePhase,
    DeleteSession,
    OfSession,
    Pause,
    RetryPhase,
    Rollback,
    Start,
)
from aos_upgrade_plugin.phases.session_deletion import delete_session as delete


def start(desk: Desk, asked: Start) -> Answer:
    """Begin a session."""
    if asked.workflow_type in UPGRADE_WORKFLOWS:
        _refuse_too_many(desk)
        answer = start_upgrade(desk, asked)
        acknowledged = {"acknowledgment_required": ACKNOWLEDGMENT} if "session_id" in answer else {}
        return {**answer, **acknowledged}
    target_file = path_in_project(asked.target_file)
    workflow = desk.catalogue.find(desk.installation, asked.workflow_type)
    refuse_link_outside(desk.installation.project, target_file)
    _refuse_too_many(desk)
    now = datetime.now(UTC)
    name = new_name(
        workflow_type=workflow.definition.workflow_type,
        target_file=target_file,
        now=now,
        random=secrets.token_hex(4),
    )
    begun = walking.begun(
        definition=workflow.definition,
        session_id=name,
        target_file=target_file,
        options=asked.options,
        now=now,
    )
    session = desk.save(begun)
    return {
        **going_on(session),
        "workflow_type": session.workflow_type,
        "target_file": session.target_file,
        "phase_content": desk.phase_content(session, workflow, session.current_phase),
        "acknowledgment_required": ACKNOWLEDGMENT,
    }


ACKNOWLEDGMENT = (
    "Work through the tasks of one phase at a time; complete_phase asks for evidence of what was "
    "really done, and opens the next phase only then."
)


def _refuse_too_many(desk: Desk) -> None:
    project = settings_table(desk.installation.project)
    most = most_active_sessions(environment=os.environ, project=project)
    if sum(map(sessions.count, desk.places())) < most:
        return
    active = desk.views(SessionStatus.ACTIVE)
    if len(active) < most:
        return
    oldest = [view.session_id for view in active[::-1] if view.session][:3]
    raise RefusedError(
        f"there are {len(active)} active sessions, and {most} are the limit",
        cure=f"finish or delete one of them first, the longest unused: {', '.join(oldest)}",
    )


def complete_phase(desk: Desk, asked: CompletePhase) -> Answer:
    """Leave the current phase, if the evidence is good enough."""
    if is_upgrade(session := desk.session(asked.session_id)):
        return upgrades.complete(desk, session, asked)
    walking.refuse_unless_allowed(session=session, action=Action.COMPLETE_PHASE)
    walking.refuse_other_phase(session=session, phase=asked.phase, action="complete_phase")
    workflow, now = desk.workflow(session), datetime.now(UTC)
    evidence = walking.with_kept_evidence(session=session, evidence=asked.evidence)
    request_of(action=Action.COMPLETE_PHASE, arguments={**asked.model_dump(), "evidence": evidence})
    phase = phase_of(definition=workflow.definition, number=asked.phase, total=session.total_phases)
    judged = judge(
        gate=phase.gate,
        named=phase.required_evidence,
        criteria=phase.validation_criteria,
        evidence=evidence,
    )
    if not judged.passed:
        shut = walking.failed(
            session=session,
            judged=judged,
            evidence=evidence,
            remediation=remediation(judged),
            now=now,
        )
        return {**going_on(desk.save(shut)), **failed_checkpoint(judged=judged, phase=phase.number)}
    after = desk.save(
        walking.passed(session=session, definition=workflow.definition, evidence=evidence, now=now)
    )
    answer = {
        **going_on(after),
        "phase_completed": phase.number,
        "checkpoint_passed": True,
        "evidence_accepted": names(evidence),
        "next_phase": None,
        "next_phase_content": None,
    }
    if after.session_status is not SessionStatus.COMPLETED:
        content = desk.phase_content(after, workflow, after.current_phase)
        named = {key: content[key] for key in ("phase_number", "title", "description")}
        answer |= {"next_phase": named, "next_phase_content": content}
    return answer


def pause(desk: Desk, asked: Pause) -> Answer:
    """Put a session aside, with a note."""
    if is_upgrade(session := desk.session(asked.session_id)):
        return upgrades.put_aside(desk, session, asked)
    walking.refuse_unless_allowed(session=session, action=Action.PAUSE)
    now = datetime.now(UTC)
    session = desk.save(walking.paused(session=session, note=asked.checkpoint_note, now=now))
    noted = session.checkpoint.model_dump(mode="json") if session.checkpoint else None
    return {**going_on(session), "paused": True, "checkpoint": noted, "resume_capable": True}


def resume(desk: Desk, asked: OfSession) -> Answer:
    """Take a session up again."""
    if is_upgrade(before := desk.session(asked.session_id)):
        return upgrades.take_up(desk, before)
    walking.refuse_unless_allowed(session=before, action=Action.RESUME)
    workflow = desk.workflow(before)
    session = desk.save(walking.resumed(session=before))
    since = before.checkpoint.timestamp if before.checkpoint else before.last_updated
    return {
        **going_on(session),
        "resumed": True,
        "paused_duration_seconds": max(0.0, (session.last_updated - since).total_seconds()),
        "checkpoint": before.checkpoint.model_dump(mode="json") if before.checkpoint else None,
        "phase_content": desk.phase_content(session, workflow, session.current_phase),
    }


def retry_phase(desk: Desk, asked: RetryPhase) -> Answer:
    """Try the current phase again after its checkpoint failed."""
    if is_upgrade(before := desk.session(asked.session_id)):
        return upgrades.try_again(desk, before, asked)
    walking.refuse_unless_allowed(session=before, action=Action.RETRY_PHASE)
    walking.refuse_other_phase(session=before, phase=asked.phase, action="retry_phase")
    workflow, now = desk.workflow(before), datetime.now(UTC)
    session = desk.save(
        walking.retried(session=before, reset_evidence=asked.reset_evidence, now=now)
    )
    errors = [each for each in session.errors if each.phase == asked.phase]
    return {
        **going_on(session),
        "phase": asked.phase,
        "retrying": True,
        "attempt": session.phase_history[-1].attempt,
        "evidence_reset": asked.reset_evidence,
        "evidence_kept": names(walking.with_kept_evidence(session=session, evidence={})),
        "phase_content": desk.phase_content(session, workflow, asked.phase),
        "previous_errors": [each.model_dump(mode="json") for each in errors],
    }


def rollback(desk: Desk, asked: Rollback) -> Answer:
    """Go back to a phase that was reached; what later phases left is cleared.

    An upgrade goes back as a whole, with its files.
    """
    if is_upgrade(before := desk.session(asked.session_id)):
        return upgrades.take_back(desk, before, asked)
    walking.refuse_unless_allowed(session=before, action=Action.ROLLBACK)
    walking.refuse_rollback(session=before, to_phase=asked.to_phase)
    workflow, now = desk.workflow(before), datetime.now(UTC)
    session = desk.save(walking.gone_back(session=before, to_phase=asked.to_phase, now=now))
    cleared = sorted({*before.phase_artifacts} - {*session.phase_artifacts})
    return {
        **going_on(session),
        "from_phase": before.current_phase,
        "to_phase": asked.to_phase,
        "rolled_back": True,
        "artifacts_cleared": cleared,
        "phase_content": desk.phase_content(session, workflow, asked.to_phase),
    }


def delete_session(desk: Desk, asked: DeleteSession) -> Answer:
    """Delete a session that nothing needs any more; what is not there is no error."""
    name, install = asked.session_id, desk.installation.path
    refuse_at_work(name)
    begun = delete(install, name, reason=asked.reason, command="workflow delete_session").deleted
    unbegun = upgrades.forget_with_user(desk, name, reason=asked.reason)  # a kill may leave both
    deleted = begun or unbegun
    return {
        "session_id": name,
        "deleted": deleted,
        "already_absent": not deleted,
        "cleanup": {"state_file_removed": deleted, "artifacts_preserved": begun or not unbegun},
        "next_actions": ["list_sessions", "list_workflows"],
    }
