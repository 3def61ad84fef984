"""Backups as the layout says, and the old ones that may go."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.backup import backup_making, backups
from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.phases.backing_up import back_up, back_up_verified, prune
from aos_upgrade_plugin.phases.installation import Installation, find

NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)
HELD = {"mcp_server/server.py", "standards/universal/a.md", "specs/mine.md", "config.json"}
NOT_HELD = {
    ".cache/vector_index/data.lance",
    ".mcp_server_state.json",
    ".upgrades/one/plan.json",
    "mcp_server/__pycache__/server.pyc",
    "state/workflows/one.json",
}
ENVIRONMENT = {"venv/pyvenv.cfg", "venv/lib/python3.11/site-packages/mcp-1.dist-info/METADATA"}


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Make an installation with a file in each kind of place."""
    for name in HELD | NOT_HELD | ENVIRONMENT:
        path = tmp_path / ".praxis-os" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Name: mcp\nVersion: 1.19.0\n")
    return find(tmp_path)


def _held(backup: backups.Backup) -> set[str]:
    assert backup.manifest is not None
    return set(backup.manifest.files)


def test_content_server_and_custom_files_are_held(installation: Installation) -> None:
    """Neither the environment nor what is made again; what was installed is written down."""
    backup = back_up(installation, now=NOW, session="upgrade_1")
    assert _held(backup) == HELD
    assert backup.manifest is not None
    assert (backup.manifest.layout, backup.manifest.session) == ("praxis_os", "upgrade_1")
    assert (backup.path / "requirements-snapshot.txt").read_text() == "mcp==1.19.0\n"
    assert verify(backup.path) == ()


def test_the_environment_is_held_on_request(installation: Installation) -> None:
    """Then all of it, and the manifest says so."""
    backup = back_up(installation, now=NOW, include_environment=True)
    assert _held(backup) == HELD | ENVIRONMENT
    assert backup.manifest is not None
    assert backup.manifest.includes_environment


def test_the_next_one_links_to_the_newest_good_one(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A damaged one in between is passed over; a full one links to nothing."""
    monkeypatch.setattr(backup_making, "_COARSEST_CLOCK_NS", -1)
    good = back_up(installation, now=NOW)
    damaged = back_up(installation, now=NOW + timedelta(hours=1), full=True)
    (damaged.path / "MANIFEST.json").unlink()
    linked = back_up(installation, now=NOW + timedelta(hours=2))
    full = back_up(installation, now=NOW + timedelta(hours=3), full=True)
    inodes = [(each.path / "config.json").stat().st_ino for each in (good, damaged, linked, full)]
    assert inodes[2] == inodes[0]
    assert len(set(inodes)) == 3


def test_a_damaged_copy_is_not_shared_on(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody could see is found by reading; then everything is copied."""
    monkeypatch.setattr(backup_making, "_COARSEST_CLOCK_NS", -1)
    first = back_up_verified(installation, now=NOW).backup
    stored = first.path / "config.json"
    times = stored.stat().st_mtime_ns
    stored.write_text(stored.read_text().swapcase())
    os.utime(stored, ns=(times, times))
    second, damaged = back_up_verified(installation, now=NOW + timedelta(hours=1))
    assert [str(each) for each in damaged] == ["config.json: content changed"]
    assert verify(first.path) != ()
    assert verify(second.path) == ()
    assert not (second.path / "specs/mine.md").samefile(first.path / "specs/mine.md")
    assert len(backups.listed(installation.path)) == 2


def test_a_disk_that_does_not_keep_what_it_is_given(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No backup is left that would not lead back."""
    write = disk.write

    def forgets(descriptor: int, data: bytes | memoryview) -> int:
        return write(descriptor, bytes(data).replace(b"1.19.0", b"1.19.1"))

    monkeypatch.setattr(disk, "write", forgets)
    with pytest.raises(DamagedError, match=r"not what was written: config\.json: content changed"):
        back_up_verified(installation, now=NOW)
    assert backups.listed(installation.path) == ()


def test_what_a_killed_one_left_is_removed(installation: Installation) -> None:
    """By the next backup, and by the next pruning."""
    for command in (
        lambda: back_up(installation, now=NOW),
        lambda: prune(installation.path, keep=1, needed=set()),
    ):
        for name in (".partial-2025-11-20-000000", ".removing-2025-11-20-000001"):
            (installation.path / ".backups" / name / "deep").mkdir(parents=True)
        command()
        assert os.listdir(installation.path / ".backups") == ["2025-11-21-123005"]


def test_only_the_newest_good_ones_stay(installation: Installation) -> None:
    """And those that a session needs to go back."""
    names = [back_up(installation, now=NOW + timedelta(days=day)).name for day in range(6)]
    (installation.path / ".backups" / names[5] / "MANIFEST.json").unlink()
    assert prune(installation.path, keep=2, needed={names[1]}) == (names[0], names[2])
    left = [each.name for each in backups.listed(installation.path)]
    assert left == [names[5], names[4], names[3], names[1]]
    assert prune(installation.path, keep=2, needed={names[1]}) == ()
