"""The workflows that an installation holds, by what servers and sessions call them."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from aos_upgrade_plugin.effects.source.base_store import read_record
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.session import WorkflowType
from aos_upgrade_plugin.phases.installation import Installation


def installed_workflows(installation: Installation) -> Mapping[Path, frozenset[str]]:
    """Return every folder with a definition, and the names under which a server may list it."""
    with as_disk_error("looking for workflows"):
        return {
            file.parent: frozenset({file.parent.name, *_names(file)})
            for file in sorted(place_of_workflows(installation).glob("*/metadata.json"))
        }


def workflows_of_sessions(installation: Installation) -> Mapping[SessionId, WorkflowType]:
    """Return what the workflows of sessions are called now that upstream renamed meanwhile.

    Raises DamagedError where the record cannot be read that says so.
    """
    with as_disk_error("looking for workflows"):
        kept = read_record(installation.path)
    if kept.problem:
        raise DamagedError(
            f"what the workflows of sessions are called now cannot be told: {kept.problem}",
            cure="bring that file back, or take the upgrade back: aos-upgrade rollback",
        )
    return kept.record.sessions if kept.record else {}


def place_of_workflows(installation: Installation) -> Path:
    """Return the folder of workflows, which the configuration may name."""
    rag = _read(installation.path / installation.layout.config).get("rag")
    named = rag.get("workflows_path") if isinstance(rag, dict) else None
    if isinstance(named, str):
        for place in (installation.project / named, installation.path / named):
            if place.is_dir():
                return place
    return installation.path / "workflows"


def _names(metadata: Path) -> Iterator[str]:
    told = _read(metadata)
    return (str(told[key]) for key in ("workflow_type", "name") if key in told)


def _read(file: Path) -> Mapping[str, object]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
