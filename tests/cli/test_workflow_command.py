"""``aos-upgrade workflow``: the same answers as the tool's, and an exit status."""

import json
from pathlib import Path

from tests.actions.workflow_places import EVIDENCE, lay_workflow
from tests.cli.conftest import Aos


def test_a_workflow_by_command(aos: Aos, install: Path) -> None:
    """One object on standard output for each action; errors are answers with a status."""
    lay_workflow(install / "workflows")
    begun = aos("workflow", "start", "--workflow-type", "review_v1", "--target-file", "src")
    assert (begun.status, begun.err) == (0, "")
    (install.parent / "evidence.json").write_text(json.dumps({**EVIDENCE, "read": "yes"}))
    ask = ("workflow", "complete_phase", "--session-id", begun.json["session_id"], "--phase", "0")
    shut = aos(*ask, "--evidence", "@evidence.json")
    assert (shut.status, shut.json["checkpoint_passed"]) == (1, False)
    assert "--evidence is no JSON" in aos(*ask, "--evidence", "{").error
    unknown = aos("workflow", "fly")
    assert unknown.status == 2
    assert "start" in unknown.json["valid_actions"]
