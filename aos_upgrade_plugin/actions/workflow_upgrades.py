"""Upgrades that the tool drives: begun, taken from phase to phase, taken up again, taken back.

What changes an installation is done by a command of ours that outlives the call: the server that
was asked may be the one that has to be restarted.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.actions.upgrade_refusals import (
    refuse_at_work,
    refuse_undriven,
    refuse_unless_at_rest,
)
from aos_upgrade_plugin.actions.upgrade_start import begin_again
from aos_upgrade_plugin.actions.workflow_desk import Answer, Desk, going_on
from aos_upgrade_plugin.actions.workflow_runner import checks_done, run_and_wait, working
from aos_upgrade_plugin.decide.run.sessions import at_rest, is_driven, is_upgrade
from aos_upgrade_plugin.decide.workflow import driven_answers, walking
from aos_upgrade_plugin.decide.workflow.claims import contradictions, refuse_unknown
from aos_upgrade_plugin.decide.workflow.driving import (
    accepted,
    at_the_beginning,
    foreseen,
    is_dry,
    is_over,
)
from aos_upgrade_plugin.decide.workflow.workflow_answers import names
from aos_upgrade_plugin.effects.session import detached, run_folder, sessions
from aos_upgrade_plugin.effects.session.detached import Detached
from aos_upgrade_plugin.errors import InvalidError, StateError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.workflow import PRE_FLIGHT
from aos_upgrade_plugin.models.workflow_call import (
    Action,
    CompletePhase,
    Pause,
    RetryPhase,
    Rollback,
)

_STOPPED = frozenset({SessionStatus.FAILED, SessionStatus.ROLLED_BACK, SessionStatus.INCONSISTENT})


def complete(desk: Desk, session: WorkflowSession, asked: CompletePhase) -> Answer:
    """Do and measure the current phase, and leave it if what is claimed of it is true.

    Called again while the phase is done, it says how far that is; afterwards, what it came to.
    """
    refuse_undriven(session, Action.COMPLETE_PHASE)
    if (command := working(session)) is not None:
        return _at_work(desk, session, command)
    if _stopped_in(session, asked.phase):
        return _stopped(desk, session, _last_word(session))
    if not (is_over(session) and asked.phase in session.completed_phases):
        refuse_unless_at_rest(desk, session, Action.COMPLETE_PHASE)
    walking.refuse_other_phase(session=session, phase=asked.phase, action="complete_phase")
    refuse_unknown(asked.evidence, gate=Gate.named(str(asked.phase)))
    if asked.phase not in session.completed_phases:
        if is_dry(session) and asked.phase > PRE_FLIGHT:
            session = _foresee(desk, session)
        else:
            through = ("--through", str(asked.phase))
            command = run_and_wait(desk, session, "resume", session.session_id, *through)
            desk = desk.now()
            session = desk.session(session.session_id)
            if command is not None and command.works:
                return _at_work(desk, session, command)
            if asked.phase not in session.completed_phases:
                return _stopped(desk, session, command.answer if command else None)
    return _judge_claims(desk, session, asked)


def _judge_claims(desk: Desk, session: WorkflowSession, asked: CompletePhase) -> Answer:
    left = session.phase_artifacts[asked.phase]
    evidence = left.get("evidence")
    measured = evidence if isinstance(evidence, dict) else {}
    if found := contradictions(asked.evidence, measured=measured):
        now = datetime.now(UTC)
        saved = desk.save(driven_answers.with_refused_claims(session, found, now=now))
        return {**going_on(saved), **driven_answers.contradicted(found, phase=asked.phase)}
    workflow = desk.workflow(session)
    if not is_over(session):
        numbers = [phase.number for phase in workflow.definition.phases]
        session = desk.save(accepted(session, phases=numbers))
    answer = {
        **going_on(session),
        "phase_completed": asked.phase,
        "checkpoint_passed": True,
        "evidence_accepted": names(measured),
        "evidence": left.get("would", measured),
        "next_phase": None,
        "next_phase_content": None,
    }
    if not is_over(session):
        content = desk.phase_content(session, workflow, session.current_phase)
        named = {key: content[key] for key in ("phase_number", "title", "description")}
        answer |= {"next_phase": named, "next_phase_content": content}
    return answer


def put_aside(desk: Desk, session: WorkflowSession, asked: Pause) -> Answer:
    """Pause a driven upgrade between two phases."""
    refuse_undriven(session, Action.PAUSE)
    refuse_at_work(session.session_id)
    refuse_unless_at_rest(desk, session, Action.PAUSE)
    now = datetime.now(UTC)
    session = desk.save(walking.paused(session=session, note=asked.checkpoint_note, now=now))
    noted = session.checkpoint.model_dump(mode="json") if session.checkpoint else None
    return {**going_on(session), "paused": True, "checkpoint": noted, "resume_capable": True}


def take_up(desk: Desk, session: WorkflowSession) -> Answer:
    """Go on with an upgrade that was paused or interrupted.

    One that is driven comes to rest after its current phase; any other goes on to its end.
    """
    if (command := working(session)) is not None:
        return _at_work(desk, session, command)
    idle_s = max(0.0, (datetime.now(UTC) - session.last_updated).total_seconds())
    answer = {"resumed": True, "paused_duration_seconds": idle_s}
    if session.session_status not in runs.OPEN:
        walking.refuse_unless_allowed(session=session, action="resume")
    through: tuple[str, ...] = ()
    if is_driven(session):
        if at_rest(session):
            walking.refuse_unless_allowed(session=session, action="resume")
            session = desk.save(walking.resumed(session=session))
            content = desk.phase_content(session, desk.workflow(session), session.current_phase)
            return {**going_on(session), **answer, "phase_content": content}
        through = ("--through", str(session.current_phase))
    command = run_and_wait(desk, session, "resume", session.session_id, *through)
    told = _came_to(desk, session.session_id, command, well=_WENT_ON)
    stopped = "waits_for" in told or told.get("status") == "error"
    return {**answer, **told, "resumed": not stopped}


def take_back(desk: Desk, session: WorkflowSession, asked: Rollback) -> Answer:
    """Bring everything back that an upgrade changed, and prove it. Raises InvalidError."""
    if (command := working(session)) is not None:
        return _at_work(desk, session, command)
    if asked.to_phase != PRE_FLIGHT:
        raise InvalidError(
            f"an upgrade goes back as a whole, not to phase {asked.to_phase}",
            cure=f"name {PRE_FLIGHT} as to_phase: the installation is what it was before the run "
            "then",
        )
    answer = {"from_phase": session.current_phase, "to_phase": PRE_FLIGHT}
    cleared = sorted(session.phase_artifacts)
    if runs.find_unbegun(desk.installation, session.session_id) is not None:
        walking.refuse_unless_allowed(session=session, action="rollback")
        session = desk.save(at_the_beginning(session))
        content = desk.phase_content(session, desk.workflow(session), PRE_FLIGHT)
        back = {"rolled_back": True, "artifacts_cleared": cleared, "phase_content": content}
        return {**going_on(session), **answer, **back}
    command = run_and_wait(desk, session, "rollback", session.session_id)
    told = _came_to(desk, session.session_id, command, well=frozenset({"rolled_back"}))
    set_aside = list(told.get("report", {}).get("rollback", {}).get("set_aside", ()))
    back = {"rolled_back": told["session_status"] == "rolled_back", "set_aside": set_aside}
    return {**told, **answer, "artifacts_cleared": [], **back}


def try_again(desk: Desk, session: WorkflowSession, asked: RetryPhase) -> Answer:
    """Let a driven upgrade that failed before it changed anything try its phase again.

    Where it has not begun, it is planned anew: what was in its way may be gone, in the source too.
    """
    refuse_undriven(session, Action.RETRY_PHASE)
    walking.refuse_unless_allowed(session=session, action="retry_phase")
    walking.refuse_other_phase(session=session, phase=asked.phase, action="retry_phase")
    run = runs.find_unbegun(desk.installation, session.session_id)
    again = begin_again(desk, run) if run is not None else walking.active_again(session)
    if isinstance(again, dict):
        return again
    session = desk.save(again)
    errors = [each for each in session.errors if each.phase == asked.phase]
    return {
        **going_on(session),
        "phase": asked.phase,
        "retrying": True,
        "attempt": 1 + sum(each.phase == asked.phase for each in session.phase_history),
        "evidence_reset": asked.reset_evidence,
        "evidence_kept": [],
        "phase_content": desk.phase_content(session, desk.workflow(session), asked.phase),
        "previous_errors": desk.without_paths([each.model_dump(mode="json") for each in errors]),
    }


def forget_with_user(desk: Desk, session_id: SessionId, *, reason: str) -> bool:
    """Delete what is with the user of a session; say whether it was one that has not begun.

    Its plan may be gone, or be one that this version cannot read.
    """
    for place in desk.places()[1:]:
        detached.forget(session_id)
        if sessions.there(place, session_id):
            run_folder.remove(place / session_id)
            return sessions.delete(place, session_id, reason=reason)
    return False


def running(desk: Desk, session: WorkflowSession) -> Answer:
    """Return what works on an upgrade at this moment; nothing for other workflows."""
    command = working(session) if is_upgrade(session) else None
    if command is not None:
        return _at_work(desk, session, command)
    return {"running": None} if is_upgrade(session) else {}


# ---- what a command came to -----------------------------------------------------------------

_WENT_ON = frozenset({"completed", "at_rest"})


def _stopped_in(session: WorkflowSession, phase: int) -> bool:
    """Say whether a phase is where an upgrade failed, or where it waits for somebody."""
    waits = session.session_status is SessionStatus.PAUSED and not at_rest(session)
    return session.current_phase == phase and (waits or session.session_status in _STOPPED)


def _last_word(session: WorkflowSession) -> Mapping[str, Any] | None:
    """Return what the last command answered, where that is of the end that the session came to."""
    last = detached.look(session.session_id)
    answer = last.answer if last is not None else None
    return answer if answer and driven_answers.tells_of(answer, session=session) else None


def _foresee(desk: Desk, session: WorkflowSession) -> WorkflowSession:
    run = runs.find_unbegun(desk.installation, session.session_id)
    if run is None:
        raise StateError("the plan of this dry run is gone", cure="start another one")
    return desk.save(foreseen(session, run.plan, now=datetime.now(UTC)))


def _at_work(desk: Desk, session: WorkflowSession, command: Detached) -> Answer:
    done, planned = checks_done(desk, session)
    handle = driven_answers.at_work(
        command=command.arguments[0],
        since=command.since,
        done=done,
        planned=planned,
        session=session,
    )
    return {**going_on(session, works=True), **handle}


def _stopped(desk: Desk, session: WorkflowSession, answer: Mapping[str, Any] | None) -> Answer:
    """Say why an upgrade went no further; ``answer`` is that of the command which tells it."""
    if session.session_status is SessionStatus.PAUSED:
        return {**going_on(session), **driven_answers.waits_for(session)}
    return {
        **going_on(session, interrupted=desk.view(session.session_id).interrupted),
        **driven_answers.stopped(answer, session=session),
        "report": driven_answers.report_of(answer),
    }


def _came_to(
    desk: Desk, session_id: SessionId, command: Detached | None, *, well: frozenset[str]
) -> Answer:
    desk = desk.now()
    session = desk.session(session_id)
    if command is not None and command.works:
        return _at_work(desk, session, command)
    answer = command.answer if command else None
    if answer is not None and answer.get("status") in well:
        report = desk.without_paths(driven_answers.report_of(answer))
        return {**going_on(session), "report": report}
    return _stopped(desk, session, answer)
