"""A commit of exactly the given paths, or one line that says why not, and nothing staged."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.source import commit
from aos_upgrade_plugin.effects.source.commit import commit_paths
from aos_upgrade_plugin.effects.source.commit_of_rename import commit_renamed
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


# ---- where the install folder got another name ---------------------------------------------------


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """Return a project below the top of a repository, whose folder ``old`` is ``new`` by now."""
    project = tmp_path / "repository/project"
    (project / "old").mkdir(parents=True)
    git(project.parent, "init", "--quiet")
    (project / ".gitignore").write_text("cache/\n")
    for name in ("upgraded", "gone", "edited", "staged", "a b\n"):
        (project / "old" / name).write_text("line of a text\n" * 9 + name)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "-m", "before")
    (project / "old").rename(project / "new")
    for name in ("upgraded", "added", "edited", "untracked", "cache/x"):
        (project / "new" / name).parent.mkdir(exist_ok=True)
        (project / "new" / name).write_text(f"{name} now\n")
    (project / "new/gone").unlink()
    staged = git(project, "hash-object", "-w", "--stdin", told=b"staged by the user\n").strip()
    git(project, "update-index", "--cacheinfo", f"100644,{staged},project/old/staged")
    return project


def _commit_renamed(project: Path, *, message: str = "message") -> str | None:
    paths = [b"new/upgraded", b"new/gone", b"new/added", b"new/cache/x"]
    names, scratch = (b"old", b"new"), project.parent.parent / "scratch"
    made = commit_renamed(project, names, paths, message, scratch=scratch)
    assert not scratch.exists()
    return made


def test_a_renamed_folder_is_committed_with_what_changed_in_it(renamed: Path) -> None:
    """All of it is under the new name; what the user edited or staged is not in the commit."""
    made = _commit_renamed(renamed)
    assert git(renamed, "rev-parse", "HEAD").strip() == made
    listed = git(renamed, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
    assert listed == [
        ".gitignore",
        *("new/a b\n", "new/added", "new/edited", "new/staged", "new/upgraded"),
        "",
    ]
    before, now = (git(renamed, "ls-tree", "-r", each).splitlines() for each in ("HEAD^", "HEAD"))
    same = {line.replace("old/", "new/") for line in before} & {*now}
    assert {line.rpartition("new/")[2] for line in same} >= {"edited", "staged"}
    assert git(renamed, "show", "HEAD:./new/upgraded") == "upgraded now\n"
    assert git(renamed, "status", "--porcelain").splitlines() == [
        " M project/new/edited",
        "MM project/new/staged",
        "?? project/new/untracked",
    ]
    assert git(renamed, "show", ":./new/staged") == "staged by the user\n"
    assert _commit_renamed(renamed, message="again") is None


@pytest.mark.parametrize("trouble", ["hook", "merge"])
def test_a_renamed_folder_that_cannot_be_committed(renamed: Path, trouble: str) -> None:
    """What is staged is as it was, and what else is under way is not ended."""
    if trouble == "hook":
        _hook(renamed.parent, "echo 'lint says no' >&2", "exit 1")
    else:
        head = git(renamed, "rev-parse", "HEAD")
        (renamed.parent / ".git/MERGE_HEAD").write_text(head)
    index, head = git(renamed, "ls-files", "--stage"), git(renamed, "rev-parse", "HEAD")
    said = {"hook": "lint says no", "merge": "a merge is under way"}[trouble]
    with pytest.raises(RefusedError, match=said):
        _commit_renamed(renamed)
    assert git(renamed, "ls-files", "--stage") == index
    assert git(renamed, "rev-parse", "HEAD") == head


def test_a_renamed_folder_before_the_first_commit(renamed: Path) -> None:
    """There is nothing to be renamed in git, and the upgrade's own paths are the first commit."""
    git(renamed, "update-ref", "-d", "HEAD")
    assert _commit_renamed(renamed)
    listed = git(renamed, "ls-tree", "-r", "--name-only", "HEAD").split()
    assert listed == ["new/added", "new/upgraded"]
    assert "A  project/new/edited" not in git(renamed, "ls-files", "project/old")
