"""Backups of real installations: damaged in every way, and back byte by byte."""

import os
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.restore import restore
from tests.oddities import Snapshot, add_oddities, add_socket, snapshot
from tests.real.installations import PRAXIS_OS, PYTHON_SDK, check_out, clone_named_by, lay_down

pytestmark = pytest.mark.real

NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)
OURS_OR_MADE_AGAIN = {b".backups", b".upgrades", b".cache"}


def _fresh(commit: str) -> Callable[[Path], Path]:
    return lambda project: lay_down(clone_named_by(PRAXIS_OS), commit, project)


def _in_use(commit: str, folder: str) -> Callable[[Path], Path]:
    return lambda project: check_out(clone_named_by(PYTHON_SDK), commit, folder, project)


INSTALLATIONS = {
    "fresh-ced34ea": _fresh("ced34ea"),
    "fresh-45421f3": _fresh("45421f3"),
    "fresh-5fd6418": _fresh("5fd6418"),
    "fresh-e8b70c7": _fresh("e8b70c7"),
    "in-use-de8c987f": _in_use("de8c987f", ".agent-os"),
    "in-use-416a3a2c": _in_use("416a3a2c", ".agent-os"),
}


def _told(install: Path) -> Snapshot:
    return snapshot(install, leave_out=lambda path: path in OURS_OR_MADE_AGAIN)


def _damage(install: Path) -> None:
    """Do to an installation whatever can be done to it: cut, empty, swap, close, delete."""
    chance = random.Random(7)  # noqa: S311 - the same damage every time
    paths = [path for path in sorted(install.rglob("*")) if ".backups" not in path.parts]
    ordinary = [path for path in paths if path.is_file() and not path.is_symlink()]
    ordinary = [path for path in ordinary if path.stat().st_size]
    for number, path in enumerate(chance.sample(ordinary, len(ordinary) // 3)):
        path.parent.chmod(0o755)
        match number % 5:
            case 0:
                path.unlink()
            case 1:
                os.truncate(path, path.stat().st_size // 2)
            case 2:
                path.chmod(path.stat().st_mode ^ 0o111)
            case 3:
                path.unlink()
                path.symlink_to("elsewhere")
            case _:
                path.unlink()
                path.mkdir()
    for link in [path for path in paths if path.is_symlink()]:
        link.unlink(missing_ok=True)
    shutil.rmtree(install / "standards")


@pytest.mark.parametrize("build", INSTALLATIONS.values(), ids=INSTALLATIONS)
def test_it_comes_back_byte_by_byte(tmp_path: Path, build: Callable[[Path], Path]) -> None:
    """With an odd file of every kind beside the product's own."""
    install = build(tmp_path)
    for folder in (install, install / "standards" / "odd", install / "mcp_server" / "odd"):
        folder.mkdir(exist_ok=True)
        add_oddities(folder)
    add_socket(install / "standards" / "socket")
    installation, before = find(tmp_path), _told(install)
    del before[b"standards/socket"]
    before.pop(b"standards/.rebuild_index", None)
    backup = back_up(installation, now=NOW)
    assert verify(backup.path) == ()
    _damage(install)
    assert _told(install) != before
    restore(install, backup.name, now=NOW)
    assert _told(install) == before
    assert verify(backup.path) == ()


@pytest.mark.parametrize(
    ("commit", "count"), [("ced34ea", 126), ("5fd6418", 345), ("e8b70c7", 345)]
)
def test_a_fresh_installation_is_a_whole_one(tmp_path: Path, commit: str, count: int) -> None:
    """As many files as the product's own installer lays down."""
    install = _fresh(commit)(tmp_path)
    files = [path for path in install.rglob("*") if path.is_file()]
    assert len(files) == count
    assert find(tmp_path).path == install.resolve()
