"""Git is asked, and never let loose; what it says is read exactly."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.source.repository import Committed, Repository
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.errors import DamagedError, NotFoundError, RefusedError, UpgradeError
from aos_upgrade_plugin.models.source import Blob, blob_id
from aos_upgrade_plugin.models.tree import Entry, Kind, escape
from tests.effects.repositories import NO_TEXT, Item, Tree, build, extend, git

ODD = b"a b/new\nline/" + NO_TEXT + b".md"
TREE: Tree = {
    "plain.md": b"plain\n",
    "run.sh": Item(b"#!/bin/sh\n", "100755"),
    "link": Item(b"plain.md", "120000"),
    "empty": b"",
    "folder/deep/file": b"deep\n",
}


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout with one commit."""
    build(tmp_path / "source", TREE)
    return tmp_path / "source"


# ---- what is a repository --------------------------------------------------------------------


def test_what_is_no_checkout_is_refused_with_the_reason(checkout: Path, tmp_path: Path) -> None:
    """No folder, no repository, a folder in somebody's repository, the inside of one."""
    for path, reason in {
        tmp_path / "nowhere": "there is no folder",
        tmp_path: "no git repository",
        checkout / "folder": "lies in another repository",
        checkout / ".git": "the inside of a repository",
    }.items():
        with pytest.raises(NotFoundError, match=reason):
            Repository(path)


def test_a_bare_repository_and_a_worktree_are_as_good(checkout: Path, tmp_path: Path) -> None:
    """Everything is read from the commit, so nothing needs to be checked out."""
    git(tmp_path, "clone", "-q", "--bare", str(checkout), "bare.git")
    git(checkout, "worktree", "add", "-q", "--detach", str(tmp_path / "worktree"))
    expected = Repository(checkout).tree(Repository(checkout).commit("HEAD"))
    for path in (tmp_path / "bare.git", tmp_path / "worktree"):
        repository = Repository(path)
        assert repository.tree(repository.commit("HEAD")) == expected
        assert repository.dirt() == ()


def test_a_shallow_clone_says_so(checkout: Path, tmp_path: Path) -> None:
    """Its history is cut off: the oldest commit seems to bring everything."""
    extend(checkout, {**TREE, "plain.md": b"2\n"})
    git(tmp_path, "clone", "-q", "--depth=1", checkout.as_uri(), "shallow")
    repository = Repository(tmp_path / "shallow")
    assert repository.shallow
    (only,) = repository.history(repository.commit("HEAD"), ["folder"])
    assert [path for path, _, _ in only.changed] == ["folder/deep/file"]
    assert not Repository(checkout).shallow


def test_sha256_names(tmp_path: Path) -> None:
    """A repository may name its objects by SHA-256."""
    build(tmp_path / "source", TREE, object_format="sha256")
    repository = Repository(tmp_path / "source")
    tree = repository.tree(repository.commit("HEAD"))
    oid = blob_id(b"plain\n", "sha256")
    assert tree["plain.md"] == Committed("100644", oid)
    with repository.blobs() as read:
        assert read(oid) == b"plain\n"


@pytest.mark.parametrize("name", ["nowhere", "--help", "HEAD:plain.md", "", "\x1b[2J"])
def test_a_name_of_no_commit(checkout: Path, name: str) -> None:
    """A typing error, an option, a file: each is refused in one printable line."""
    with pytest.raises(NotFoundError, match="names no commit") as caught:
        Repository(checkout).commit(name)
    assert str(caught.value).isprintable()


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    """Right after ``git init`` there is nothing to install."""
    git(tmp_path, "init", "-q", "source")
    with pytest.raises(NotFoundError, match="HEAD names no commit"):
        Repository(tmp_path / "source").commit("HEAD")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_a_folder_of_somebody_else_is_explained(checkout: Path) -> None:
    """Git does not trust it; the cure is the one that git understands."""
    for path in (checkout, checkout / ".git"):
        os.chown(path, 65534, 65534)
    with pytest.raises(RefusedError, match="belongs to another user") as caught:
        Repository(checkout)
    assert caught.value.cure.endswith(f"git config --global --add safe.directory {checkout}")
    git(checkout, "config", "--global", "--add", "safe.directory", str(checkout))
    assert Repository(checkout).dirt() == ()
    git(checkout, "config", "--global", "--unset-all", "safe.directory")


def test_without_git_there_is_a_cure(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git gets a line, not a traceback."""
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(RefusedError, match="git is not installed"):
        Repository(checkout)


# ---- what a commit holds ---------------------------------------------------------------------


def test_every_kind_of_thing_in_a_commit(tmp_path: Path) -> None:
    """Files, runnable files, links, other repositories, and names of any bytes."""
    build(tmp_path / "bare", {ODD: b"odd\n", **TREE, "other": Item(b"1" * 40, "160000")})
    repository = Repository(tmp_path / "bare")
    tree = repository.tree(repository.commit("HEAD"))
    assert tree["run.sh"].blob == Blob(
        Kind.FILE, executable=True, oid=blob_id(b"#!/bin/sh\n", "sha1")
    )
    assert tree["link"].blob == Blob(Kind.LINK, executable=False, oid=blob_id(b"plain.md", "sha1"))
    assert tree["other"].blob is None
    assert escape(ODD) in tree


def test_the_work_tree_is_never_read(checkout: Path) -> None:
    """What was not committed does not arrive."""
    (checkout / "plain.md").write_text("not committed\n")
    repository = Repository(checkout)
    tree = repository.tree(repository.commit("HEAD"))
    with repository.blobs() as read:
        assert read(tree["plain.md"].oid) == b"plain\n"


@pytest.mark.parametrize("name", [b"..", b".git", b".GIT", b"git~1"])
def test_a_path_that_leads_out_is_refused(checkout: Path, name: bytes) -> None:
    """Git's own tools never write such a tree; somebody else's may."""
    blob = bytes.fromhex(blob_id(b"plain\n", "sha1"))
    below = bytes.fromhex(_tree_with(checkout, b"100644 evil\0" + blob))
    tree = git(
        checkout,
        *("hash-object", "-t", "tree", "-w", "--literally", "--stdin"),
        told=b"40000 " + name + b"\0" + below,
    ).strip()
    commit = git(checkout, "commit-tree", tree, "-m", ".").strip()
    with pytest.raises(RefusedError, match="leads out of its folder"):
        Repository(checkout).tree(commit)


def test_content_that_is_missing_is_named_with_a_cure(checkout: Path, tmp_path: Path) -> None:
    """A partial clone lacks contents, and nothing is fetched behind the user's back."""
    git(checkout, "config", "uploadpack.allowFilter", "true")
    clone = ("clone", "-q", "--filter=blob:none", "--no-checkout", checkout.as_uri(), "partial")
    git(tmp_path, *clone)
    repository = Repository(tmp_path / "partial")
    tree = repository.tree(repository.commit("HEAD"))
    with (
        pytest.raises(DamagedError, match="lacks the content") as caught,
        repository.blobs() as read,
    ):
        read(tree["plain.md"].oid)
    assert "clone it anew without --filter" in caught.value.cure


def test_content_that_lies_is_refused(checkout: Path) -> None:
    """A name is a promise about the content; it is checked."""
    lying, other = (
        checkout / ".git" / "objects" / oid[:2] / oid[2:]
        for oid in (blob_id(b"plain\n", "sha1"), blob_id(b"deep\n", "sha1"))
    )
    lying.unlink()
    lying.write_bytes(other.read_bytes())
    with (
        pytest.raises(DamagedError, match="not what its name says"),
        Repository(checkout).blobs() as read,
    ):
        read(blob_id(b"plain\n", "sha1"))


# ---- what is dirt ----------------------------------------------------------------------------


def test_dirt_is_named(checkout: Path) -> None:
    """Changed, added, removed and staged; a folder of new files once; odd names escaped."""
    (checkout / "plain.md").write_text("changed\n")
    (checkout / "run.sh").unlink()
    (checkout / "new").mkdir()
    for name in ("a", "b"):
        (checkout / "new" / name).touch()
    (checkout / "odd\nname").touch()
    assert sorted(Repository(checkout).dirt()) == ["new", r"odd\x0aname", "plain.md", "run.sh"]


def test_what_git_ignores_and_what_is_ours_is_no_dirt(checkout: Path) -> None:
    """The installation may lie in the checkout of its own source."""
    (checkout / ".git" / "info" / "exclude").write_text("*.log\n")
    (checkout / "server.log").touch()
    install = checkout / "project" / ".agent-os"
    install.mkdir(parents=True)
    (install / "config.json").touch()
    assert Repository(checkout).dirt(but=[b"project/.agent-os"]) == ()
    (checkout / "project" / "other").touch()
    assert Repository(checkout).dirt(but=[b"project/.agent-os"]) == ("project",)


# ---- history ---------------------------------------------------------------------------------


def test_history_tells_what_each_commit_changed(checkout: Path) -> None:
    """Parents come first; what came, changed and went has its names before and after."""
    extend(checkout, {"plain.md": b"2\n", "folder/x": b"x\n"})
    repository = Repository(checkout)
    first, second = repository.history(repository.commit("HEAD"), ["plain.md", "folder"])
    assert (first.parent, second.parent) == (None, first.commit)
    plain, two, x, deep = (
        Blob(Kind.FILE, executable=False, oid=blob_id(text, "sha1"))
        for text in (b"plain\n", b"2\n", b"x\n", b"deep\n")
    )
    assert set(first.changed) == {("plain.md", None, plain), ("folder/deep/file", None, deep)}
    assert set(second.changed) == {
        ("plain.md", plain, two),
        ("folder/deep/file", deep, None),
        ("folder/x", None, x),
    }


def test_history_knows_every_branch_and_merges(checkout: Path) -> None:
    """An installation may come from any of them; a merge is compared with its first parent."""
    base = git(checkout, "rev-parse", "HEAD").strip()
    extend(checkout, {**TREE, "side.md": b"side\n"}, branch="side")
    git(checkout, "checkout", "-q", "main")
    extend(checkout, {**TREE, "main.md": b"main\n"})
    git(checkout, "merge", "-q", "-m", "merge", "side")
    extend(checkout, {**TREE, "far.md": b"far\n"}, branch="far")
    git(checkout, "checkout", "-q", "main")
    repository = Repository(checkout)
    history = list(repository.history(repository.commit(base), ["."]))
    paths = [tuple(path for path, _, _ in commit.changed) for commit in history]
    assert len(history) == 5
    assert paths.count(("side.md",)) == 2
    assert any("far.md" in changed for changed in paths)
    order = [commit.commit for commit in history]
    assert all(
        order.index(commit.parent) < order.index(commit.commit)
        for commit in history
        if commit.parent
    )


def test_tags_of_a_commit(checkout: Path) -> None:
    """Tags on the very commit, annotated or not; no others."""
    git(checkout, "tag", "v1.0.0")
    git(checkout, "tag", "-a", "-m", ".", "release-1")
    first = git(checkout, "rev-parse", "HEAD").strip()
    extend(checkout, {"plain.md": b"2\n"})
    repository = Repository(checkout)
    assert repository.tags(first) == ("release-1", "v1.0.0")
    assert repository.tags(repository.commit("HEAD")) == ()


# ---- safety ----------------------------------------------------------------------------------


def test_nothing_is_run_and_nothing_is_written(checkout: Path, tmp_path: Path) -> None:
    """Hooks, monitors and pagers stay silent, and git may not even refresh its own index."""
    witness = tmp_path / "ran"
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {witness}\n")
    spy.chmod(0o755)
    for key in ("core.fsmonitor", "core.pager", "pager.status", "diff.external", "core.editor"):
        git(checkout, "config", key, str(spy))
    for hook in ("post-index-change", "fsmonitor-watchman", "reference-transaction"):
        path = checkout / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(spy.read_bytes())
        path.chmod(0o755)
    os.utime(checkout / "plain.md", (1, 1))
    before = _everything(checkout)
    repository = Repository(checkout)
    commit = repository.commit("HEAD")
    repository.tree(commit)
    repository.dirt()
    repository.tags(commit)
    list(repository.history(commit, ["folder"]))
    with repository.blobs() as read:
        read(blob_id(b"plain\n", "sha1"))
    assert not witness.exists()
    assert _everything(checkout) == before


def test_the_surroundings_do_not_change_the_answer(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hook that started us set git's variables for another repository."""
    build(tmp_path / "other", {"other": b"other\n"})
    expected = Repository(checkout).commit("HEAD")
    for name, value in {
        "GIT_DIR": str(tmp_path / "other" / ".git"),
        "GIT_WORK_TREE": str(tmp_path / "other"),
        "GIT_INDEX_FILE": "/nowhere",
        "GIT_CONFIG_COUNT": "broken",
        "GIT_TRACE": "1",
    }.items():
        monkeypatch.setenv(name, value)
    repository = Repository(checkout)
    assert repository.commit("HEAD") == expected
    assert repository.dirt() == ()


def test_what_git_says_reaches_nobody_unescaped(checkout: Path) -> None:
    """An error of git's is one printable line with a cure."""
    (checkout / ".git" / "config").write_text("[core\x1b[31m\n")
    with pytest.raises(UpgradeError) as caught:
        Repository(checkout)
    assert str(caught.value).isprintable()
    assert caught.value.cure


def _everything(root: Path) -> Mapping[str, tuple[Entry | None, int]]:
    return {
        found.path: (
            files.read_entry(found.location),
            0 if stat.S_ISDIR(found.status.st_mode) else found.status.st_mtime_ns,
        )
        for found in files.scan(root)
    }


def _tree_with(folder: Path, raw: bytes) -> str:
    asked = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    return git(folder, *asked, told=raw).strip()
