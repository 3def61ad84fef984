"""Commands that change an installation for the tool, and waiting for them."""

import json
import time
from contextlib import suppress

from aos_upgrade_plugin.actions.workflow_desk import Desk
from aos_upgrade_plugin.decide.run.sessions import is_driven
from aos_upgrade_plugin.effects.session import detached, run_folder
from aos_upgrade_plugin.effects.session.detached import Detached
from aos_upgrade_plugin.models.run import EVENTS
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.workflow import SERVER

_LOOK_EVERY_S = 0.1
_TELL_EVERY = 10
"""Looks."""


def working(session: WorkflowSession) -> Detached | None:
    """Return the command that works on a session at this moment."""
    found = detached.look(session.session_id)
    return found if found is not None and found.works else None


def run_and_wait(desk: Desk, session: WorkflowSession, *arguments: str) -> Detached | None:
    """Run a command that changes the installation; wait for it as long as a client would.

    Where it may stop a server nobody waits: whoever asked may have asked through that server.
    Returns the command as it stands then; nothing where nothing is known of it.
    """
    name, at = session.session_id, desk.installation
    where = ("--target", str(at.project / at.layout.folder))
    detached.start(name, (*arguments, *where, "--json"), folder=at.project)
    patience_s = desk.patience_s
    to_the_end = not is_driven(session)
    if patience_s is not None and (to_the_end or session.current_phase >= SERVER):
        patience_s = 0.0
    give_up_at = None if patience_s is None else time.monotonic() + patience_s
    looks = 0
    while (found := detached.look(name)) is not None and found.works:
        if give_up_at is not None and time.monotonic() >= give_up_at:
            break
        if looks % _TELL_EVERY == 0:
            desk.waiting(*checks_done(desk, session), arguments[0])
        looks += 1
        time.sleep(_LOOK_EVERY_S)
    return found


def checks_done(desk: Desk, session: WorkflowSession) -> tuple[int, int]:
    """Return how many checks of the gate that is measured are done, and how many it has."""
    done = planned = 0
    for line in _events(desk, session):
        with suppress(ValueError, KeyError, TypeError):
            kind = json.loads(line)["event"]["kind"]
            if kind == "opened":
                done = planned = 0
            done += kind in {"ended", "excused"}
            planned += kind == "planned"
    return done, planned


def _events(desk: Desk, session: WorkflowSession) -> list[bytes]:
    install, name = desk.installation.path, session.session_id
    for folder in (run_folder.of_session(install, name), run_folder.with_user(install) / name):
        with suppress(OSError):
            return (folder / "evidence" / EVENTS).read_bytes().splitlines()
    return []
