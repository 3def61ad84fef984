"""Starts sweeps for the tests: in a process of their own, which nothing measures or slows down."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

SWEEP = Path(__file__).with_name("sweep.py")
CANNOT_MOUNT = 3
"""Its exit status where it can do nothing of what it was asked for."""


class Swept(NamedTuple):
    """What a sweep found."""

    rounds: int
    problems: tuple[str, ...]


def unmeasured() -> dict[str, str]:
    """Return the environment without what makes children measure their coverage."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def run_sweep(*arguments: str) -> Swept:
    """Run a sweep to its end; skip where it needs a mount that this machine refuses."""
    run = subprocess.run(
        [sys.executable, SWEEP, "--json", *arguments],
        env=unmeasured(),
        check=False,
        capture_output=True,
        text=True,
    )
    if run.returncode == CANNOT_MOUNT:
        pytest.skip(run.stderr.strip())
    assert run.returncode in {0, 1}, run.stderr
    tallies = json.loads(run.stdout)
    problems = tuple(problem for tally in tallies for problem in tally["problems"])
    return Swept(sum(tally["rounds"] for tally in tallies), problems)
