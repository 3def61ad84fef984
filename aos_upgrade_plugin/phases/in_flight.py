"""The workflows that the product's own server has in flight. Read, never written."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.workflow.workflow_folders import read_workflow
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.tree import escape, unescape
from aos_upgrade_plugin.phases.installation import Installation

_FORGOTTEN_AFTER = timedelta(days=7)
"""The product's server removes a session that was not touched for so long."""


def workflows_in_flight(installation: Installation, *, now: datetime) -> tuple[str, ...]:
    """Name each workflow that somebody is in the middle of, with its session.

    One whose state cannot be read counts: nobody can say that it is over.
    """
    folder = installation.path / unescape(installation.layout.server_sessions).decode()
    with as_disk_error("looking for workflows in flight"):
        states = sorted(folder.glob("*.json")) if folder.is_dir() else []
        return tuple(_in_flight(states, installation.path / "workflows", now))


def _in_flight(states: list[Path], workflows: Path, now: datetime) -> Iterator[str]:
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
            yield f"{escape(kind.encode())} ({done} of {total or 'unknown'} phases, {name})"


def _total(workflow: Path) -> int | None:
    try:
        definition = read_workflow(workflow)
        return None if definition.dynamic_phases else len(definition.phases) or None
    except DamagedError:
        return None
