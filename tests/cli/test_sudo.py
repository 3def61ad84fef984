"""What one command with sudo leaves: files of somebody else, which the next command meets."""

import os
import pwd
from pathlib import Path

import pytest

from tests.cli.conftest import Aos

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")

_NOBODYS = 54321
_ME = pwd.getpwuid(os.geteuid()).pw_name


@pytest.mark.parametrize(
    ("theirs", "command"),
    [
        (".upgrade-lock", ["status"]),
        (".upgrade-lock", ["sessions", "list"]),
        (".upgrade-lock", ["backups", "create"]),
        ("state/workflows", ["sessions", "list"]),
        (".backups", ["backups", "list"]),
    ],
)
def test_it_is_said_whose_it_is_and_what_to_do(
    aos: Aos, install: Path, as_ordinary_user: tuple[str, ...], theirs: str, command: list[str]
) -> None:
    """Also by commands that only look; with the words to type."""
    path = install / theirs
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600) if theirs == ".upgrade-lock" else path.mkdir(mode=0o700)
    os.chown(path, _NOBODYS, _NOBODYS)
    ran = aos(*command, before=as_ordinary_user)
    assert ran.error.endswith(f"failed at {path}: Permission denied, it belongs to {_NOBODYS}")
    how = "-hR" if path.is_dir() else "-h"
    assert f"if sudo made it, take it back: sudo chown {how} {_ME} {path}" in ran.err


def test_what_is_ours_and_closed_is_not_called_somebody_elses(
    aos: Aos, install: Path, as_ordinary_user: tuple[str, ...]
) -> None:
    """Then its mode is what is wrong."""
    (install / ".backups").mkdir(mode=0)
    ran = aos("backups", "list", before=as_ordinary_user)
    assert ran.error.endswith("Permission denied")
    assert "give yourself the right to read and write there" in ran.err
