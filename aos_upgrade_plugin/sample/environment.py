"""The Python environment of a sample installation."""

import shutil
import subprocess
import sys
import sysconfig
import venv
from enum import Enum, auto
from pathlib import Path

from aos_upgrade_plugin.effects.tree import durable


class Environment(Enum):
    """How an installation comes to its environment."""

    NONE = auto()
    """It has none: enough for everything that starts no server."""
    SHARED = auto()
    """A real environment without pip, that also imports what the Python running us can import.

    Made in a tenth of a second and offline. What is installed there is not isolated.
    """
    OWN = auto()
    """A real environment with its requirements installed, by uv where there is one, else pip."""


def make_environment(install: Path, environment: Environment) -> None:
    """Make ``venv`` in an installation; nothing where it shall have none."""
    match environment:
        case Environment.SHARED:
            _make_shared(install / "venv")
        case Environment.OWN:
            _make_own(install / "venv", install / "mcp_server/requirements.txt")
        case Environment.NONE:
            return


def _make_shared(folder: Path) -> None:
    venv.EnvBuilder(symlinks=True).create(folder)
    packages = sysconfig.get_path("purelib", vars={"base": str(folder)})
    ours = sysconfig.get_path("purelib")
    durable.write_new(f"{packages}/shared.pth".encode(), f"{ours}\n".encode(), mode=0o644)


def _make_own(folder: Path, requirements: Path) -> None:
    uv = shutil.which("uv")
    python = str(folder / "bin/python")
    if uv:
        commands = [
            [uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
            [uv, "pip", "install", "--quiet", "--python", python, "-r", str(requirements)],
        ]
    else:
        quietly = ["--quiet", "--disable-pip-version-check"]
        commands = [
            [sys.executable, "-m", "venv", str(folder)],
            [python, "-m", "pip", "install", *quietly, "-r", str(requirements)],
        ]
    for command in commands:
        subprocess.run(command, check=True)
