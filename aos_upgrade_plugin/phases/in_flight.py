"""The workflows that somebody is in the middle of: our own sessions, and the product's server's.

Read, never written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.decide.migration.renamed_workflows import renamed_workflows, workflow_of
from aos_upgrade_plugin.decide.run.sessions import is_upgrade, stale
from aos_upgrade_plugin.effects.session.sessions import stored
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.workflow.workflow_folders import read_workflow
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowType
from aos_upgrade_plugin.models.status import SessionView
from aos_upgrade_plugin.models.tree import escape, unescape
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.overview import backup_names, session_views
from aos_upgrade_plugin.phases.workflow_names import workflows_of_sessions

_FORGOTTEN_AFTER = timedelta(days=7)
"""The product's server removes a session that was not touched for so long."""
_WALKED = {SessionStatus.ACTIVE, SessionStatus.PAUSED, SessionStatus.FAILED}
"""Of a workflow that fails at a phase, the phase is tried again."""

Leaving = Mapping[str, str]
"""What becomes of the workflows that an upgrade takes away, in words."""


def workflows_in_flight(
    installation: Installation, *, now: datetime, plan: UpgradePlan | None = None
) -> tuple[str, ...]:
    """Name each workflow that somebody is in the middle of, with its session.

    One whose state cannot be read counts: nobody can say that it is over. An interrupted upgrade
    does not, it is no workflow that somebody walks. With a plan it is said what becomes of each
    under whoever walks it, and a session that follows its workflow to another name is left out.
    """
    folder = installation.path / unescape(installation.layout.server_sessions).decode()
    leaving = _leaving(plan) if plan else {}
    following = {one.session_id for one in plan.follows} if plan else set()
    called = _called(installation)
    with as_disk_error("looking for workflows in flight"):
        ours = [
            view
            for view in _not_forgotten(installation.path, now)
            if view.session_id not in following
        ]
        states = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return (
            *_of_ours(ours, called, leaving),
            *_of_the_server(states, installation.path / "workflows", now, leaving),
        )


def walked_workflows(installation: Installation) -> Mapping[SessionId, WorkflowType]:
    """Return what the workflow of each session of ours is called that is not at its end.

    Upgrades are none of them.
    """
    called = _called(installation)
    found = (each.session for each in stored(installation.path))
    return {
        each.session_id: called.get(each.session_id, each.workflow_type)
        for each in found
        if each is not None and each.session_status in _WALKED and not is_upgrade(each)
    }


def _called(installation: Installation) -> Mapping[SessionId, WorkflowType]:
    with suppress(DamagedError):
        return workflows_of_sessions(installation)
    return {}


def _is_walked(view: SessionView) -> bool:
    session = view.session
    if session is None or session.session_status not in _WALKED or view.interrupted:
        return False
    return session.session_status is not SessionStatus.FAILED or not is_upgrade(session)


def _not_forgotten(install: Path, now: datetime) -> Iterator[SessionView]:
    kept = backup_names(install)
    for view in session_views(install, status=None):
        if view.session is None or not stale(session=view.session, now=now, backups=kept):
            yield view


def _of_ours(
    views: Iterable[SessionView], called: Mapping[SessionId, WorkflowType], leaving: Leaving
) -> Iterator[str]:
    for view in views:
        session = view.session
        if session is None:
            yield f"session {view.session_id} (cannot be read)"
        elif _is_walked(view):
            done, total = len(session.completed_phases), session.total_phases or "unknown"
            known = f"{done} of {total} phases, {session.session_status}"
            kind = called.get(view.session_id, session.workflow_type)
            yield f"{kind} ({known}, session {session.session_id}){leaving.get(kind, '')}"


def _of_the_server(
    states: list[Path], workflows: Path, now: datetime, leaving: Leaving
) -> Iterator[str]:
    for path in states:
        modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        if now - modified > _FORGOTTEN_AFTER:
            continue
        name = escape(path.name.encode())
        try:
            state: Any = json.loads(path.read_bytes())
            kind, done = str(state["workflow_type"]), len(state["completed_phases"])
        except (ValueError, KeyError, TypeError):
            yield f"{name} (cannot be read)"
            continue
        total = _total(workflows / kind)
        if total is None or done < total:
            kind = escape(kind.encode())
            known = f"{done} of {total or 'unknown'} phases, {name}"
            yield f"{kind} ({known}){leaving.get(kind, '')}"


def _total(workflow: Path) -> int | None:
    try:
        definition = read_workflow(workflow)
        return None if definition.dynamic_phases else len(definition.phases) or None
    except DamagedError:
        return None


def _leaving(plan: UpgradePlan) -> Leaving:
    gone = {one.change.path for one in plan.changes if one.change.after is None}
    renamed = {one.renamed_from: one.change.path for one in plan.changes if one.renamed_from}
    words = {name: ", which this upgrade removes" for path in gone if (name := workflow_of(path))}
    for old, new in renamed_workflows(renamed).items():
        words[old] = f", which this upgrade renames to {new}"
    return words
