"""Sessions that follow their workflow to the name that upstream gave it."""

import json
from dataclasses import replace

import pytest

from aos_upgrade_plugin.decide.migration.renamed_workflows import workflow_of, workflow_sessions
from aos_upgrade_plugin.models.migration import MigrationFacts
from aos_upgrade_plugin.models.tree import Entry, Kind
from tests.decide.migration_facts import facts

OLD, NEW = "workflows/review_v1/metadata.json", "workflows/audit_v1/metadata.json"


def _definition(*names: str, **more: object) -> bytes:
    phases = [{"phase_number": number, "phase_name": name} for number, name in enumerate(names)]
    return json.dumps({"version": "1", "phases": phases, **more}).encode()


def _facts(
    comes: bytes | None = None, *, new: str = NEW, stands: dict[str, bytes] | None = None
) -> MigrationFacts:
    comes = _definition("read", "write") if comes is None else comes
    return facts(
        local={OLD: _definition("read", "write"), **(stands or {})},
        incoming={new: comes},
        renames={OLD: new},
        sessions={"mine": "review_v1"},
    )


def test_sessions_follow_a_workflow_with_the_same_phases() -> None:
    """By what their workflow is called here; sessions of other workflows are none of it."""
    found = workflow_sessions(
        facts(
            local={OLD: _definition("read", "write")},
            incoming={NEW: _definition("read", "write", description="said anew")},
            renames={OLD: NEW, "workflows/review_v1/README.md": "workflows/audit_v1/README.md"},
            sessions={"two": "review_v1", "one": "review_v1", "three": "other_v1"},
        )
    )
    assert found is not None
    assert not found.needed
    assert found.lines == ("session one goes on as audit_v1", "session two goes on as audit_v1")
    assert found.why.startswith("upstream renames review_v1 to audit_v1, ")


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(_facts(_definition("read", "judge")), id="a-phase-of-another-name"),
        pytest.param(_facts(_definition("read", "write", "publish")), id="one-more-phase"),
        pytest.param(_facts(_definition("read", "write", dynamic_phases=True)), id="dynamic"),
        pytest.param(_facts(b"{"), id="no-definition"),
        pytest.param(_facts(stands={"workflows/audit_v1": b""}), id="the-user's-is-in-the-way"),
        pytest.param(
            _facts(new="workflows/praxis_os_upgrade_v1/metadata.json"), id="an-upgrade's-name"
        ),
        pytest.param(_facts(new="workflows/audit v1/metadata.json"), id="no-name-of-a-workflow"),
    ],
)
def test_what_was_done_must_count_for_what_is_walked_then(case: MigrationFacts) -> None:
    """Else the session would stand at the wrong place, or in another workflow."""
    assert workflow_sessions(case) is None


def test_what_is_no_file_is_not_read() -> None:
    """A link or a pipe where the definition should be says nothing, and stops nobody."""
    case = _facts()
    assert workflow_sessions(case) is not None
    for entry in (Entry(kind=Kind.FIFO), Entry(kind=Kind.LINK, link_target="x"), None):
        target = {**case.target, OLD: entry} if entry else {}
        assert workflow_sessions(replace(case, target=target)) is None


def test_a_definition_is_told_by_its_place() -> None:
    """Directly in a workflow's folder, whose name a session can have."""
    assert workflow_of(OLD) == "review_v1"
    for path in (
        "workflows/metadata.json",
        "workflows/review_v1/phases/metadata.json",
        "workflows/review_v1/README.md",
        "standards/review_v1/metadata.json",
        f"workflows/{'n' * 81}/metadata.json",
    ):
        assert workflow_of(path) is None
