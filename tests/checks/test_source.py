"""The gate of phase 0: what may be upgraded from, and what may not."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.content.version import PLACES
from aos_upgrade_plugin.sample import Source, build_source, lay_down
from aos_upgrade_plugin.sample.source import git
from tests.checks.upgrades import Ready

ALL = {f"AOS-P{number:03}" for number in range(1, 14)}
_NOBODY = 65534


@pytest.fixture
def own_source(tmp_path: Path) -> Source:
    """Return a source to be spoilt."""
    return build_source(tmp_path / "source")


def _no_folder(folder: Path) -> str:
    return f"there is no folder {folder}"


def _no_repository(folder: Path) -> str:
    folder.mkdir()
    return "is no git repository"


def _not_the_product(folder: Path) -> str:
    git(folder.parent, "init", "--quiet", "--initial-branch=main", str(folder))
    (folder / "README.md").write_text("# Something else\n")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "One")
    return "this is no source of"


@pytest.mark.parametrize("make", [_no_folder, _no_repository, _not_the_product])
def test_what_is_no_source(good: Ready, tmp_path: Path, make: Callable[[Path], str]) -> None:
    """It is said what is wrong with it, and nothing that nobody can know."""
    folder = tmp_path / "no-source"
    words = make(folder)
    done = good.judged("AOS-P001", "AOS-P002", "AOS-P003", source=folder)
    assert not done.opens
    assert words in done.said["AOS-P001"]
    if make is _not_the_product:
        assert (done.ended["AOS-P002"], done.ended["AOS-P003"]) == ("passed", "passed")
    else:
        assert done.said["AOS-P002"].startswith("nobody can tell: ")
        assert words in done.said["AOS-P003"]


def test_a_version_that_is_not_there(good: Ready) -> None:
    """What names no commit cannot be installed."""
    done = good.judged("AOS-P002", "AOS-P003", commit="9.9.9")
    assert not done.opens
    assert done.said["AOS-P003"].startswith("9.9.9 names no commit in ")
    assert done.facts["source_commit"] is None


def test_a_source_that_nobody_gave_a_version(own_source: Source, bad: Ready) -> None:
    """The commit is what counts; that it calls itself nothing is written down."""
    folder = own_source.folder
    git(folder, "rm", "-rq", "--ignore-unmatch", *PLACES)
    git(folder, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Nameless")
    done = bad.judged("AOS-P001", "AOS-P003", source=folder)
    assert done.opens, done.said
    assert done.facts["source_version"] is None
    assert done.facts["source_version_claims"] == []


def test_a_dirty_source_and_nothing_to_do(own_source: Source, bad: Ready) -> None:
    """What is changed, new or staged is named; the same version is worth a line, no more."""
    folder = own_source.folder
    (folder / "mcp_server/index.py").write_text("changed")
    (folder / "new file.md").write_text("new")
    (folder / "ignored.pyc").write_text("ignored")
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/exclude").write_text("*.pyc\n")
    plan = bad.replan(changes=(), conflicts=())
    assert plan.nothing_to_do
    done = bad.judged("AOS-P001", "AOS-P002", "AOS-P003", "AOS-P013", source=folder)
    assert not done.opens
    assert done.said["AOS-P002"] == (
        "uncommitted changes in the source: mcp_server/index.py, new file.md"
    )
    assert done.facts["source_git_clean"] is False
    assert done.ended["AOS-P001"] == done.ended["AOS-P003"] == "passed"
    assert done.said["AOS-P013"] == "the installation has all that the source brings"
    assert bad.judged("AOS-P013").opens, "it is no blocker"


def test_a_target_in_the_sources_own_checkout(own_source: Source, good: Ready) -> None:
    """Its paths and what it is ignored by are no dirt; everything beside it is."""
    folder = own_source.folder
    install = lay_down(own_source, "1.1.0", folder)
    (folder / ".mcp.json").unlink()
    shutil.rmtree(folder / ".cursor")
    clean = good.judged("AOS-P002", source=folder, target=install)
    assert clean.opens, clean.said
    (folder / ".gitignore.orig").write_text("beside it")
    dirty = good.judged("AOS-P002", source=folder, target=install)
    assert dirty.said["AOS-P002"] == "uncommitted changes in the source: .gitignore.orig"
