"""The commands that bring a side of a conflict back: a shell takes them as they are."""

import os
import subprocess
from pathlib import Path

import pytest

from aos_upgrade_plugin.phases.both_sides import _command
from tests.effects.repositories import NO_TEXT

NAMES = [b"plain.md", b"a b", b"it's $HOME `x` \\ \"", b"-rf", b"new\nline", b"odd " + NO_TEXT]


@pytest.mark.parametrize("name", NAMES)
def test_a_file_comes_back_whatever_its_name(tmp_path: Path, name: bytes) -> None:
    """With its mode, over what stands there."""
    kept, stands = (os.fsencode(tmp_path / folder) + b"/" + name for folder in ("kept", "there"))
    for location, content in ((kept, b"mine"), (stands, b"theirs")):
        os.makedirs(os.path.dirname(location))
        Path(os.fsdecode(location)).write_bytes(content)
    os.chmod(kept, 0o640)
    _in_shell(_command(kept, stands, plainly=True))
    assert Path(os.fsdecode(stands)).read_bytes() == b"mine"
    assert os.stat(stands).st_mode & 0o777 == 0o640


def test_a_link_comes_back_as_a_link_and_a_file_where_nothing_is_left(tmp_path: Path) -> None:
    """What a link names is not written through; a folder that went is made again."""
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept/link").symlink_to("elsewhere")
    (tmp_path / "target").write_text("untouched")
    (tmp_path / "there").symlink_to("target")
    kept = os.fsencode(tmp_path / "kept/link")
    _in_shell(_command(kept, os.fsencode(tmp_path / "there"), plainly=False))
    assert os.readlink(tmp_path / "there") == "elsewhere"
    assert (tmp_path / "target").read_text() == "untouched"
    _in_shell(_command(kept, os.fsencode(tmp_path / "gone/deep/link"), plainly=False))
    assert os.readlink(tmp_path / "gone/deep/link") == "elsewhere"


def _in_shell(command: str) -> None:
    subprocess.run(["bash", "-c", command], check=True)
