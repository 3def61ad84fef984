"""Everything new is built beside, exactly as planned, before anything is changed."""

import hashlib
import os
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files, staging
from aos_upgrade_plugin.effects.tree.files import read_entry
from aos_upgrade_plugin.errors import RefusedError, StaleError
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.tree import Entry, Kind
from tests.mounts import mounted

_DATA = b"new content"
_DIGEST = hashlib.sha256(_DATA).hexdigest()
_FILE = Entry(kind=Kind.FILE, mode=0o4751, size_bytes=len(_DATA), digest=_DIGEST)
_FOLDER = Entry(kind=Kind.DIRECTORY, mode=0o755)


def _new(entry: Entry, path: str = "a") -> Change:
    return Change(path=path, before=None, after=entry)


@pytest.mark.parametrize(
    "entry",
    [
        _FILE,
        Entry(kind=Kind.LINK, link_target=r"no\x0awhere"),
        Entry(kind=Kind.FIFO, mode=0o622),
        Entry(kind=Kind.DIRECTORY, mode=0o1777),
    ],
    ids=lambda entry: entry.kind,
)
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_an_entry_is_built_as_planned(tmp_path: Path, entry: Entry, umask: int) -> None:
    """Kind, content, every bit of the mode, the link as it was written; the umask changes none."""
    slot, before = os.fsencode(tmp_path / "slot"), os.umask(umask)
    try:
        staging.stage(_new(entry), slot, lambda _: _DATA)
    finally:
        os.umask(before)
    assert read_entry(slot) == entry


@pytest.mark.parametrize("from_file", [True, False])
def test_content_that_is_not_as_planned_is_refused(tmp_path: Path, *, from_file: bool) -> None:
    """The source changed after the plan; the path is named."""
    (tmp_path / "source").write_bytes(b"something else")
    content = tmp_path / "source" if from_file else b"something else"
    with pytest.raises(StaleError, match="new content of a is not what was planned"):
        staging.stage(_new(_FILE), os.fsencode(tmp_path / "slot"), lambda _: content)


@pytest.mark.parametrize(
    "change",
    [
        Change(path="a", before=_FILE, after=None),
        Change(path="a", before=_FOLDER, after=Entry(kind=Kind.DIRECTORY, mode=0o700)),
    ],
    ids=["delete", "mode-of-folder"],
)
def test_what_brings_nothing_new_needs_no_slot(tmp_path: Path, change: Change) -> None:
    """Nothing is built for it."""
    staging.stage(change, os.fsencode(tmp_path / "slot"), lambda _: _DATA)
    assert not (tmp_path / "slot").exists()


def test_what_lies_behind_a_link_is_refused(tmp_path: Path) -> None:
    """The folder that leads away is named; one that the changes replace themselves is none."""
    (tmp_path / "link").symlink_to(tmp_path)
    roots, below = dict.fromkeys(Place, tmp_path), _new(_FILE, "link/a")
    with pytest.raises(RefusedError, match="the folder link is a link"):
        staging.refuse_unreachable((below,), roots, tmp_path)
    link = Entry(kind=Kind.LINK, link_target=str(tmp_path))
    replaced = Change(path="link", before=link, after=_FOLDER)
    staging.refuse_unreachable((replaced, below), roots, tmp_path)


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="there is no other file system to name")
def test_another_file_system_is_refused(tmp_path: Path) -> None:
    """Nothing can be exchanged with it."""
    with pytest.raises(RefusedError, match="on another file system") as refused:
        staging.refuse_unreachable((_new(_FILE, "proc/a"),), {Place.INSTALL: Path("/")}, tmp_path)
    assert "unmount" in refused.value.cure


@pytest.mark.skipif(not os.path.ismount("/proc"), reason="there is no other file system to name")
def test_another_file_system_is_refused_where_nothing_is_mounted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A subvolume of btrfs, say: no list of mounts names it, and its device tells."""
    monkeypatch.setattr(files, "mount_points", lambda: frozenset({"/"}))
    roots = {Place.INSTALL: Path("/")}
    with pytest.raises(RefusedError, match=r"^proc is a mount, or on another file system"):
        staging.refuse_unreachable((_new(_FILE, "proc/a"),), roots, Path("/"))
    staging.refuse_unreachable((_new(_FILE, "a"),), roots, Path("/"))


@pytest.mark.mount
@pytest.mark.parametrize("kind", ["folder", "file"])
def test_a_mount_of_the_same_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    """A container may have one file of the installation mounted into it: said before it begins."""
    install, elsewhere, there = tmp_path / "install", tmp_path / "other", tmp_path / "install/m"
    install.mkdir()
    for each in (elsewhere, there):
        each.mkdir() if kind == "folder" else each.touch()
    with mounted("--bind", elsewhere, at=there):
        path = "m/a" if kind == "folder" else "m"
        with pytest.raises(RefusedError, match=r"^m is a mount") as refused:
            staging.refuse_unreachable((_new(_FILE, path),), {Place.INSTALL: install}, install)
    assert "unmount" in refused.value.cure
    staging.refuse_unreachable((_new(_FILE, "a"),), {Place.INSTALL: install}, install)


@pytest.mark.mount
def test_an_installation_that_is_a_mount_cannot_change_its_project(tmp_path: Path) -> None:
    """Its own files can be exchanged; the project's are on the other side, also seen by a link."""
    project, seen = tmp_path / "project", tmp_path / "seen"
    install = project / "install"
    install.mkdir(parents=True)
    seen.symlink_to(project)
    (tmp_path / "other").mkdir()
    roots = {Place.INSTALL: seen / "install", Place.PROJECT: seen}
    inside, beside = _new(_FILE), _new(_FILE).model_copy(update={"place": Place.PROJECT})
    with mounted("--bind", tmp_path / "other", at=install):
        staging.refuse_unreachable((inside,), roots, seen / "install")
        with pytest.raises(RefusedError, match=r"^seen is a mount"):
            staging.refuse_unreachable((beside,), roots, seen / "install")


def test_space_is_held_back_and_given_back(tmp_path: Path) -> None:
    """As much as going back needs; that it is gone already is no error."""
    staging.reserve_space(tmp_path)
    assert (tmp_path / staging.RESERVE).stat().st_blocks * 512 >= 1 << 20
    for _ in range(2):
        staging.release_space(tmp_path)
    assert list(tmp_path.iterdir()) == []
