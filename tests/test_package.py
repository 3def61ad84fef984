"""What an installed distribution brings, and what it keeps away from."""

import os
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest

from aos_upgrade_plugin import __version__


@pytest.mark.skipif(
    os.environ.get("AOS_TEST_WHEEL") != "1",
    reason="an editable install has no files; make test installs the wheel",
)
def test_the_wheel_stays_in_its_own_folders() -> None:
    """Other people's ``checks`` and ``workflows`` in site-packages are never overwritten."""
    files = distribution("aos-upgrade").files or []
    assert {file.parts[0] for file in files if file.parts[0] != ".."} == {
        "aos_upgrade_plugin",
        f"aos_upgrade-{__version__}.dist-info",
    }
    assert {file.name for file in files if file.parts[0] == ".."} == {"aos-upgrade"}
    assert "aos_upgrade_plugin/py.typed" in map(str, files)


def test_the_version_has_one_source() -> None:
    """What the package says is what the distribution says."""
    assert distribution("aos-upgrade").version == __version__


def test_the_plugin_can_be_named(tmp_path: Path) -> None:
    """``-p aos_upgrade_plugin`` beside the entry point registers the plugin once, not twice."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    (tmp_path / "test_theirs.py").write_text("def test_theirs() -> None:\n    pass\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "aos_upgrade_plugin", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "1 passed" in run.stdout
