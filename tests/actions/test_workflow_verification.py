"""``workflow verify``: a real server that keeps its contract, and one that does not."""

import json
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.actions.workflow_verification import verify
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.models.definition import Origin
from aos_upgrade_plugin.models.verification import Verification
from aos_upgrade_plugin.models.workflow_call import Action
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.reporters import verification
from tests.actions.workflow_places import lay_installation, lay_workflow

COMMAND = [str(Path(sys.executable).with_name("aos-upgrade")), "serve"]
BROKEN = """
import sys
from aos_upgrade_plugin.actions import workflow_tool
from aos_upgrade_plugin.cli import main
from aos_upgrade_plugin.models.workflow_call import Action

def lost(desk, asked):
    return {"paused": True, "next_actions": []}

def bug(desk, asked):
    raise KeyError(asked)

workflow_tool.HANDLERS = {
    **workflow_tool.HANDLERS, Action.PAUSE: lost, Action.GET_ERRORS: bug
}
sys.argv = ["aos-upgrade", "serve", *sys.argv[1:]]
main()
"""


@pytest.fixture(autouse=True)
def _no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the upgrade out, for the time that it takes: tests/real walks it, too."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_all_that_is_documented_holds(tmp_path: Path) -> None:
    """Every action succeeds and fails, four workflows end, and nothing is left in the target."""
    install = lay_installation(tmp_path / "project")
    before = sorted(install.rglob("*"))
    report = verify(find(install), command=COMMAND)
    assert report.problems == ()
    for success in (True, False):
        kinds = {each.action for each in report.calls if (each.expected == "success") is success}
        assert kinds >= {*Action}
    walks = {each.workflow_type: each for each in report.walks if each.completed}
    assert len(walks) == 4
    (upgrade,) = (each for each in report.walks if each.workflow_type == "agent_os_upgrade_v1")
    assert upgrade.left_out == "there is no git here"
    review = walks["review_v1"]
    assert (review.origin, review.phases, review.tasks) == (Origin.INSTALLATION, 2, 1)
    assert review.refused == 2
    assert sorted(install.rglob("*")) == before
    assert sessions.count(install) == 0
    where = verification.places(tmp_path / "out/report.md", install=install)
    verification.write(report, where)
    assert Verification.model_validate_json(where[0].read_bytes()) == report
    assert "✅ everything held" in where[1].read_text(encoding="utf-8")


def test_what_does_not_hold_is_named(tmp_path: Path) -> None:
    """Two handlers that are wrong, a definition that is broken, a gate that nothing opens."""
    install = lay_installation(tmp_path / "project")
    lay_workflow(install / "workflows", "torn_v1", metadata="{")
    gate = "evidence_schema: {never_so: {type: integer, required: true, validator: never}}\n"
    never = {"phases/0/gate-definition.yaml": f'{gate}validators: {{never: "lambda x: x != x"}}\n'}
    lay_workflow(install / "workflows", "shut_v1", files=never)
    report = verify(find(install), command=[sys.executable, "-c", BROKEN])
    assert not report.holds
    said = "\n".join(report.problems)
    assert "pause (StateError): StateError was due, and it answers success" in said
    assert "get_errors (success): success was due, and it answers RuntimeError" in said
    assert "resume (success): success was due, and it answers StateError" in said
    assert "workflow torn_v1: it is broken: " in said
    (shut,) = (each for each in report.walks if each.workflow_type == "shut_v1")
    assert "no evidence could be made up for the gate of phase 0" in (shut.left_out or "")
    assert "❌ it does not hold" in verification.markdown(report)
    assert json.loads(report.model_dump_json())["schema_version"] == 1
