"""An installation is read as it is now, also while others work in it."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.live_tree import LiveTree, read_live
from aos_upgrade_plugin.models.backup import BackupManifest
from tests.faults.trees import Nodes, as_tree, build, fifo, file, folder, link

_STAYS: Nodes = {b"last": file(b"stays")}
_GOES: Nodes = {
    b"a file": file(b"content"),
    b"a folder": folder(),
    b"a link": link(b"last"),
    b"a pipe": fifo(),
}


def _read(install: Path, keeps: Callable[[str], bool] = lambda _: True) -> LiveTree:
    """Read all of an installation, of which a backup holds nothing."""
    recorded = BackupManifest(
        created_at=datetime(2025, 11, 21, tzinfo=UTC),
        install_name=install.name,
        layout="praxis_os",
        requirements_digest="0" * 64,
        entries=(),
    )
    return read_live(install, keeps=keeps, recorded=recorded)


def test_what_vanishes_once_it_was_listed_is_gone(tmp_path: Path) -> None:
    """Of whatever kind it was; what lies beside it is read all the same."""
    install, elsewhere = tmp_path / "install", tmp_path / "elsewhere"
    build(install, {**_GOES, **_STAYS})
    elsewhere.mkdir()

    def keeps(path: str) -> bool:
        if path == "last":  # by then the others were listed
            for each in install.glob("a *"):
                each.rename(elsewhere / each.name)
        return True

    assert _read(install, keeps) == LiveTree(as_tree(_STAYS), ())
    assert len(list(elsewhere.iterdir())) == len(_GOES)


def test_what_vanishes_just_before_it_is_opened_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was looked at a moment ago, and was a file."""
    read_content = files.read_content

    def read_too_late(location: bytes) -> files.Content:
        if location.endswith(b"a file"):
            os.remove(location)
        return read_content(location)

    build(tmp_path / "install", {b"a file": _GOES[b"a file"], **_STAYS})
    monkeypatch.setattr(files, "read_content", read_too_late)
    assert _read(tmp_path / "install") == LiveTree(as_tree(_STAYS), ())
    assert not (tmp_path / "install" / "a file").exists()
