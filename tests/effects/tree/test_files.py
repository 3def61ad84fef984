"""What stands on the disk is read as it is: no link is followed, no pipe is waited for."""

import errno
import os
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.errors import DiskError
from aos_upgrade_plugin.models.tree import Kind
from tests.faults.trees import Nodes, as_tree, build, fifo, file, folder, link
from tests.oddities import add_socket

_NODES: Nodes = {
    b"file": file(b"content", 0o640),
    b"empty": file(b""),
    b"folder": folder(0o755),
    b"folder/closed file": file(b"x", 0o400),
    b"link": link(b"folder"),
    b"dangling\n": link(b"no\x1bwhere"),
    b"pipe": fifo(0o620),
    b"back\\slash": file(b"y"),
}


def test_a_tree_is_read_as_it_was_built(tmp_path: Path) -> None:
    """Kind, content, mode, link; names and targets as text that can be printed and stored."""
    build(tmp_path / "tree", _NODES)
    tree = files.read_tree(tmp_path / "tree")
    assert tree == as_tree(_NODES)
    assert {r"dangling\x0a", r"back\\slash"} <= set(tree)
    assert {path: files.entry_at(tmp_path / "tree", path) for path in tree} == tree


def test_sockets_hold_nothing_to_keep(tmp_path: Path) -> None:
    """They are met, and described by nothing."""
    add_socket(tmp_path / "socket")
    assert files.read_tree(tmp_path) == {}
    assert files.entry_at(tmp_path, "socket") is None
    assert [found.kind for found in files.scan(tmp_path)] == [None]


def test_what_is_not_entered_is_not_reported(tmp_path: Path) -> None:
    """Neither is what lies below it."""
    build(tmp_path / "tree", {b"a": folder(), b"a/b": file(b""), b"c": file(b"")})
    assert [*files.read_tree(tmp_path / "tree", enter=lambda path: path != "a")] == ["c"]


def test_folders_come_before_what_is_in_them(tmp_path: Path) -> None:
    """So that they can be made in this order, and removed in the other."""
    build(
        tmp_path / "tree", {b"b": folder(), b"b/c": folder(), b"b/c/d": file(b""), b"a": file(b"")}
    )
    assert [found.path for found in files.scan(tmp_path / "tree")] == ["a", "b", "b/c", "b/c/d"]


@pytest.mark.parametrize("gone", ["a/gone", "a/gone folder"])
def test_what_vanishes_while_we_look_takes_nothing_with_it(tmp_path: Path, gone: str) -> None:
    """An editor's swap file comes and goes; what lies beside it is found all the same."""
    nodes = {b"a": folder(), b"a/first": file(b""), b"a/last": file(b""), b"b": file(b"")}
    build(tmp_path / "tree", nodes)
    if gone.endswith("folder"):
        (tmp_path / "tree" / gone).mkdir()
    else:
        (tmp_path / "tree" / gone).touch()

    def vanishing(path: str) -> bool:
        if path == gone:
            (tmp_path / "tree" / gone).rename(tmp_path / "gone")
        return True

    def refused(path: str, error: OSError) -> None:
        pytest.fail(f"{path}: {error}")

    found = files.scan(tmp_path / "tree", enter=vanishing, unreadable=refused)
    assert [each.path for each in found] == ["a", "b", "a/first", "a/last"]


def test_a_folder_that_vanishes_before_it_is_looked_into_is_passed_over(tmp_path: Path) -> None:
    """Only of the root itself somebody wants to know that it is not there."""
    build(tmp_path / "tree", {b"a": folder(), b"a/b": folder(), b"a/b/c": file(b"")})
    found = []
    for each in files.scan(tmp_path / "tree"):
        found.append(each.path)
        if each.path == "a":
            (tmp_path / "tree" / "a").rename(tmp_path / "gone")
    assert found == ["a"]
    with pytest.raises(FileNotFoundError):
        list(files.scan(tmp_path / "nothing"))


@pytest.mark.parametrize("missing", ["nothing", "file/below"])
def test_nothing_is_nothing(tmp_path: Path, missing: str) -> None:
    """Also below a file."""
    (tmp_path / "file").touch()
    assert files.entry_at(tmp_path, missing) is None
    assert files.read_whole_tree(files.locate(tmp_path, missing)) is None


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
def test_only_a_file_is_read_as_one(tmp_path: Path, kind: str) -> None:
    """Stored data that was replaced by something else is told as that, at once."""
    path = tmp_path / "stored"
    match kind:
        case "link":
            path.symlink_to("/etc/passwd")
        case "pipe":
            os.mkfifo(path)
        case _:
            path.mkdir()
    with pytest.raises(files.NoFileError):
        files.read_bytes(path)


def test_the_first_link_on_the_way_is_named(tmp_path: Path) -> None:
    """The last part may be one: that is what stands there, not the way to it."""
    build(tmp_path / "tree", {b"a": folder(), b"a/link": link(b"..")})
    assert files.link_above(tmp_path / "tree", "a/link") is None
    assert files.link_above(tmp_path / "tree", "a/link/b/c") == "a/link"
    assert files.link_above(tmp_path / "tree", "a/b/c") is None


def test_a_moved_tree_is_known_by_its_inode(tmp_path: Path) -> None:
    """Whatever is in it; another one of the same content is another one."""
    (tmp_path / "venv").mkdir(mode=0o755)
    entry = files.read_whole_tree(os.fsencode(tmp_path / "venv"))
    assert entry is not None
    assert entry.kind is Kind.WHOLE_TREE
    (tmp_path / "venv").rename(tmp_path / "moved")
    (tmp_path / "venv").mkdir(mode=0o755)
    assert files.read_whole_tree(os.fsencode(tmp_path / "moved")) == entry
    assert files.read_whole_tree(os.fsencode(tmp_path / "venv")) != entry


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "free some disk space"),
        (errno.EACCES, "give yourself the right"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "reports errors"),
        (errno.ENOTDIR, "look at the disk"),
    ],
)
def test_what_the_system_refuses_is_one_line_with_a_cure(
    tmp_path: Path, number: int, cure: str
) -> None:
    """With what was being done, and where, in a form that no terminal obeys."""
    with (
        pytest.raises(DiskError, match=r"^copying failed at /.*/a\\x1bb: ") as refused,
        files.as_disk_error("copying"),
    ):
        raise OSError(number, os.strerror(number), os.fsencode(tmp_path) + b"/a\x1bb")
    assert cure in refused.value.cure


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(
    ("where", "theirs"), [("file", "it"), ("new", "{folder}"), ("new/deep", "{folder}")]
)
def test_whose_it_is_that_is_refused_is_said(tmp_path: Path, where: str, theirs: str) -> None:
    """Of what is not there, the folder above. Nobody is told to take what we do not make."""
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        os.chown(path, 54321, 54321)
    with pytest.raises(DiskError) as refused, files.as_disk_error("copying"):
        raise PermissionError(errno.EPERM, "refused", str(tmp_path / where))
    theirs = theirs.format(folder=tmp_path)
    assert str(refused.value).endswith(f"/{where}: refused, {theirs} belongs to 54321")
    assert refused.value.cure == "run the command as 54321, or let yourself read and write there"
