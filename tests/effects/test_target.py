"""An installation is read as it stands: all of it, or a clear error."""

import hashlib
import os
import socket
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.source.base_store import read_record
from aos_upgrade_plugin.effects.source.source import paths_within
from aos_upgrade_plugin.effects.target import read_papers, read_target, under_git
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import RECORD, Paper
from aos_upgrade_plugin.models.source import blob_id
from aos_upgrade_plugin.models.three_way import Target, Version
from aos_upgrade_plugin.models.tree import Entry, Kind


def _read(root: Path) -> Target:
    return read_target(
        root,
        enter=lambda path: not path.endswith(".cache"),
        named=lambda path: path.startswith("system/"),
        object_format="sha1",
    )


def test_a_target_is_the_tree_with_gits_names(tmp_path: Path) -> None:
    """Entries as everywhere; names by git, of text also with LF line ends; caches unread."""
    for folder in ("system/deep", "mine", ".cache/much"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "system" / "text").write_bytes(b"1\r\n2\n")
    (tmp_path / "system" / "deep" / "run").write_bytes(b"run")
    (tmp_path / "system" / "deep" / "run").chmod(0o750)
    (tmp_path / "system" / "link").symlink_to("text")
    (tmp_path / "mine" / "file").write_bytes(b"mine")
    tmp_path.chmod(0o750)
    found = _read(tmp_path)
    assert found.tree == files.read_tree(tmp_path, enter=lambda path: path != ".cache")
    assert found.root_mode == 0o750
    assert found.unread == {".cache"}
    names = {blob_id(text, "sha1") for text in (b"1\r\n2\n", b"1\n2\n")}
    assert found.versions == {
        "system/text": Version(Kind.FILE, executable=False, blobs=frozenset(names)),
        "system/deep/run": Version(
            Kind.FILE, executable=True, blobs=frozenset({blob_id(b"run", "sha1")})
        ),
        "system/link": Version(
            Kind.LINK, executable=False, blobs=frozenset({blob_id(b"text", "sha1")})
        ),
    }


def test_pipes_and_sockets_are_there_but_hold_nothing(tmp_path: Path) -> None:
    """They have no content that could be the product's, and nothing is read from them."""
    (tmp_path / "system").mkdir()
    os.mkfifo(tmp_path / "system" / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = Path.cwd()
        os.chdir(tmp_path)  # the name of a socket must be short
        try:
            server.bind("system/socket")
        finally:
            os.chdir(here)
        found = _read(tmp_path)
    assert found.versions["system/pipe"] == Version(Kind.FIFO, executable=False, blobs=frozenset())
    assert found.unread == {"system/socket"}


def test_what_vanishes_meanwhile_is_not_there(tmp_path: Path) -> None:
    """A file may be gone when its content is read; all beside it is read."""
    (tmp_path / "system").mkdir()
    for name in ("first", "gone", "last"):
        (tmp_path / "system" / name).write_text(name)

    def named(path: str) -> bool:
        if path == "system/gone":
            (tmp_path / path).unlink()
        return True

    found = read_target(tmp_path, enter=lambda _: True, named=named, object_format="sha1")
    assert sorted(found.tree) == ["system", "system/first", "system/last"]
    assert sorted(found.versions) == ["system/first", "system/last"]


def test_papers_are_files_or_missing(tmp_path: Path) -> None:
    """What is something else is not offered for writing."""
    (tmp_path / "log").write_bytes(b"log\n")
    (tmp_path / "link").symlink_to("log")
    (tmp_path / "folder").mkdir()
    digest = hashlib.sha256(b"log\n").hexdigest()
    mode = (tmp_path / "log").stat().st_mode & 0o777
    assert read_papers(tmp_path, ["log", "link", "folder", "none", "log/below"]) == {
        "log": Paper(Entry(kind=Kind.FILE, mode=mode, size_bytes=4, digest=digest), b"log\n"),
        "none": Paper(None, b""),
        "log/below": Paper(None, b""),
    }


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, None),
        (b"", "cannot be read"),
        (b"{}", "cannot be read"),
        (b'{"schema_version": 2}', "cannot be read"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_record_that_cannot_be_read_is_none(
    tmp_path: Path, content: bytes | None, problem: str | None
) -> None:
    """Damaged, of a later version, or not there: the history is asked instead, and it is said."""
    if content is not None:
        (tmp_path / RECORD).parent.mkdir()
        (tmp_path / RECORD).write_bytes(content)
    found = read_record(tmp_path)
    assert found.record is None
    assert (found.problem is None) is (problem is None)
    assert (problem or "") in (found.problem or "")


def test_a_record_that_is_a_folder(tmp_path: Path) -> None:
    """It is said, and nothing stands in the way of planning."""
    (tmp_path / RECORD).mkdir(parents=True)
    assert read_record(tmp_path).problem == ".upgrades/base.json is no file"


def test_under_git(tmp_path: Path) -> None:
    """A project is under git when it or a folder above it is a work tree."""
    (tmp_path / "repository" / "project").mkdir(parents=True)
    (tmp_path / "repository" / ".git").touch()  # a worktree has a file there
    assert under_git(tmp_path / "repository" / "project")
    assert not under_git(tmp_path)


def test_paths_within(tmp_path: Path) -> None:
    """Only what really lies below; links on the way are followed, the root itself is not below."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "link").symlink_to(root)
    paths = (root, tmp_path / "link" / "a b", tmp_path / "other")
    assert paths_within(root, paths) == (b"a b",)
