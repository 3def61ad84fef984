"""The renames of the real product itself, followed and taken back.

Needs a clone of github.com/honeyhiveai/praxis-os, named by AOS_REAL_PRAXIS_OS.
"""

import json
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.models.tree import Tree, TreePath
from tests.phases.products import put
from tests.real.installations import PRAXIS_OS, clone_named_by, file_at, lay_down
from tests.real.test_runs import call, check_out_source

pytestmark = pytest.mark.real

OLD, NEW = ".agent-os", ".praxis-os"
_OURS = (".backups", ".cache", ".upgrade", "/state")


@pytest.fixture
def clone() -> Path:
    """Return the clone of the product."""
    return clone_named_by(PRAXIS_OS)


def _project(clone: Path, commit: str, project: Path) -> None:
    """Install the product, with what a user has around it."""
    install = lay_down(clone, commit, project)
    config = {"rag": {"standards_path": f"{OLD}/standards", "workflows_path": f"{OLD}/workflows"}}
    put(install, "config.json", json.dumps(config, indent=2).encode())
    put(install, "workflows/agent_os_upgrade_v1/mine.md", b"# Mine\n")
    put(install, ".cache/vector_index/agent_os_standards.lance/data", b"x")
    client = file_at(clone, commit, ".cursor/mcp.json") or b""
    for path in (".mcp.json", ".cursor/mcp.json"):
        put(project, path, client)
    put(project, ".gitignore", file_at(clone, commit, ".gitignore") or b"")


def _tree(project: Path) -> Tree:
    """Return everything but control data and what is made again."""

    def enters(path: TreePath) -> bool:
        return not any(name in path for name in _OURS)

    return read_tree(project, enter=enters)


@pytest.mark.parametrize(
    ("start", "end", "needed"),
    [
        ("5fd6418", "e8b70c7", {"install-folder", "search-index"}),
        ("8dbe22e", "925b10d", {"install-folder"}),
    ],
)
def test_the_product_renamed_itself(
    clone: Path, tmp_path: Path, start: str, end: str, needed: set[str]
) -> None:
    """Asked for, followed with everything that tells of it, the second time nothing, and back."""
    project, source = tmp_path / "project", check_out_source(tmp_path / "source", end)
    _project(clone, start, project)
    before = _tree(project)
    what = ("run", "--source", str(source))
    code, asked = call(project, "plan", "--source", str(source))
    assert code == 3
    assert {each["id"] for each in asked["migrations"] if each["needed"]} == needed
    code, done = call(project, *what, "--migrate", "all")
    assert (code, done["status"]) == (0, "completed"), done["reasons"]
    assert not (project / OLD).exists()
    for path in (".mcp.json", ".cursor/mcp.json", f"{NEW}/config.json"):
        assert OLD not in (project / path).read_text()
    code, again = call(project, *what, "--migrate", "all")
    assert (code, again["status"]) == (0, "nothing_to_do"), again["reasons"]
    code, back = call(project, "rollback")
    assert (code, back["status"]) == (0, "rolled_back"), back
    assert _tree(project) == before
