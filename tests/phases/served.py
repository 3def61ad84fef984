"""Runs of installations that can serve, without all that leads to one."""

from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.phases.installation import find
from tests.checks import gates


def run_of(site: Site, folder: Path) -> Run:
    """Return a run that is about to back up an installation."""
    now = datetime.now(UTC)
    session = WorkflowSession.model_validate(
        {
            "session_id": "one",
            "workflow_type": "agent_os_upgrade_v1",
            "target_file": "mcp_server",
            "current_phase": 1,
            "created_at": now,
            "last_updated": now,
        }
    )
    return Run(
        install=site.install,
        project=site.project,
        layout=find(site.install).layout,
        settings=Settings(source_path=folder),
        plan=gates.plan_of(site),
        checks=(),
        waivers=(),
        session=session,
        folder=folder,
    )
