"""The workflows that somebody is in the middle of while an upgrade is planned."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.phases.in_flight import walked_workflows, workflows_in_flight
from aos_upgrade_plugin.phases.installation import find
from tests.effects.repositories import build
from tests.phases.products import lay_down, plan, product, put

TEXT = json.dumps({"phases": [{"phase_number": number} for number in range(3)]}, indent=1).encode()
OLD = product(
    {
        "workflows/a/metadata.json": TEXT + b"a",
        "workflows/b/metadata.json": TEXT + b"b",
        "workflows/c/metadata.json": b"not json, and not like the others",
    }
)
NEW = product({"workflows/a/metadata.json": TEXT + b"a", "workflows/d/metadata.json": TEXT + b"b"})


@pytest.mark.parametrize("status", [SessionStatus.ACTIVE, SessionStatus.PAUSED])
def test_what_becomes_of_a_workflow_under_a_session_is_said(
    tmp_path: Path, status: SessionStatus
) -> None:
    """Of our own sessions as of the server's: nothing, another name, or that it goes."""
    build(tmp_path / "source", OLD, NEW)
    install = lay_down(OLD, tmp_path / "project")
    for name in ("a", "b"):
        sessions.save(install, _session(f"of_{name}", name, status))
    put(install, ".cache/state/s.json", b'{"workflow_type": "c", "completed_phases": [0]}')
    upgrade = plan(tmp_path / "project", tmp_path / "source")
    found = workflows_in_flight(find(install), now=datetime.now(UTC), plan=upgrade)
    assert {*found} == {
        f"a (1 of 3 phases, {status}, session of_a)",
        f"b (1 of 3 phases, {status}, session of_b), which this upgrade renames to d",
        "c (1 of unknown phases, s.json), which this upgrade removes",
    }


def test_a_workflow_that_failed_at_a_phase_is_tried_again(tmp_path: Path) -> None:
    """So it is in flight; an upgrade that failed has gone back, and is not."""
    install = lay_down(OLD, tmp_path / "project")
    sessions.save(install, _session("failed", "a", SessionStatus.FAILED))
    sessions.save(install, _session("upgrade", UPGRADE, SessionStatus.FAILED))
    (found,) = workflows_in_flight(find(install), now=datetime.now(UTC))
    assert found == "a (1 of 3 phases, failed, session failed)"
    assert walked_workflows(find(install)) == {"failed": "a"}


def test_what_is_over_or_long_forgotten_is_not_in_flight(tmp_path: Path) -> None:
    """A completed one, and one that nobody touched for a week."""
    install = lay_down(OLD, tmp_path / "project")
    sessions.save(install, _session("over", "a", SessionStatus.COMPLETED))
    sessions.save(install, _session("stale", "a", SessionStatus.ACTIVE))
    later = datetime.now(UTC) + timedelta(days=8)
    assert workflows_in_flight(find(install), now=later) == ()


def _session(name: str, workflow: str, status: SessionStatus) -> WorkflowSession:
    now = datetime.now(UTC)
    return WorkflowSession(
        session_id=name,
        workflow_type=workflow,
        target_file="x",
        session_status=status,
        current_phase=1,
        total_phases=3,
        completed_phases=(0,),
        created_at=now,
        last_updated=now,
    )
