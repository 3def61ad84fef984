"""What every action needs at hand: the installation, its sessions, the workflows."""

from typing import Any, NamedTuple

from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue, Usable
from aos_upgrade_plugin.decide.workflow.definitions import phase_of
from aos_upgrade_plugin.decide.workflow.workflow_answers import next_actions, phase_content
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.errors import DamagedError, NotFoundError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.status import SessionView
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.overview import session_view

Answer = dict[str, Any]


class Desk(NamedTuple):
    """One call's surroundings."""

    installation: Installation
    catalogue: Catalogue

    def view(self, session_id: SessionId) -> SessionView:
        """Return a session as it looks from outside. Raises NotFoundError, DamagedError."""
        try:
            return session_view(self.installation.path, session_id)
        except NotFoundError as error:
            raise NotFoundError(
                f"there is no session {session_id!r}", cure="list_sessions names those there are"
            ) from error

    def session(self, session_id: SessionId) -> WorkflowSession:
        """Return a session. Raises NotFoundError, DamagedError."""
        session = self.view(session_id).session
        if session is None:
            raise DamagedError(
                f"the session {session_id} cannot be read", cure="look at it: get_session"
            )
        return session

    def save(self, session: WorkflowSession) -> WorkflowSession:
        """Save a session; raise StaleError where somebody else was faster."""
        return sessions.save(self.installation.path, session)

    def workflow(self, session: WorkflowSession) -> Usable:
        """Return the workflow that a session walks.

        Raises NotFoundError where an upgrade took it away meanwhile.
        """
        try:
            return self.catalogue.find(self.installation, session.workflow_type)
        except NotFoundError as error:
            raise NotFoundError(
                f"the workflow {session.workflow_type!r} of this session is not there any more",
                cure="an upgrade may have renamed it: list_workflows names those there are; start "
                "that one, and delete this session",
            ) from error

    def phase_content(self, session: WorkflowSession, workflow: Usable, number: int) -> Answer:
        """Return a phase of a session's workflow as whoever carries it out gets it."""
        phase = phase_of(definition=workflow.definition, number=number, total=session.total_phases)
        return phase_content(phase=phase, text=workflow.text_of(phase), session=session)


def going_on(session: WorkflowSession, *, interrupted: bool = False) -> Answer:
    """Return what every answer about a session says."""
    return {
        "session_id": session.session_id,
        "session_status": session.session_status.value,
        "current_phase": session.current_phase,
        "total_phases": session.total_phases,
        "next_actions": next_actions(session=session, interrupted=interrupted),
    }
