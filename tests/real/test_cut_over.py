"""The cut-over from the separate tools of the real product: its real servers are counted.

Needs what ``tests/real/environments.py`` says, beside a clone of github.com/honeyhiveai/praxis-os
that is named by AOS_REAL_PRAXIS_OS.
"""

import json
from pathlib import Path

import pytest

from tests.real.environments import build_index, make_environment
from tests.real.installations import PRAXIS_OS, clone_named_by, file_at, lay_down
from tests.real.test_runs import call

pytestmark = [pytest.mark.real, pytest.mark.network]

GROUP = {"start_workflow", "get_current_phase", "get_task", "complete_phase", "get_workflow_state"}
CREATE = {"create_workflow", "current_date"}


@pytest.mark.parametrize(
    ("commit", "before", "gone"),
    [
        ("ced34ea", 8, GROUP | CREATE),
        ("845a154", 10, GROUP | CREATE | {"validate_workflow"}),
        ("4d4827b", 11, GROUP | CREATE | {"validate_workflow"}),
        ("5fd6418", 5, set()),
    ],
)
def test_the_tools_of_the_real_server(
    tmp_path: Path, commit: str, before: int, gone: set[str]
) -> None:
    """The group goes where it has the separate tools, and comes back byte for byte.

    From 5fd6418 on it has the one tool of the product's own, and stays; what clients still allow
    of the older ones goes.
    """
    clone = clone_named_by(PRAXIS_OS)
    project = tmp_path / "project"
    project.mkdir()
    install = lay_down(clone, commit, project)
    make_environment(install)
    if gone:
        build_index(clone, commit, install)
    cursor = project / ".cursor/mcp.json"
    cursor.parent.mkdir()
    cursor.write_bytes(file_at(clone, commit, ".cursor/mcp.json") or b"")
    held = cursor.read_bytes()
    status, done = call(project, "mcp", "cut-over")
    assert status == 0, done
    assert {each["tool"] for each in done["gone"]} == gone
    assert done["tools"]["before"]["count"] == before
    if not gone:
        assert done["tools"]["before"] == done["tools"]["after"]
        allowed = ["get_current_phase", "get_workflow_state"]
        assert done["files"] == [{"file": ".cursor/mcp.json", "removed": allowed, "added": None}]
        return
    assert done["tools"]["after"]["count"] == before - len(gone) + 1
    config = json.loads((install / "config.json").read_text())
    assert "workflow" not in config["mcp"]["enabled_tool_groups"]
    allowed = json.loads(cursor.read_text())["mcpServers"]["agent-os-rag"]["autoApprove"]
    assert not gone & set(allowed)
    assert call(project, "mcp", "cut-over", "--undo")[0] == 0
    assert cursor.read_bytes() == held
    assert not (install / "config.json").exists()
