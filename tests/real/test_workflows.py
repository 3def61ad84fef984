"""Every workflow folder that the real product ever had: listed, and walked to its end.

Needs a clone of github.com/honeyhiveai/praxis-os, named by AOS_REAL_PRAXIS_OS.
"""

from pathlib import Path
from typing import Any

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from tests.actions.test_workflow_tool import Call, calling
from tests.actions.workflow_places import tool_at
from tests.effects.repositories import git
from tests.real.installations import PRAXIS_OS, check_out, clone_named_by

pytestmark = pytest.mark.real

PLACE = "universal/workflows"
# At this commit its metadata counts phases otherwise than its folders do.
BROKEN = {"workflow_creation_v1"}
_VALUES: dict[str, JsonValue] = {
    "boolean": True,
    "integer": 100,
    "string": "said",
    "object": {"said": True},
    "list": ["said"],
    "any": True,
}


def _states(clone: Path) -> dict[str, str]:
    """Return a commit for each different state of the workflows, by the name of its tree."""
    commits = git(clone, "log", "--format=%H", "--", PLACE).split()
    return {git(clone, "rev-parse", f"{commit}:{PLACE}").strip(): commit for commit in commits}


def test_every_workflow_is_walked_to_its_end(tmp_path: Path) -> None:
    """Whatever commit it is of: what its gates ask for opens them, and nothing else is needed."""
    clone = clone_named_by(PRAXIS_OS)
    walked, refused = set(), set()
    for number, commit in enumerate(_states(clone).values()):
        project = tmp_path / str(number)
        install = project / ".praxis-os"
        for name in ("mcp_server", "standards/universal"):
            (install / name).mkdir(parents=True)
        check_out(clone, commit, PLACE, project / "source")
        call = calling(tool_at(install, source=project / "source"), install)
        for each in call("list_workflows")["workflows"]:
            name = each["workflow_type"]
            if name in UPGRADE_WORKFLOWS:
                continue
            if each["usable"]:
                _walk(call, name)
                walked.add(name)
            else:
                answer = call("start", workflow_type=name, target_file="a")
                assert each["problem"] in answer["error"]
                refused.add(name)
    assert refused <= BROKEN
    assert {"spec_creation_v1", "spec_execution_v1", "standards_creation_v1"} <= walked


def _walk(call: Call, name: str) -> None:
    begun = call("start", workflow_type=name, target_file="src", options={})
    session, content = begun["session_id"], begun["phase_content"]
    while content is not None:
        number = content["phase_number"]
        for task in content["tasks"]:
            asked = {"phase": number, "task_number": task["task_number"]}
            found = call("get_task", session_id=session, **asked)
            assert found["task_content"]["execution_steps"]
        evidence = _evidence(content)
        done = call("complete_phase", session_id=session, phase=number, evidence=evidence)
        assert done["status"] == "success", done
        content = done["next_phase_content"]
    assert call("get_state", session_id=session)["session_status"] == "completed"


def _evidence(content: dict[str, Any]) -> dict[str, JsonValue]:
    asked = content["evidence_required"]
    return {name: _VALUES[field["type"]] for name, field in asked.items()} or {"done": True}
