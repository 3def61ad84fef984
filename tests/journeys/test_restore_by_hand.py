"""The way back by shell alone, as the documentation tells it, with this tool out of reach."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import find
from tests.oddities import Snapshot, add_oddities, snapshot

NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)
PAGE = Path(__file__).parents[2] / "docs/how-to/restore-by-hand.md"
CHOOSE, NAME, VERIFY_MANIFEST, VERIFY_FILES, BRING_BACK, GIVE_NAMES, ENVIRONMENT, LOOK = re.findall(
    r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL
)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Make a project with an installation, a backup of it, and changes since."""
    install = tmp_path / "my project" / ".praxis-os"
    for name in ("mcp_server/server.py", "standards/universal/a.md", "specs/mine.md"):
        (install / name).parent.mkdir(parents=True)
        (install / name).write_text(f"{name}\n")
    add_oddities(install / "specs")
    add_oddities(install)
    back_up(find(install), now=NOW)
    return install.parent


def _shell(project: Path, *blocks: str) -> str:
    """Run blocks of the page in one shell that finds the system's programs and nothing else."""
    ran = subprocess.run(
        ["/bin/sh", "-eu"],
        input="".join(blocks),
        cwd=project,
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def _told(project: Path) -> Snapshot:
    ours = {b".backups", b".upgrades"}
    return snapshot(project / ".praxis-os", leave_out=lambda path: path in ours)


def test_a_whole_backup_is_found_whole(project: Path) -> None:
    """Both digests are the same, and no file is complained about."""
    assert "2025-11-21-123005" in _shell(project, CHOOSE)
    computed, written = _shell(project, CHOOSE, NAME, VERIFY_MANIFEST).splitlines()[1:]
    assert computed.split()[0] == written
    assert _shell(project, CHOOSE, NAME, VERIFY_FILES).splitlines() == ["2025-11-21-123005"]


def test_a_damaged_one_is_found_damaged(project: Path) -> None:
    """A changed manifest has another digest; a changed file is named."""
    backup = project / ".praxis-os/.backups/2025-11-21-123005"
    (backup / "specs/mine.md").write_text("damaged")
    with pytest.raises(AssertionError, match="1 computed checksum did NOT match"):
        _shell(project, CHOOSE, NAME, VERIFY_FILES)
    manifest = backup / "MANIFEST.json"
    manifest.write_text(manifest.read_text().replace("specs/mine.md", "specs/ours.md"))
    computed, written = _shell(project, CHOOSE, NAME, VERIFY_MANIFEST).splitlines()[1:]
    assert computed.split()[0] != written


def test_it_comes_back_byte_by_byte(project: Path) -> None:
    """Everything the backup holds; what was edited or made since is aside, and is found."""
    install, before = project / ".praxis-os", _told(project)
    (install / "specs/mine.md").write_text("edited since")
    (install / "specs/new.md").write_text("made since")
    (install / "workspace").mkdir()
    shutil.rmtree(install / "mcp_server")
    (install / "dangling").unlink()
    (install / "pipe").unlink()
    (install / "pipe").mkdir()
    _shell(project, CHOOSE, NAME, BRING_BACK)
    renames = _shell(project, CHOOSE, NAME, GIVE_NAMES).splitlines()[1:]
    assert renames == [
        'mv "MANIFEST.json.yours1" "MANIFEST.json"',
        'mv "requirements-snapshot.txt.yours" "requirements-snapshot.txt"',
    ]
    _shell(project, CHOOSE, *(f"{line}\n" for line in renames))
    after = _told(project)
    assert after.pop(b"workspace")
    assert after == before
    (aside,) = (install / ".upgrades").iterdir()
    assert (aside / "specs/mine.md").read_text() == "edited since"
    found = _shell(project, CHOOSE, f"aside={aside}\n".replace(" ", "\\ "), LOOK)
    assert f"Only in {aside}/specs: new.md" in found


def test_the_environment_is_made_again(project: Path) -> None:
    """From the list of what was installed; the old one is kept aside."""
    install = project / ".praxis-os"
    (install / "venv").mkdir()
    (install / "venv/broken").touch()
    (install / "aside").mkdir()
    offline = ENVIRONMENT.replace("pip install", "pip install --no-index --quiet")
    _shell(project, CHOOSE, NAME, "aside=$PWD/aside\n", offline)
    assert (install / "venv/bin/python").exists()
    assert (install / "aside/venv/broken").exists()
