"""Copies, durable writes and removal: whole or not at all, and never elsewhere."""

import errno
import fcntl
import hashlib
import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import read_tree
from tests.effects.installs import KilledError, kill_at
from tests.faults.trees import build, file, folder, link
from tests.oddities import add_oddities


def test_a_copy_has_content_mode_and_time(tmp_path: Path) -> None:
    """And its digest comes from the same pass; its bits do not depend on the umask."""
    source = tmp_path / "source"
    for data, mode in ((b"", 0o2755), (b"small", 0o666), (bytes(range(256)) * 9000, 0o2755)):
        source.write_bytes(data)
        source.chmod(mode)
        os.utime(source, ns=(1, 1_500_000_000_123_456_789))
        target = tmp_path / f"copy of {len(data)}"
        content = durable.copy_file(os.fsencode(source), os.fsencode(target))
        assert target.read_bytes() == data
        assert (content.digest, content.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
        status = target.stat()
        assert stat.S_IMODE(status.st_mode) == mode
        assert status.st_mtime_ns == 1_500_000_000_123_456_789


def test_a_link_is_not_copied_as_what_it_names(tmp_path: Path) -> None:
    """Nobody gets a file into a backup by a link that is put in its place."""
    (tmp_path / "link").symlink_to("/etc/passwd")
    with pytest.raises(OSError, match="link"):
        durable.copy_file(os.fsencode(tmp_path / "link"), os.fsencode(tmp_path / "copy"))


def test_a_file_that_keeps_changing_is_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never a copy of half the old and half the new content."""
    source, write = tmp_path / "source", disk.write

    def write_while_it_grows(descriptor: int, data: bytes | memoryview) -> int:
        if os.lseek(descriptor, 0, os.SEEK_CUR) == 0:  # once each time that it is tried
            with source.open("ab") as growing:
                growing.write(b"more")
        return write(descriptor, data)

    source.write_text("text")
    monkeypatch.setattr(disk, "write", write_while_it_grows)
    with pytest.raises(durable.ChangedWhileReadError):
        durable.copy_file(os.fsencode(source), os.fsencode(tmp_path / "copy"))
    assert not (tmp_path / "copy").exists()


def test_a_file_that_keeps_growing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However quickly it grows, it is read no further than it reached when it was opened."""
    source, write = tmp_path / "source", disk.write
    written: list[int] = []

    def write_while_it_grows(descriptor: int, data: bytes | memoryview) -> int:
        assert len(written) < 100, "it runs after the end for ever"
        with source.open("ab") as growing:
            growing.write(b"more")
        written.append(len(data))
        return write(descriptor, data)

    source.write_text("text")
    monkeypatch.setattr(disk, "write", write_while_it_grows)
    with pytest.raises(durable.ChangedWhileReadError):
        durable.copy_file(os.fsencode(source), os.fsencode(tmp_path / "copy"))
    assert written == [4, 1, 12, 1, 20, 1], "each time what it held, and a byte that shows it grew"


def test_a_durable_write_is_the_old_or_the_new(tmp_path: Path) -> None:
    """Killed at any of its effects; and a later one is not held up by what it left."""
    path = tmp_path / "state.json"
    for number in range(1, 20):
        durable.write_durably(path, b"old")
        with pytest.MonkeyPatch.context() as patch:
            kill_at(number, patch)
            try:
                durable.write_durably(path, b"new and longer")
            except KilledError:
                pass
            else:
                break
        assert path.read_bytes() in {b"old", b"new and longer"}
    assert path.read_bytes() == b"new and longer"
    assert [each.name for each in tmp_path.iterdir()] == ["state.json"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


_WRITES = """
import sys
from pathlib import Path
from aos_upgrade_plugin.effects.tree import durable
for _ in range(20):
    durable.write_durably(Path(sys.argv[1]), sys.argv[2].encode() * 300_000)
"""


def test_two_who_write_one_file_at_once_take_turns(tmp_path: Path) -> None:
    """Neither takes away what the other is about to put there, nor mixes with it."""
    path = tmp_path / "plan.json"
    command = [sys.executable, "-c", _WRITES, str(path)]
    writers = [subprocess.Popen([*command, letter]) for letter in "AB"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        with suppress(FileNotFoundError):
            seen.add(path.read_bytes())
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen <= {b"A" * 300_000, b"B" * 300_000}
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


@pytest.mark.parametrize("kind", ["link", "pipe", "what a killed one left"])
def test_what_stands_where_it_is_written_first_is_removed(tmp_path: Path, kind: str) -> None:
    """Never followed and never waited for; the file is replaced all the same."""
    temporary = Path(os.fsdecode(durable._temporary(os.fsencode(tmp_path / "plan.json"))))
    (tmp_path / "other").write_bytes(b"other")
    if kind == "link":
        temporary.symlink_to(tmp_path / "other")
    elif kind == "pipe":
        os.mkfifo(temporary)
    else:
        temporary.write_bytes(b"hal")
    durable.write_durably(tmp_path / "plan.json", b"new")
    assert (tmp_path / "plan.json").read_bytes() == b"new"
    assert (tmp_path / "other").read_bytes() == b"other"
    assert not os.path.lexists(temporary)


def test_who_never_comes_to_an_end_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped process, perhaps; where a file system has no locks, nobody is waited for."""
    monkeypatch.setattr(durable, "_TURN_S", 0.01)
    temporary = Path(os.fsdecode(durable._temporary(os.fsencode(tmp_path / "plan.json"))))
    with temporary.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="another process") as busy:
            durable.write_durably(tmp_path / "plan.json", b"new")
        assert busy.value.filename == os.fsencode(temporary)

    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    durable.write_durably(tmp_path / "plan.json", b"new")
    assert (tmp_path / "plan.json").read_bytes() == b"new"


def test_who_loses_the_file_that_is_written_first_makes_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it is locked, it looks to another writer like what a killed one left."""
    path, create = tmp_path / "plan.json", disk.create
    theirs = [b"theirs"]

    def create_and_lose(location: bytes, mode: int) -> int:
        descriptor = create(location, mode)
        if theirs:
            durable.write_durably(path, theirs.pop())
            assert path.read_bytes() == b"theirs"
        return descriptor

    monkeypatch.setattr(disk, "create", create_and_lose)
    monkeypatch.setattr(durable, "_TURN_S", 600.0)  # a busy machine is no failure
    durable.write_durably(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert [each.name for each in tmp_path.iterdir()] == ["plan.json"]


def test_only_what_was_left_is_removed_and_not_what_came_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another may have removed it meanwhile, and be writing there, or have come to an end."""
    path, open_append = tmp_path / "plan.json", disk.open_append
    temporary = durable._temporary(os.fsencode(path))
    moments = iter(["left by a killed one", "written by another"])
    written: list[int] = []

    def open_as_it_changes(location: bytes) -> int:
        descriptor = open_append(location)
        match next(moments):
            case "left by a killed one":
                disk.remove(temporary)
                written.append(durable._created_alone(temporary, 0o600))
                disk.write(written[0], b"theirs")
            case _:
                disk.rename(temporary, os.fsencode(path))
                os.close(written[0])
                assert path.read_bytes() == b"theirs"
        return descriptor

    Path(os.fsdecode(temporary)).write_bytes(b"hal")
    monkeypatch.setattr(disk, "open_append", open_as_it_changes)
    monkeypatch.setattr(durable, "_TURN_S", 600.0)  # a busy machine is no failure
    durable.write_durably(path, b"ours")
    assert path.read_bytes() == b"ours"
    assert next(moments, None) is None, "what another was writing was taken away"


def test_a_users_file_beside_stays(tmp_path: Path) -> None:
    """Whatever lies beside a file that is replaced; and its name may be as long as any."""
    beside = tmp_path / "mcp.json.tmp"
    beside.write_text("precious")
    durable.write_durably(tmp_path / "mcp.json", b"new")
    durable.write_durably(tmp_path / ("x" * 255), b"new")
    assert beside.read_text() == "precious"


def test_a_tree_is_removed_with_everything_odd_in_it(tmp_path: Path) -> None:
    """Closed folders, pipes, names of all bytes; what links name stays."""
    (tmp_path / "victim").mkdir()
    (tmp_path / "victim" / "file").write_text("precious")
    tree = tmp_path / "tree"
    build(tree, {b"shut": folder(0o000), b"out": link(b"../victim"), b"f": file(b"", 0)})
    add_oddities(tree)
    durable.remove_tree(tree)
    assert not tree.exists()
    durable.remove_tree(tree)
    assert (tmp_path / "victim" / "file").read_text() == "precious"


def test_a_link_in_place_of_a_tree_is_removed_alone(tmp_path: Path) -> None:
    """The folder that it names is somebody else's."""
    build(tmp_path / "victim", {b"file": file(b"precious")})
    before = read_tree(tmp_path / "victim")
    (tmp_path / "tree").symlink_to("victim")
    durable.remove_tree(tmp_path / "tree")
    assert not os.path.lexists(tmp_path / "tree")
    assert read_tree(tmp_path / "victim") == before
