"""Where a run keeps its plan and evidence before it begins."""

import os
import time
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.errors import UsageError

_DAY_S = 24 * 60 * 60


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the user's state be the test's own, on every system."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def _made(install: Path, name: str, *, days_ago: int, keep: int = 2) -> Path:
    folder = run_folder.before_it_begins(install, name, keep=keep)
    then = time.time() - days_ago * _DAY_S
    os.utime(folder, (then, then))
    return folder


def test_old_folders_go_and_those_in_use_stay(tmp_path: Path) -> None:
    """The newest stay, and what is of today; those of other installations are left alone."""
    install, other = tmp_path / "one", tmp_path / "two"
    strange = _made(other, "strange", days_ago=9)
    old = [_made(install, f"old_{days}", days_ago=days, keep=9) for days in (5, 4, 3, 2)]
    today = [_made(install, f"today_{number}", days_ago=0, keep=9) for number in range(3)]
    newest = _made(install, "newest", days_ago=0, keep=2)
    assert [each for each in (*old, *today, newest, strange) if each.is_dir()] == [
        *today,
        newest,
        strange,
    ]


def test_the_newest_stay_however_old_they_are(tmp_path: Path) -> None:
    """Somebody who runs once a month still finds what the last runs said."""
    folders = [_made(tmp_path, f"run_{days}", days_ago=days) for days in (90, 60, 30)]
    _made(tmp_path, "now", days_ago=0)
    assert [each.is_dir() for each in folders] == [False, True, True]


def test_a_folder_for_evidence_may_be_made(tmp_path: Path) -> None:
    """One that is not there yet is fit, as long as somebody can make it; asking makes nothing."""
    for folder in (tmp_path / "not/there/yet", None):
        run_folder.refuse_unfit(folder, tmp_path / "install")
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("where", ["file", "file/below", "install/inside"])
def test_an_unfit_folder_for_evidence_is_a_wrong_argument(tmp_path: Path, where: str) -> None:
    """A file, what would lie below one, and the installation itself."""
    (tmp_path / "file").touch()
    (tmp_path / "install").mkdir()
    with pytest.raises(UsageError):
        run_folder.refuse_unfit(tmp_path / where, tmp_path / "install")
