"""``python -m aos_upgrade_plugin.sample DIR``, and the demo: in a new folder, or how to call it."""

import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.errors import ExitCode

_SAMPLE, _DEMO = "aos_upgrade_plugin.sample", "aos_upgrade_plugin.sample.demo"


def _call(folder: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_source_and_a_project_are_made_in_a_new_folder(tmp_path: Path) -> None:
    """Also in one whose name begins with a dash, where it is named as a path."""
    made = _call(tmp_path, _SAMPLE, "./-sample")
    assert (made.returncode, made.stderr) == (0, "")
    assert (tmp_path / "-sample/source/.git").is_dir()
    assert (tmp_path / "-sample/project/.praxis-os").is_dir()


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["-h"], ["-"], [], ["a", "b"], ["there"]],
    ids=["help", "short-help", "dash", "no-name", "two-names", "a-folder-that-exists"],
)
@pytest.mark.parametrize("module", [_SAMPLE, _DEMO])
def test_what_names_no_new_folder_is_told_how_to_call_it(
    tmp_path: Path, module: str, arguments: list[str]
) -> None:
    """And nothing is made, least of all a folder that is called like an option."""
    (tmp_path / "there").mkdir()
    refused = _call(tmp_path, module, *arguments)
    assert refused.returncode == ExitCode.USAGE
    assert refused.stderr == (
        f"error: name one folder that does not exist yet\nfix: python -m {module} DIR\n"
    )
    assert [each.name for each in tmp_path.iterdir()] == ["there"]
    assert list((tmp_path / "there").iterdir()) == []
