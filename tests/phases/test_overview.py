"""How an installation stands, whatever lies in its control folders."""

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import BaseRecord, Laid
from aos_upgrade_plugin.models.status import Installed
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.overview import status_of

NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)
_BACKUP = "2025-11-21-123000"
_TRANSACTION = ".upgrades/one/transactions/content"


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with every control folder."""
    folder = tmp_path / ".praxis-os"
    for each in ("mcp_server", "state/workflows", f".backups/{_BACKUP}", _TRANSACTION):
        (folder / each).mkdir(parents=True)
    return folder


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            [
                ".upgrade-lock",
                "state/workflows/one.json",
                "state/workflows/one.next.json",
                "state/workflows/one.previous.json",
                "state/workflows/two.json",
                f"{_TRANSACTION}/journal.jsonl",
                f".backups/{_BACKUP}/MANIFEST.json",
            ]
        ),
        st.binary(max_size=100) | st.sampled_from([b"{}", b"[]", b"null", b"[" * 100_000]),
    )
)
def test_any_bytes_are_survived(install: Path, contents: dict[str, bytes]) -> None:
    """What cannot be read is told as such, and nothing is written."""
    for path, content in contents.items():
        (install / path).write_bytes(content)
    before = read_tree(install)
    status = status_of(find(install))
    assert read_tree(install) == before
    assert status.lock is None
    assert status.last_backup is None
    assert all(view.session is None and view.problem for view in status.sessions)
    for path in contents:
        (install / path).unlink()


@pytest.mark.parametrize(
    "path",
    [
        ".upgrade-lock",
        "state/workflows/one.json",
        ".upgrades/two",
        ".upgrades/one/transactions/other",
        f"{_TRANSACTION}/journal.jsonl",
        ".backups/2025-11-21-123001",
        f".backups/{_BACKUP}/MANIFEST.json",
        ".upgrades/base.json",
        "VERSION.txt",
    ],
)
@pytest.mark.parametrize("kind", ["file", "folder", "pipe", "link", "loop"])
def test_any_kind_of_file_is_survived(install: Path, path: str, kind: str) -> None:
    """Nothing hangs on a pipe, follows a link out, or falls over a folder."""
    place = install / path
    match kind:
        case "file":
            place.touch()
        case "folder":
            place.mkdir()
        case "pipe":
            os.mkfifo(place)
        case "link":
            place.symlink_to("/etc/passwd")
        case _:
            place.symlink_to(place.name)
    assert status_of(find(install)).install == str(install)


def test_a_damaged_newest_backup_is_told(install: Path) -> None:
    """Also where an older one is whole; once there is a newer good one, it harms nobody."""
    shutil.rmtree(install / ".backups")
    installation = find(install)
    good = back_up(installation, now=NOW).name
    damaged = back_up(installation, now=NOW + timedelta(hours=1)).path
    manifest = damaged / "MANIFEST.json"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    status = status_of(installation)
    assert status.last_backup is not None
    assert status.last_backup.name == good
    assert [each.name for each in status.damaged_backups] == [damaged.name]
    assert [step.why for step in status.next_steps if damaged.name in step.why]
    back_up(installation, now=NOW + timedelta(hours=2))
    assert status_of(installation).damaged_backups == ()


def test_the_version_is_the_recorded_one_else_the_files(install: Path) -> None:
    """What an upgrade recorded is known; a version file may be stale."""
    assert status_of(find(install)).installed == Installed()
    (install / "VERSION.txt").write_text("1.2.3\n")
    assert status_of(find(install)).installed == Installed(version="1.2.3")
    laid = Laid(commit="a" * 40, version="1.3.0", paths={})
    record = BaseRecord(recorded_at=datetime.now(UTC), parts={Part.CONTENT: laid})
    (install / ".upgrades" / "base.json").write_bytes(record.to_json())
    assert status_of(find(install)).installed == Installed(version="1.3.0", commit="a" * 40)
