"""The system calls that change something: each does its one thing, and no more than that."""

import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects import disk


@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "closed"])
def test_a_mode_is_set_on_what_stands_there(tmp_path: Path, kind: str) -> None:
    """Of everything that has one, also where nobody may open it; a pipe is not waited for."""
    path = tmp_path / "it"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.touch(mode=0 if kind == "closed" else 0o644)
    disk.set_mode(os.fsencode(path), 0o751)
    assert stat.S_IMODE(path.lstat().st_mode) == 0o751


def test_a_mode_is_never_set_through_a_link(tmp_path: Path) -> None:
    """What the link names is somebody else's, perhaps."""
    (tmp_path / "victim").touch(mode=0o600)
    (tmp_path / "link").symlink_to("victim")
    with suppress(OSError):  # some systems cannot change a link's own
        disk.set_mode(os.fsencode(tmp_path / "link"), 0o777)
    assert stat.S_IMODE((tmp_path / "victim").stat().st_mode) == 0o600


@pytest.mark.parametrize("switch", ["on", "off"])
@pytest.mark.parametrize("occupied", ["file", "folder", "dangling link"])
def test_a_new_name_never_replaces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, switch: str, occupied: str
) -> None:
    """Whatever stands there: it stays, and so does what was to be renamed."""
    monkeypatch.setenv(disk.EXCHANGE_SWITCH, switch)
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_text("one")
    match occupied:
        case "file":
            other.write_text("other")
        case "folder":
            other.mkdir()
        case _:
            other.symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        disk.rename_new(os.fsencode(one), os.fsencode(other))
    assert one.read_text() == "one"
    assert os.path.lexists(other)


def test_an_exchange_is_refused_where_it_is_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then nothing has moved, and the caller takes the way of two renames."""
    monkeypatch.setenv(disk.EXCHANGE_SWITCH, "off")
    for name in ("one", "other"):
        (tmp_path / name).write_text(name)
    with pytest.raises(disk.ExchangeUnsupportedError):
        disk.exchange(os.fsencode(tmp_path / "one"), os.fsencode(tmp_path / "other"))
    assert [(tmp_path / name).read_text() for name in ("one", "other")] == ["one", "other"]


@pytest.mark.parametrize("opening", [disk.create, disk.open_append, disk.open_lock])
def test_nothing_is_opened_for_writing_through_a_link(
    tmp_path: Path, opening: Callable[[bytes], int]
) -> None:
    """A link that lies in wait for one of our names leads nowhere."""
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "link").symlink_to("victim")
    with pytest.raises(OSError, match="link"):
        opening(os.fsencode(tmp_path / "link"))
    assert (tmp_path / "victim").read_text() == "precious"
