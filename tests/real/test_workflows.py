"""Every workflow folder that the real product ever had: listed, and walked to its end.

Needs clones of github.com/honeyhiveai/praxis-os and github.com/honeyhiveai/agent-os-enhanced,
named by AOS_REAL_PRAXIS_OS and AOS_REAL_AGENT_OS_ENHANCED.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool
from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_workflows
from aos_upgrade_plugin.models.definition import Listed
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.phases.installation import find
from tests.actions.test_workflow_tool import Call, calling
from tests.actions.walking import Walked, walk
from tests.actions.workflow_places import tool_at
from tests.real.installations import (
    AGENT_OS_ENHANCED,
    PRAXIS_OS,
    check_out,
    clone_named_by,
    commits,
    file_at,
    trees,
)

pytestmark = pytest.mark.real

CLONES = (PRAXIS_OS, AGENT_OS_ENHANCED)
BROKEN = {
    # its last states name seven phases, and have folders for six of them
    (
        "workflow_creation_v1",
        "the text of task 1 of phase 4, task-1-load-target-definition.md, is missing",
    ),
    # the server's code has a copy of its metadata alone
    ("spec_execution_v1", "the text of task 1 of phase 0, task-1-locate-spec.md, is missing"),
}
_RULES = "scripts/validate_workflow_metadata.py"


def _places(clone: Path) -> Mapping[str, tuple[str, str]]:
    """Return where to find each different folder of workflows, in any commit, by its tree."""
    found: dict[str, tuple[str, str]] = {}
    for commit in commits(clone):
        there = trees(clone, commit)
        for path, tree in there.items():
            below = (each for each in there if each.startswith(f"{path}/"))
            if path.rpartition("/")[2] == "workflows" and any(below):
                found.setdefault(tree, (commit, path))
    return found


@pytest.mark.parametrize("variable", CLONES)
def test_every_workflow_is_listed_and_walked_to_its_end(
    variable: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever commit it is of, the product's own upgrade too: what its gates ask for opens them.

    One that is broken is refused with its problem.
    """
    clone, met, seen = clone_named_by(variable), Walked(), set[str]()
    refused: list[tuple[str, str]] = []
    for number, (commit, path) in enumerate(_places(clone).values()):
        install = _installed(clone, commit, path, tmp_path / str(number))
        there = {
            _ours(name.rpartition("/")[2]): tree
            for name, tree in trees(clone, commit).items()
            if name.rpartition("/")[0] == path and file_at(clone, commit, f"{name}/metadata.json")
        }
        tool = tool_at(install)
        listed = {each.workflow_type: each for each in tool.catalogue.listed(find(install))}
        assert {*listed} == {*there, UPGRADE}
        for name, tree in there.items():
            if tree not in seen:
                seen.add(tree)
                met = met.plus(_walked(tool, install, listed[name], refused))
    assert {*refused} == BROKEN
    with capsys.disabled():
        sys.stdout.write(f"\n{variable}: {len(seen)} folders, {len(refused)} refused, {met}\n")
    assert len(seen) > len(refused) + 20
    assert met.tasks > 500


def _installed(clone: Path, commit: str, path: str, project: Path) -> Path:
    """Make an installation that has the workflows of a commit; return the install folder."""
    install = project / ".praxis-os"
    for name in ("mcp_server", "standards/universal"):
        (install / name).mkdir(parents=True)
    check_out(clone, commit, path, project / "source").rename(install / "workflows")
    for name in UPGRADE_WORKFLOWS:  # by this name it would be ours
        if (folder := install / "workflows" / name).is_dir():
            folder.rename(folder.with_name(_ours(name)))
    return install


def _ours(name: str) -> str:
    return f"their_{name}" if name in UPGRADE_WORKFLOWS else name


def _walked(
    tool: WorkflowTool, install: Path, listed: Listed, refused: list[tuple[str, str]]
) -> Walked:
    call: Call = calling(tool, install)
    if listed.definition is not None:
        return walk(call, listed.definition, more_phases=2)
    answer = call("start", workflow_type=listed.workflow_type, target_file="src")
    assert answer["error_type"] == "RuntimeError"
    assert listed.problem
    assert listed.problem in answer["error"]
    refused.append((listed.workflow_type, listed.problem))
    return Walked()


@pytest.mark.parametrize("variable", CLONES)
def test_our_definition_keeps_the_rules_of_the_product(variable: str, tmp_path: Path) -> None:
    """Each state that the product's own validator ever had takes our folder, without a warning."""
    clone, folder = clone_named_by(variable), tmp_path / UPGRADE
    shutil.copytree(Path(str(bundled_workflows() / UPGRADE)), folder)
    versions = {file_at(clone, commit, _RULES) for commit in commits(clone)} - {None}
    assert versions
    for rules in versions:
        (tmp_path / "rules.py").write_bytes(rules or b"")
        said = subprocess.run(
            [sys.executable, "-I", tmp_path / "rules.py", folder],
            check=True,
            capture_output=True,
            text=True,
        )
        assert "VALID - " in said.stdout
        assert "WARNINGS" not in said.stdout, said.stdout
