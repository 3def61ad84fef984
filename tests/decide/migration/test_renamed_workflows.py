"""Sessions that follow their workflow to the name that upstream gave it."""

import json
from datetime import UTC, datetime

import pytest

from aos_upgrade_plugin.decide.migration.renamed_workflows import workflow_sessions
from aos_upgrade_plugin.models.session import WorkflowSession
from tests.decide.migration_facts import facts

OLD, NEW = "workflows/review_v1/metadata.json", "workflows/audit_v1/metadata.json"
NOW = datetime(2025, 11, 21, tzinfo=UTC)


def _session(workflow: str) -> WorkflowSession:
    return WorkflowSession(
        session_id=f"of_{workflow}",
        workflow_type=workflow,
        target_file="x",
        current_phase=1,
        created_at=NOW,
        last_updated=NOW,
    )


def _definition(*names: str, **more: str) -> bytes:
    phases = [{"phase_number": number, "phase_name": name} for number, name in enumerate(names)]
    return json.dumps({"version": "1", "phases": phases, **more}).encode()


def test_a_session_follows_a_workflow_with_the_same_phases() -> None:
    """Named with both names; sessions of other workflows are none of it."""
    found = workflow_sessions(
        facts(
            local={OLD: _definition("read", "write")},
            incoming={NEW: _definition("read", "write", description="said anew")},
            renames={OLD: NEW, "workflows/review_v1/phases/0.md": "workflows/audit_v1/phases/0.md"},
            sessions=(_session("review_v1"), _session("other_v1")),
        )
    )
    assert found is not None
    assert not found.needed
    assert found.lines == ("session of_review_v1: review_v1 goes on as audit_v1",)


@pytest.mark.parametrize(
    "comes",
    [
        pytest.param(_definition("read", "judge"), id="another-name"),
        pytest.param(_definition("read", "write", "publish"), id="one-more"),
        pytest.param(b"{", id="no-definition"),
        pytest.param(None, id="never-comes"),
    ],
)
def test_what_was_done_must_count_for_what_comes(comes: bytes | None) -> None:
    """With other phases, or none that can be read, the session would stand at the wrong place."""
    incoming = {} if comes is None else {NEW: comes}
    local = {OLD: _definition("read", "write")}
    sessions = (_session("review_v1"),)
    assert (
        workflow_sessions(
            facts(local=local, incoming=incoming, renames={OLD: NEW}, sessions=sessions)
        )
        is None
    )


def test_nothing_applies_without_a_rename_or_a_session() -> None:
    """Neither a renamed file of a workflow nor a workflow that the user took away counts."""
    text = _definition("read")
    sessions = (_session("review_v1"),)
    moved = {"workflows/review_v1/README.md": "workflows/audit_v1/README.md"}
    for case in (
        facts(local={OLD: text}, incoming={NEW: text}, renames={OLD: NEW}),
        facts(local={OLD: text}, incoming={NEW: text}, renames=moved, sessions=sessions),
        facts(local={}, incoming={NEW: text}, renames={OLD: NEW}, sessions=sessions),
    ):
        assert workflow_sessions(case) is None
