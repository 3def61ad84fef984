"""The workflows that somebody is in the middle of: our own sessions, and the product's server's.

Read, never written.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.decide.migration.renamed_workflows import renamed_workflows, workflow_of
from aos_upgrade_plugin.decide.run.sessions import stale
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.workflow.workflow_folders import read_workflow
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.status import SessionView
from aos_upgrade_plugin.models.tree import escape, unescape
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.overview import backup_names, session_views

_FORGOTTEN_AFTER = timedelta(days=7)
"""The product's server removes a session that was not touched for so long."""
_UNDER_WAY = {SessionStatus.ACTIVE, SessionStatus.PAUSED}

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
    following = {(one.session_id, one.workflow_type) for one in plan.follows} if plan else set()
    with as_disk_error("looking for workflows in flight"):
        ours = [
            view
            for view in _not_forgotten(installation.path, now)
            if view.session is None
            or (view.session_id, view.session.workflow_type) not in following
        ]
        states = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return (
            *_of_ours(ours, leaving),
            *_of_the_server(states, installation.path / "workflows", now, leaving),
        )


def walked_sessions(installation: Installation, *, now: datetime) -> tuple[WorkflowSession, ...]:
    """Return our own sessions of the workflows that somebody is in the middle of."""
    found = (view.session for view in _not_forgotten(installation.path, now) if _is_walked(view))
    return tuple(session for session in found if session is not None)


def _is_walked(view: SessionView) -> bool:
    session = view.session
    return session is not None and session.session_status in _UNDER_WAY and not view.interrupted


def _not_forgotten(install: Path, now: datetime) -> Iterator[SessionView]:
    kept = backup_names(install)
    for view in session_views(install, status=None):
        if view.session is None or not stale(session=view.session, now=now, backups=kept):
            yield view


def _of_ours(views: Iterable[SessionView], leaving: Leaving) -> Iterator[str]:
    for view in views:
        session = view.session
        if session is None:
            yield f"session {view.session_id} (cannot be read)"
        elif _is_walked(view):
            done, total = len(session.completed_phases), session.total_phases or "unknown"
            known = f"{done} of {total} phases, {session.session_status}"
            kind = escape(session.workflow_type.encode())
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
