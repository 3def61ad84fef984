"""The actions that only look."""

from aos_upgrade_plugin.actions.workflow_desk import Answer, Desk, going_on
from aos_upgrade_plugin.actions.workflow_runner import working
from aos_upgrade_plugin.actions.workflow_upgrades import running
from aos_upgrade_plugin.decide.run.sessions import is_upgrade
from aos_upgrade_plugin.decide.workflow.definitions import phase_of, task_of
from aos_upgrade_plugin.decide.workflow.task_text import task_text
from aos_upgrade_plugin.decide.workflow.workflow_answers import (
    MOST_SESSIONS,
    artifacts,
    listed,
    plain,
    summary,
    task_content,
)
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.status import SessionView
from aos_upgrade_plugin.models.workflow_call import (
    GetTask,
    ListSessions,
    ListWorkflows,
    OfSession,
)


def list_workflows(desk: Desk, asked: ListWorkflows) -> Answer:
    """Every workflow there is, broken ones with their problem."""
    every = [listed(each) for each in desk.catalogue.listed(desk.installation)]
    categories = sorted({each["category"] for each in every if each["usable"]})
    wanted = asked.category
    shown = [each for each in every if wanted is None or each.get("category") == wanted]
    answer: Answer = {"workflows": shown, "count": len(shown), "next_actions": ["start"]}
    if wanted is not None and wanted not in categories:
        answer["warning"] = "no workflow is of this category"
        answer["valid_categories"] = categories
        answer["next_actions"] = ["list_workflows"]
    return answer


def get_phase(desk: Desk, asked: OfSession) -> Answer:
    """The current phase, with what the phases before it left."""
    view = desk.view(asked.session_id)
    session = desk.session(asked.session_id)
    content = desk.phase_content(session, desk.workflow(session), session.current_phase)
    return {**_standing(view, session), "phase_content": content}


def get_task(desk: Desk, asked: GetTask) -> Answer:
    """One task of a phase, taken apart into steps."""
    view = desk.view(asked.session_id)
    session = desk.session(asked.session_id)
    workflow = desk.workflow(session)
    phase = phase_of(definition=workflow.definition, number=asked.phase, total=session.total_phases)
    task = task_of(phase=phase, number=asked.task_number)
    whole = workflow.text_of_task(phase, task)
    content = task_content(number=task.number, text=task_text(whole, name=task.name), whole=whole)
    numbers = [each.number for each in phase.tasks]
    return {
        **_standing(view, session),
        "phase": phase.number,
        "task_content": content,
        "next_task": next((each for each in numbers if each > task.number), None),
    }


def get_state(desk: Desk, asked: OfSession) -> Answer:
    """Where a session stands, with everything that its phases left."""
    view = desk.view(asked.session_id)
    session = desk.session(asked.session_id)
    waits = session.session_status is SessionStatus.PAUSED  # for a command to be typed, perhaps
    return {
        **_standing(view, session),
        "workflow_type": session.workflow_type,
        "target_file": session.target_file,
        "completed_phases": list(session.completed_phases),
        "artifacts": artifacts(session),
        "status_reason": session.status_reason
        if waits
        else desk.without_paths(session.status_reason),
        "created_at": session.created_at.isoformat(),
        "last_updated": session.last_updated.isoformat(),
        "interrupted": view.interrupted and not _works(session),
        "resume_capable": view.interrupted or session.session_status in _RESUMABLE,
        "problem": view.problem,
        **running(desk, session),
    }


def _standing(view: SessionView, session: WorkflowSession) -> Answer:
    """What every answer about a session says, of one that something may be at work on."""
    works = _works(session)
    return going_on(session, interrupted=view.interrupted and not works, works=works)


def _works(session: WorkflowSession) -> bool:
    """Say so also while the last gate measures, which wants the lock released."""
    return is_upgrade(session) and working(session) is not None


_RESUMABLE = frozenset({SessionStatus.ACTIVE, SessionStatus.PAUSED, SessionStatus.FAILED})


def list_sessions(desk: Desk, asked: ListSessions) -> Answer:
    """Every session, or those in a state, the one that was used last first."""
    if asked.status is not None and asked.status not in set(SessionStatus):
        raise UsageError(
            "status: there is no such state", cure=f"name one of: {', '.join(SessionStatus)}"
        )
    status = SessionStatus(asked.status) if asked.status else None
    views = desk.views(status)
    shown = [summary(view) for view in views[:MOST_SESSIONS]]
    stale = sum(view.stale for view in views)
    after = ["get_state", "delete_session"] if stale else ["get_state"]
    return {
        "sessions": shown,
        "count": len(views),
        "not_shown": len(views) - len(shown),
        "stale_count": stale,
        "next_actions": after if shown else ["list_workflows", "start"],
    }


def get_session(desk: Desk, asked: OfSession) -> Answer:
    """All that is kept of a session."""
    view = desk.view(asked.session_id)
    session = desk.session(asked.session_id)
    left_out = {"metadata", "schema_version", "phase_artifacts"}
    shown = session.model_dump(mode="json", exclude=left_out)
    state = {"interrupted": view.interrupted, "stale": view.stale, "problem": view.problem}
    return {
        **_standing(view, session),
        "session": {
            **shown,
            "status": session.session_status.value,
            "phase_artifacts": artifacts(session),
            **state,
        },
    }


def get_errors(desk: Desk, asked: OfSession) -> Answer:
    """Everything that went wrong in a session."""
    view = desk.view(asked.session_id)
    session = desk.session(asked.session_id)
    errors = desk.without_paths(plain(session.errors))
    return {
        **_standing(view, session),
        "errors": errors,
        "error_count": len(errors),
        "last_error": errors[-1] if errors else None,
    }
