"""What is mounted for the time of a test, where the machine lets us."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(*arguments: str | Path, at: Path) -> Iterator[None]:
    """Mount as ``mount`` is told; skip the test where that is not allowed here."""
    tried = subprocess.run(["mount", *arguments, at], check=False, capture_output=True)
    if tried.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        yield
    finally:
        subprocess.run(["umount", at], check=True)
