"""Whole runs of the command between commits of the real product, there and back.

Needs a clone of github.com/honeyhiveai/praxis-os, named by AOS_REAL_PRAXIS_OS.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import read_installation_tree
from tests.effects.repositories import git
from tests.phases.products import put
from tests.real.test_plans import CLONE, MINE, MISSING, edit_product, project_with

pytestmark = pytest.mark.real

_MAIN = "from aos_upgrade_plugin.cli import main; main()"
# What is missing from stored copies of the repository is not needed: content is read from commits.
_NOT_CHECKED_OUT = "/*\n!/.praxis-os*/\n!/.agent-os*/\n!/docs/\n"


@pytest.fixture(autouse=True)
def _clone() -> None:
    if not (CLONE / ".git").exists():
        pytest.skip(MISSING)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Make a checkout of the product that a test may move between commits."""
    return check_out_source(tmp_path / "source")


def check_out_source(folder: Path, commit: str | None = None) -> Path:
    """Make a checkout of the product, at a commit if one is named."""
    git(folder.parent, "clone", "--quiet", "--shared", "--no-checkout", str(CLONE), str(folder))
    git(folder, "config", "core.sparseCheckout", "true")
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/sparse-checkout").write_text(_NOT_CHECKED_OUT)
    if commit is not None:
        git(folder, "checkout", "--quiet", commit)
    return folder


def call(project: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Call the command with ``--json`` and return its exit status and answer."""
    done = subprocess.run(
        [sys.executable, "-c", _MAIN, *arguments, "--json"],
        cwd=project,
        env={**os.environ, "HOME": str(project.parent / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def state(project: Path) -> tuple[Tree, bytes | None]:
    """Return everything in an installation that is not made again, and the project's ignores."""
    ignore = project / ".gitignore"
    return read_installation_tree(find(project)), (ignore.read_bytes() if ignore.exists() else None)


@pytest.mark.parametrize(
    "commits",
    [("ced34ea", "d07d0d6", "45421f3"), ("845a154", "45421f3")],
    ids=" to ".join,
)
def test_upgrade_by_upgrade_and_back(
    tmp_path: Path, source: Path, commits: tuple[str, ...]
) -> None:
    """All changes arrive, all edits survive; each completed run goes back byte for byte."""
    project = project_with(tmp_path, commits[0])
    install = find(project).path
    for path, content in MINE.items():
        put(install, path, content)
    for commit in commits[1:]:
        git(source, "checkout", "--quiet", commit)
        met, unmet = edit_product(project, commit)
        edited = {path: (install / path).read_bytes() for path in met | unmet}
        before = state(project)
        what = ("--source", str(source), "--only", "content")

        status, asked = call(project, "run", *what)
        assert (status, asked["status"]) == (3, "needs_decision"), asked
        assert {reason.split(" ")[0] for reason in asked["reasons"]} == met
        assert state(project) == before

        status, done = call(project, "run", *what, "--on-conflict", "keep")
        assert (status, done["status"]) == (0, "completed"), done
        for path, content in {**MINE, **edited}.items():
            assert (install / path).read_bytes() == content, path

        status, back = call(project, "rollback")
        assert (status, back["status"]) == (0, "rolled_back"), back
        assert back["rollback"]["verified"]
        assert state(project) == before

        status, again = call(project, "run", *what, "--on-conflict", "keep")
        assert (status, again["status"]) == (0, "completed"), again
        assert call(project, "run", *what)[1]["status"] == "nothing_to_do"


def test_a_fresh_install_upgraded_to_its_own_commit(tmp_path: Path, source: Path) -> None:
    """Nothing to do, exit 0, not a byte changed, nothing left behind."""
    project = project_with(tmp_path, "45421f3")
    git(source, "checkout", "--quiet", "45421f3")
    before = state(project)
    status, done = call(project, "run", "--source", str(source), "--only", "content")
    assert (status, done["status"]) == (0, "nothing_to_do"), done
    assert state(project) == before
    assert not (find(project).path / ".upgrades").exists()
