"""Installations of the real product, as a user would have them.

They come from clones, each named by a variable: ``AOS_REAL_PRAXIS_OS`` (the product,
github.com/honeyhiveai/praxis-os), ``AOS_REAL_AGENT_OS_ENHANCED`` (its older repository,
github.com/honeyhiveai/agent-os-enhanced) and ``AOS_REAL_PYTHON_SDK`` (a project that has it
installed, github.com/honeyhiveai/python-sdk). Bare clones and those without a work tree will do.
"""

import os
import subprocess
from pathlib import Path

import pytest

PRAXIS_OS = "AOS_REAL_PRAXIS_OS"
AGENT_OS_ENHANCED = "AOS_REAL_AGENT_OS_ENHANCED"
PYTHON_SDK = "AOS_REAL_PYTHON_SDK"

# As the product's own instructions say, by hand until 5fd6418 and by its script since.
INSTALLED = {
    "universal/standards": "standards/universal",
    "universal/usage": "usage",
    "universal/workflows": "workflows",
    "mcp_server": "mcp_server",
    "scripts": "scripts",
}
_NOT_COPIED = (":(exclude,glob)**/.agent-os/**", ":(exclude,glob)**/.cursor/**")
_MADE = (
    "standards/development",
    "specs/approved",
    "specs/completed",
    "specs/review",
    "workspace/design",
    "workspace/analysis",
    "workspace/scratch",
    ".cache/vector_index",
)


def clone_named_by(variable: str) -> Path:
    """Return the clone that a variable names, or skip the test that asks."""
    path = Path(os.environ.get(variable, "/nowhere"))
    if not path.exists():
        pytest.skip(f"{variable} names no clone")
    return path


def lay_down(clone: Path, commit: str, project: Path) -> Path:
    """Install a commit of the product into a project as its instructions say; return where.

    Without an environment: the instructions make it with pip, from the network.
    """
    parts = [part for part in INSTALLED if _has(clone, commit, part)]
    install = project / (".praxis-os" if _has(clone, commit, ".praxis-os") else ".agent-os")
    unpacked = project / "source"
    _unpack(clone, commit, unpacked, *parts, *_NOT_COPIED)
    for part in parts:
        (install / INSTALLED[part]).parent.mkdir(parents=True, exist_ok=True)
        (unpacked / part).rename(install / INSTALLED[part])
    _remove_empty(unpacked)
    for folder in _MADE:
        (install / folder).mkdir(parents=True, exist_ok=True)
    (install / "standards/.rebuild_index").touch()
    return install


def check_out(clone: Path, commit: str, folder: str, project: Path) -> Path:
    """Check out nothing but one folder of a commit into a project; return where."""
    _unpack(clone, commit, project, folder)
    return project / folder


def file_at(clone: Path, commit: str, path: str) -> bytes | None:
    """Return what a commit has at a path; nothing where it has no such file."""
    return run_git(clone, "show", f"{commit}:{path}") if _has(clone, commit, path) else None


def commits(clone: Path) -> list[str]:
    """Return every commit of a clone, the newest first."""
    return run_git(clone, "rev-list", "--all").decode().split()


def trees(clone: Path, commit: str) -> dict[str, str]:
    """Return the trees of all folders of a commit, by their paths."""
    lines = run_git(clone, "ls-tree", "-r", "-t", "-d", "-z", commit).decode().split("\0")
    parted = (line.partition("\t") for line in lines if line)
    return {path: said.split()[2] for said, _, path in parted if said.split()[1] == "tree"}


def _has(clone: Path, commit: str, path: str) -> bool:
    return bool(run_git(clone, "ls-tree", commit, path))


def _unpack(clone: Path, commit: str, target: Path, *paths: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    packed = run_git(clone, "archive", "--format=tar", commit, "--", *paths)
    subprocess.run(["tar", "-x", "-C", target], input=packed, check=True)


def _remove_empty(folder: Path) -> None:
    for each in sorted(folder.rglob("*"), reverse=True):
        each.rmdir()
    folder.rmdir()


def run_git(clone: Path, *words: str) -> bytes:
    """Return what git says about a clone."""
    # The clone belongs to whoever made it, and that need not be who runs the tests.
    command = ["git", "-c", f"safe.directory={clone}", "-C", str(clone), *words]
    return subprocess.run(command, check=True, capture_output=True).stdout
