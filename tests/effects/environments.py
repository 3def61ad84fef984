"""Real environments, and the shops that their packages come from: folders of small wheels."""

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.environment.uv import Uv


class Told(StrEnum):
    """Who is told where the wheels are, and so is chosen to install them."""

    PIP = "pip"
    UV = "uv"


def tell(patch: pytest.MonkeyPatch, told: Told, wheels: Path) -> None:
    """Let both installers know one folder of wheels and nothing else.

    Both do, because the tests lay down what was there before with pip. Skips where there is no uv.
    """
    if told is Told.UV and Uv.find() is None:
        pytest.skip("uv is not installed")
    for name in [*os.environ]:
        if name.startswith(("PIP_", "UV_")):
            patch.delenv(name)
    wheels.mkdir(parents=True, exist_ok=True)
    patch.setenv("PIP_CONFIG_FILE", os.devnull)
    patch.setenv("PIP_NO_INDEX", "1")
    patch.setenv("PIP_FIND_LINKS", str(wheels))
    patch.setenv("UV_CACHE_DIR", str(wheels.parent / "uv-cache"))
    if told is Told.UV:
        settings = wheels.parent / "uv.toml"
        settings.write_text(f'no-index = true\nfind-links = ["{wheels}"]\n')
        patch.setenv("UV_CONFIG_FILE", str(settings))


def lay_down_environment(folder: Path, *wanted: str | Path, pip: bool = False) -> Path:
    """Make an environment as people do, with packages from where pip is told."""
    bare = () if pip else ("--without-pip",)
    subprocess.run([sys.executable, "-I", "-m", "venv", *bare, folder], check=True)
    if wanted:
        pip_there = (sys.executable, "-I", "-m", "pip", "--python", str(folder / "bin/python"))
        subprocess.run([*pip_there, "install", "--quiet", *map(str, wanted)], check=True)
    return folder


def says(*command: str | Path) -> str:
    """Run something and return what it says."""
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return run.stdout.strip()
