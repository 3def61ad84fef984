"""Upgrades of edited installations to be made: two commits of a product, and every kind of edit."""

import shutil
import subprocess
from pathlib import Path

from benchmarks.upgrading import Case, run
from tests.real.edits import edit
from tests.real.installations import lay_down

PAIRS = (
    ("845a154", "45421f3"),
    ("45421f3", "395aab3"),
    ("99a7137", "b70784d"),
    ("8dbe22e", "925b10d"),
    ("5fd6418", "e8b70c7"),
)
"""Of the real product; what is hard about each is told in docs/dogfooding.md."""

# What is missing from stored copies of the repository is not needed by anybody here.
_CHECKED_OUT = "/*\n!/.praxis-os*/\n!/.agent-os*/\n!/docs/\n"


def has_commit(clone: Path, commit: str) -> bool:
    """Say whether a folder is a clone, not something below one, that has a commit."""
    git = ("git", "-c", f"safe.directory={clone.resolve()}", "--git-dir")
    folders = (folder for folder in (clone / ".git", clone) if folder.is_dir())
    asked = (
        subprocess.run(
            [*git, folder, "rev-parse", "--quiet", "--verify", f"{commit}^{{commit}}"],
            capture_output=True,
            check=False,
        )
        for folder in folders
    )
    return any(each.returncode == 0 for each in asked)


def make_case(clone: Path, old: str, new: str, folder: Path) -> Case:
    """Lay both versions down and edit one, in a new folder."""
    laid_down, edited, fresh = (folder / name for name in ("laid-down", "edited", "fresh"))
    install = lay_down(clone, old, laid_down)
    shutil.copytree(laid_down, edited, symlinks=True)
    kit = edit(clone, old, new, edited / install.name)
    lay_down(clone, new, fresh)
    return Case(kit, laid_down, edited, fresh, _check_out(clone, new, folder / "source"))


def _check_out(clone: Path, commit: str, folder: Path) -> Path:
    owned = ("-c", f"safe.directory={clone}")
    run("git", *owned, "clone", "-q", "--shared", "--no-checkout", clone, folder, cwd=clone)
    run("git", "config", "core.sparseCheckout", "true", cwd=folder)
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/sparse-checkout").write_text(_CHECKED_OUT)
    run("git", "checkout", "-q", commit, cwd=folder)
    return folder
