"""A commit of exactly the given paths, or one line that says why not, and nothing staged."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.source import commit
from aos_upgrade_plugin.effects.source.commit import commit_paths
from aos_upgrade_plugin.errors import RefusedError
from tests.effects.repositories import git

_PATHS = (b"changed.txt", b"new/added.txt", b"gone.txt")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a repository in which one path changed, one was added and one is gone."""
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet")
    for name in ("changed.txt", "gone.txt", "staged.txt"):
        (folder / name).write_text("old\n")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "before")
    (folder / "changed.txt").write_text("new\n")
    (folder / "gone.txt").unlink()
    (folder / "new").mkdir()
    (folder / "new/added.txt").write_text("new\n")
    (folder / "staged.txt").write_text("staged by the user\n")
    git(folder, "add", "staged.txt")
    return folder


def _hook(project: Path, *lines: str) -> None:
    hook = project / ".git/hooks/pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("\n".join(("#!/bin/sh", *lines, "")))
    hook.chmod(0o755)


def test_exactly_the_paths_are_committed(project: Path) -> None:
    """Changed, new and gone; what the user staged stays staged. Again there is nothing to do."""
    made = commit_paths(project, _PATHS, "message")
    assert git(project, "rev-parse", "HEAD").strip() == made
    shown = git(project, "show", "--name-status", "--format=%s", "HEAD").split()
    assert shown == ["message", "M", "changed.txt", "D", "gone.txt", "A", "new/added.txt"]
    assert git(project, "status", "--porcelain") == "M  staged.txt\n"
    assert commit_paths(project, _PATHS, "again") is None


def test_what_is_ignored_stays_out(project: Path) -> None:
    """A path that the user does not want in git is no reason to fail."""
    (project / ".git/info").mkdir(exist_ok=True)
    (project / ".git/info/exclude").write_text("new/\n")
    assert commit_paths(project, _PATHS, "message")
    assert "new/added.txt" not in git(project, "ls-files")


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("hook", "git commit in {project} failed: not on a Friday"),
        ("locked", "index.lock"),
        ("nobody", "git commit in {project} failed: fatal: "),
        ("hanging", "git commit in {project} failed: a hook or git itself took more than 0.5 s"),
    ],
)
def test_a_commit_that_fails_leaves_nothing_staged(
    project: Path, monkeypatch: pytest.MonkeyPatch, trouble: str, said: str
) -> None:
    """Whatever keeps git from it is one clear line, and the index is as the user left it."""
    match trouble:
        case "hook":
            _hook(project, "echo checking", "echo 'not on a Friday' >&2", "exit 1")
        case "locked":
            (project / ".git/index.lock").touch()
        case "nobody":
            for role in ("AUTHOR", "COMMITTER"):
                for what in ("NAME", "EMAIL"):
                    monkeypatch.delenv(f"GIT_{role}_{what}")
            git(project, "config", "user.useConfigOnly", "true")
        case _:
            _hook(project, "sleep 60")
            monkeypatch.setattr(commit, "_LIMIT_S", 0.5)
    before = git(project, "--no-optional-locks", "ls-files", "--stage")
    with pytest.raises(RefusedError) as refused:
        commit_paths(project, _PATHS, "message")
    assert said.format(project=project) in str(refused.value)
    assert "\n" not in str(refused.value)
    assert git(project, "--no-optional-locks", "ls-files", "--stage") == before


def test_a_folder_that_is_no_repository_is_named(tmp_path: Path) -> None:
    """There is nothing to commit to."""
    with pytest.raises(RefusedError, match="not a git repository"):
        commit_paths(tmp_path, _PATHS, "message")
