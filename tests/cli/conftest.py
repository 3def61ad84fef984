"""The command as people call it: a real process on a real folder."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.core
import typer.main
from typer.testing import CliRunner

from aos_upgrade_plugin.cli.app import app
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.models.session import WorkflowSession

COMMAND = str(Path(sys.executable).with_name("aos-upgrade"))
NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)
AS_ORDINARY_USER = (
    ["setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner"]
    if os.geteuid() == 0
    else []
)
"""Before a command: closed folders are closed, also for root."""


class Ran(NamedTuple):
    """What a command answered."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  an object, as deep as a test wants to look
        """The one object on standard output."""
        return json.loads(self.out)

    @property
    def error(self) -> str:
        """The two lines of an error, and that nothing else was said."""
        first, second = self.err.splitlines()
        assert first.startswith("error: ")
        assert second.startswith("fix: ")
        assert self.out == ""
        return first.removeprefix("error: ")


Aos = Callable[..., Ran]


def help_pages() -> dict[tuple[str, ...], str]:
    """Return the help of every command, by its words; asked for in this process, for its speed."""
    return {
        words: CliRunner().invoke(app, [*words, "--help"], prog_name="aos-upgrade").output
        for words in _commands(typer.main.get_command(app))
    }


def _commands(command: object, *words: str) -> list[tuple[str, ...]]:
    below = command.commands if isinstance(command, typer.core.TyperGroup) else {}
    return [words, *(each for name in below for each in _commands(below[name], *words, name))]


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make a small installation."""
    folder = tmp_path / "project" / ".praxis-os"
    for name in ("mcp_server/main.py", "standards/universal/one.md", "standards/development/my.md"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name}\n")
    return folder


@pytest.fixture
def aos(install: Path) -> Aos:
    """Run ``aos-upgrade`` in the project, in other surroundings where they are given."""

    def run(*arguments: str, before: tuple[str, ...] = (), **surroundings: Any) -> Ran:  # noqa: ANN401  subprocess.run's
        environment: Mapping[str, str] = surroundings.pop("env", {})
        done = subprocess.run(
            [*before, COMMAND, *arguments],
            cwd=surroundings.pop("cwd", install.parent),
            env={**os.environ, **environment},
            check=False,
            capture_output=True,
            text=True,
            errors="surrogateescape",
            **surroundings,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def as_ordinary_user() -> tuple[str, ...]:
    """Return what makes closed folders closed for the command after it; skip where that is not."""
    if AS_ORDINARY_USER and shutil.which(AS_ORDINARY_USER[0]) is None:
        pytest.skip("run by root, and setpriv is not there")
    return tuple(AS_ORDINARY_USER)


@pytest.fixture
def session(install: Path) -> Callable[..., WorkflowSession]:
    """Save a session."""

    def save(name: str = "a_session", **fields: object) -> WorkflowSession:
        new = {
            "session_id": name,
            "workflow_type": "agent_os_upgrade_v1",
            "target_file": "mcp_server",
            "current_phase": 2,
            "total_phases": 6,
            "created_at": NOW,
            "last_updated": NOW,
            **fields,
        }
        return sessions.save(install, WorkflowSession.model_validate(new))

    return save
