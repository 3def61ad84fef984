"""What the tool refuses to do with an upgrade, by how it stands."""

from aos_upgrade_plugin.actions.workflow_desk import Desk
from aos_upgrade_plugin.decide.run.sessions import at_rest, is_driven
from aos_upgrade_plugin.decide.workflow import walking
from aos_upgrade_plugin.effects.session import detached
from aos_upgrade_plugin.errors import StateError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.workflow_call import Action


def refuse_at_work(session_id: SessionId) -> None:
    """Raise StateError where a command of the tool's is at work on a session."""
    command = detached.look(session_id)
    if command is not None and command.works:
        raise StateError(
            f"something works on the session {session_id}", cure="wait for it: get_state"
        )


def refuse_undriven(session: WorkflowSession, action: Action) -> None:
    """Raise StateError for an upgrade that is not for the tool to take from phase to phase."""
    if not is_driven(session):
        name = session.session_id
        raise StateError(
            f"this upgrade was begun by aos-upgrade run, which takes it to its end: {action} is "
            "refused",
            cure=f"go on with resume, or back with rollback: aos-upgrade resume {name}",
        )


def refuse_unless_at_rest(desk: Desk, session: WorkflowSession, action: Action) -> None:
    """Raise StateError where a driven upgrade is not between two phases."""
    walking.refuse_unless_allowed(session=session, action=action)
    if at_rest(session):
        return
    if desk.view(session.session_id).interrupted:
        raise StateError(
            f"the session was interrupted in phase {session.current_phase}: {action} is refused",
            cure="take it up again with resume, or back with rollback",
        )
    raise StateError(
        f"somebody else works on phase {session.current_phase} of the session: {action} is refused",
        cure="wait for it: get_state; who it is: aos-upgrade status",
    )
