"""What every action needs at hand: the installation, its sessions, the workflows."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue, Usable
from aos_upgrade_plugin.decide.run.sessions import is_driven, is_upgrade, matching
from aos_upgrade_plugin.decide.workflow.definitions import phase_of
from aos_upgrade_plugin.decide.workflow.driving import evidence_measured
from aos_upgrade_plugin.decide.workflow.upgrade_moves import upgrade_moves
from aos_upgrade_plugin.decide.workflow.workflow_answers import next_actions, phase_content
from aos_upgrade_plugin.decide.workflow.workflow_call import Folders, pathless
from aos_upgrade_plugin.effects.session import run_folder, sessions
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.errors import DamagedError, DiskError, NotFoundError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.status import SessionView
from aos_upgrade_plugin.models.tree import shown
from aos_upgrade_plugin.phases.installation import Installation, find
from aos_upgrade_plugin.phases.overview import session_view, session_views
from aos_upgrade_plugin.phases.workflow_names import workflows_of_sessions

Answer = dict[str, Any]
Waiting = Callable[[int, int, str], None]
"""Hears how many checks are done, how many were planned, and what is done."""


def unheard(done: int, planned: int, what: str) -> None:
    """Hear it and do nothing."""


def known_folders(*folders: Path) -> Folders:
    """Return what folders are called in an answer, and this user's own with them."""
    known = {each: each.name for folder in folders for each in (folder, folder.resolve())}
    with suppress(RuntimeError):  # there is no home
        known[Path.home()] = "~"
    named = {path: name for path, name in known.items() if path.name}
    escaped = {shown(path): shown(name) for path, name in named.items()}
    return {**escaped, **{str(path): name for path, name in named.items()}}


class Desk(NamedTuple):
    """One call's surroundings."""

    installation: Installation
    catalogue: Catalogue
    waiting: Waiting = unheard
    """Hears now and then how far something is that a call waits for."""

    patience_s: float | None = None
    """For how long a call waits for what it began; nothing where it waits to the end."""

    def now(self) -> "Desk":
        """Return the desk at the installation where it is now: an upgrade may have renamed it."""
        return self._replace(installation=find(self.installation.project))

    def without_paths(self, value: Any) -> Any:  # noqa: ANN401  JSON
        """Return a part of an answer without the absolute paths in its texts."""
        return pathless(value, known=known_folders(self.installation.project))

    def places(self) -> tuple[Path, ...]:
        """Return where sessions are kept: the installation, and with the user what has not begun.

        Where there is no home nothing can be with the user.
        """
        install = self.installation.path
        with suppress(DiskError):
            return install, run_folder.with_user(install)
        return (install,)

    def store(self, session_id: SessionId) -> Path:
        """Return where a session is kept; the installation where there is none."""
        found = (each for each in self.places() if sessions.there(each, session_id))
        return next(found, self.installation.path)

    def views(self, status: SessionStatus | None) -> tuple[SessionView, ...]:
        """Return every session in a state, or all; the one that was used last comes first."""
        every: dict[SessionId, SessionView] = {}
        for place in self.places():  # one that a kill left in both has begun
            for each in session_views(place, status=None):
                every.setdefault(each.session_id, each)
        return matching(sessions=every.values(), status=status)

    def view(self, session_id: SessionId) -> SessionView:
        """Return a session as it looks from outside. Raises NotFoundError, DamagedError."""
        for place in (*self.places(), self.installation.path):  # it may move in meanwhile
            with suppress(NotFoundError):
                return session_view(place, session_id)
        raise NotFoundError(
            f"there is no session {session_id!r}", cure="list_sessions names those there are"
        )

    def session(self, session_id: SessionId) -> WorkflowSession:
        """Return a session. Raises NotFoundError, DamagedError."""
        session = self.view(session_id).session
        if session is None:
            raise DamagedError(
                f"the session {session_id} cannot be read", cure="look at it: get_session"
            )
        return session

    def save(self, session: WorkflowSession) -> WorkflowSession:
        """Save a session; raise StaleError where somebody else was faster.

        Raises BusyError where a command is at work on an upgrade that has begun: under its hands
        the session would be another one, and what it does next would fail.
        """
        install, name = self.installation.path, session.session_id
        if not is_driven(session):
            return sessions.save(install, session)
        place = self.store(name)
        if place != install:
            return sessions.save(place, session)
        with hold(install, session=name, command="workflow"):
            return sessions.save(install, session)

    def workflow(self, session: WorkflowSession) -> Usable:
        """Return the workflow that a session walks.

        Where none has the name that is recorded, the one that it began with counts: a backup may
        have been restored since. Raises NotFoundError where an upgrade took it away meanwhile;
        DamagedError where nobody can tell what it is called now.
        """
        began = session.workflow_type
        if is_upgrade(session):
            return self.catalogue.find(self.installation, began)
        now = workflows_of_sessions(self.installation).get(session.session_id, began)
        for name in dict.fromkeys((now, began)):
            with suppress(NotFoundError):
                return self.catalogue.find(self.installation, name)
        raise NotFoundError(
            f"the workflow {now!r} of this session is not there any more",
            cure="an upgrade may have renamed it, or a rollback brought an earlier name back: "
            "list_workflows names those there are; start that one, and delete this session",
        )

    def phase_content(self, session: WorkflowSession, workflow: Usable, number: int) -> Answer:
        """Return a phase of a session's workflow as whoever carries it out gets it."""
        phase = phase_of(definition=workflow.definition, number=number, total=session.total_phases)
        content = phase_content(phase=phase, text=workflow.text_of(phase), session=session)
        if is_upgrade(session):
            content["evidence_required"] = evidence_measured(number)
        return content


def going_on(session: WorkflowSession, *, interrupted: bool = False, works: bool = False) -> Answer:
    """Return what every answer about a session says; ``works`` where a command is at work on it."""
    if is_upgrade(session):
        moves = upgrade_moves(session, interrupted=interrupted, works=works)
    else:
        moves = next_actions(session=session)
    return {
        "session_id": session.session_id,
        "session_status": session.session_status.value,
        "current_phase": session.current_phase,
        "total_phases": session.total_phases,
        "next_actions": moves,
    }
