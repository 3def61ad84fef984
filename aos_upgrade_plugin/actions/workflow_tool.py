"""The tool: fourteen actions, one door. The command line and the MCP server both call it."""

import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.actions.upgrade_start import questions
from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue
from aos_upgrade_plugin.actions.workflow_desk import Answer, Desk, Waiting, known_folders, unheard
from aos_upgrade_plugin.actions.workflow_looking import (
    get_errors,
    get_phase,
    get_session,
    get_state,
    get_task,
    list_sessions,
    list_workflows,
)
from aos_upgrade_plugin.actions.workflow_walking import (
    complete_phase,
    delete_session,
    pause,
    resume,
    retry_phase,
    rollback,
    start,
)
from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.decide.workflow.workflow_call import (
    Folders,
    action_of,
    error_fields,
    pathless,
    request_of,
)
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.words import line
from aos_upgrade_plugin.models.workflow_call import Action, Start
from aos_upgrade_plugin.phases.installation import Installation, find
from aos_upgrade_plugin.plugins import installed_plugins

_log = logging.getLogger(__name__)

HANDLERS: Mapping[Action, Callable[[Desk, Any], Answer]] = {
    Action.LIST_WORKFLOWS: list_workflows,
    Action.START: start,
    Action.GET_PHASE: get_phase,
    Action.GET_TASK: get_task,
    Action.COMPLETE_PHASE: complete_phase,
    Action.GET_STATE: get_state,
    Action.LIST_SESSIONS: list_sessions,
    Action.GET_SESSION: get_session,
    Action.DELETE_SESSION: delete_session,
    Action.PAUSE: pause,
    Action.RESUME: resume,
    Action.RETRY_PHASE: retry_phase,
    Action.ROLLBACK: rollback,
    Action.GET_ERRORS: get_errors,
}

Watch = Callable[[Mapping[str, Any], Answer, float], None]
"""Gets each call, its answer, and how many seconds it took; raises nothing."""


class WorkflowTool:
    """The workflows and sessions of the installation that a folder is, holds or lies in."""

    def __init__(
        self, start_at: Path, catalogue: Catalogue, *, patience_s: float | None = None
    ) -> None:
        """Look for the installation anew at each call: an upgrade may give it another name.

        A call waits for ``patience_s`` at most for what it began; without, to its end.
        """
        self._start_at = start_at
        self._patience_s = patience_s
        self.catalogue = catalogue
        self.watch: Watch | None = None

    def installation(self) -> Installation:
        """Return the installation as a call would find it now. Raises NotFoundError, DiskError."""
        return find(self._start_at)

    def call(self, arguments: Mapping[str, Any], *, waiting: Waiting = unheard) -> Answer:
        """Do what a call says and return the answer; an error is one, too. Nothing is raised.

        ``waiting`` hears how far something is that the call waits for.
        """
        began = time.perf_counter()
        answer = self._answer(arguments, waiting)
        if answer["status"] == "error":
            answer = pathless(answer, known=self._known_folders())
        if self.watch is not None:
            self.watch(arguments, answer, time.perf_counter() - began)
        return answer

    def _known_folders(self) -> Folders:
        with suppress(UpgradeError):
            return known_folders(self.installation().project)
        start_at = self._start_at.absolute()
        return known_folders(start_at, start_at.parent)

    def _answer(self, arguments: Mapping[str, Any], waiting: Waiting) -> Answer:
        name = arguments.get("action")
        parameters = {key: value for key, value in arguments.items() if key != "action"}
        told: Answer = {"action": line(name) if isinstance(name, str) else None}
        try:
            action = action_of(name)
            request = request_of(action=action, arguments=parameters)
            desk = Desk(self.installation(), self.catalogue, waiting, self._patience_s)
            return {"status": "success", **told, **HANDLERS[action](desk, request)}
        except UpgradeError as error:
            _log.info("%s: %s", name, error, exc_info=error)
            fields = error_fields(error)
        except Exception as bug:  # noqa: BLE001  the caller gets one line, the log all of it
            _log.exception("%s", name)
            fields = {
                "error": f"{action_name(name)} failed: {type(bug).__name__}",
                "error_type": "RuntimeError",
                "remediation": "look at the log, and at: aos-upgrade doctor",
            }
        return {"status": "error", **told, **fields, "next_actions": _after_error(fields)}

    def questions(self, arguments: Mapping[str, Any]) -> Answer | None:
        """Return what a ``start`` would ask to be decided; nothing where it would not ask."""
        with suppress(UpgradeError):
            action = action_of(arguments.get("action"))
            rest = {key: value for key, value in arguments.items() if key != "action"}
            request = request_of(action=action, arguments=rest)
            if isinstance(request, Start) and request.workflow_type in UPGRADE_WORKFLOWS:
                return questions(Desk(self.installation(), self.catalogue), request)
        return None


def open_tool(
    start_at: Path, *, source: Path | None = None, patience_s: float | None = None
) -> WorkflowTool:
    """Return the tool with the workflows of every plugin, and of a source where one is named."""
    catalogue = Catalogue(installed_plugins(), source=source)
    return WorkflowTool(start_at, catalogue, patience_s=patience_s)


def action_name(name: object) -> str:
    """Return an action's name as it may be shown."""
    return line(name)[:60] if isinstance(name, str) else "the call"


def _after_error(fields: Mapping[str, Any]) -> list[str]:
    match fields["error_type"]:
        case "NotFoundError":
            return ["list_sessions", "list_workflows"]
        case "StateError" | "ValidationError":
            return ["get_state", "get_phase"]
        case _:
            return ["list_workflows", "list_sessions"]
