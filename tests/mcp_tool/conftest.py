"""The server as clients start it: a real process, over its pipes or over HTTP."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.actions.workflow_places import lay_installation, lay_workflow
from tests.mcp_tool.door import Door

COMMAND = str(Path(sys.executable).with_name("aos-upgrade"))
LOOSE = {"phases/0/gate-definition.yaml": None}


def unmeasured_environment() -> dict[str, str]:
    """Return surroundings without measured coverage: for what others call measured, less often."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def lay_project(project: Path) -> Path:
    """Make an installation with two good workflows; return the install folder."""
    install = lay_installation(project)
    lay_workflow(install / "workflows", "loose_v1", files=LOOSE)
    return install


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with two workflows."""
    return lay_project(tmp_path / "project")


@contextmanager
def serving_http(project: Path, *, env: Mapping[str, str] | None = None) -> Generator[str]:
    """Serve over HTTP, and end it by a signal; nothing that it said is a trace of a failure."""
    command = [COMMAND, "serve", "--transport", "http"]
    process = subprocess.Popen(command, cwd=project, env=env, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        first = process.stderr.readline()
        yield first.removeprefix("serving ").strip()
    finally:
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate()
    assert process.returncode == 130
    assert "Traceback" not in told


@pytest.fixture
def served(install: Path) -> Generator[str]:
    """Serve the installation over HTTP."""
    with serving_http(install.parent) as url:
        yield url


@pytest.fixture(scope="session")
def open_door() -> Iterator[Callable[[Path], Door]]:
    """Return a door to a project; each server is started once, and has to end well."""
    doors: dict[Path, Door] = {}

    def to(project: Path) -> Door:
        if project not in doors:
            command = [COMMAND, "serve", "--target", str(project)]
            doors[project] = Door(command, env=unmeasured_environment())
        return doors[project]

    yield to
    for door in doors.values():
        status, told = door.close()
        assert (status, "Traceback" in told) == (0, False), told
