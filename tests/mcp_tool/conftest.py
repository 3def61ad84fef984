"""The server as clients start it: a real process, over its pipes or over HTTP."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.actions.workflow_places import lay_installation, lay_workflow
from tests.mcp_tool.door import Door

COMMAND = str(Path(sys.executable).with_name("aos-upgrade"))
LOOSE = {"phases/0/gate-definition.yaml": None}


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
def serving_http(project: Path) -> Generator[str]:
    """Serve over HTTP, and end it by a signal; nothing that it said is a trace of a failure."""
    process = subprocess.Popen(
        [COMMAND, "serve", "--transport", "http"], cwd=project, stderr=subprocess.PIPE, text=True
    )
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


@pytest.fixture(scope="module")
def open_door() -> Iterator[Callable[[Path], Door]]:
    """Return a door to a project; each server is started once, and has to end well."""
    doors: dict[Path, Door] = {}

    def to(project: Path) -> Door:
        if project not in doors:
            # Its coverage is not measured: other tests call the same code, and less often.
            env = {key: os.environ[key] for key in os.environ if not key.startswith("COVERAGE_")}
            doors[project] = Door([COMMAND, "serve", "--target", str(project)], env=env)
        return doors[project]

    yield to
    for door in doors.values():
        status, told = door.close()
        assert (status, "Traceback" in told) == (0, False), told
