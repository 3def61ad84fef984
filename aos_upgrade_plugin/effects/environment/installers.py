"""Those who know the way to packages, pip and uv: what both have in common.

Both prefer what is installed already, so that nothing moves that does not have to, and both
answer with the hash of every file, so that later exactly these files are installed.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from aos_upgrade_plugin.effects.environment.environment import require_interpreter
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.models.packages import Environment, Name, Package, Pinned

RESOLVING, INSTALLING = "resolving the packages", "installing the packages"


class Wanted(NamedTuple):
    """What an environment shall hold: what a file asks for, and what it holds besides."""

    requirements: Path
    extras: Sequence[Package] = ()
    attempts: Sequence[Collection[Name]] = ((),)
    """Which packages to hold fast as they are; the next where that cannot be."""


class Installer(Protocol):
    """Somebody who resolves and installs packages."""

    def resolve(
        self, wanted: Wanted, environment: Environment, bench: Workbench
    ) -> tuple[Pinned, ...]:
        """Return all that an environment shall hold; nothing is changed. Raises PackagesError."""

    def install(self, pins: Sequence[Pinned], environment: Environment, bench: Workbench) -> None:
        """Put exactly these into an environment that has nothing yet. Raises PackagesError."""


def asked_for(package: Package) -> str:
    """Ask for a package in whatever version fits, or for what its address names."""
    return package.name if package.address is None else package.requirement


def with_hashes(pin: Pinned) -> str:
    """Ask for exactly one package, and for one of its files."""
    return " ".join((pin.requirement, *(f"--hash={each}" for each in pin.hashes)))


def bundled(environment: Environment) -> Path | None:
    """Find the pip that its Python brings for every new environment; Debian has none there."""
    prefix = require_interpreter(environment).resolve().parent.parent
    minor = ".".join(environment.python.split(".")[:2])
    folder = prefix / f"lib/python{minor}/ensurepip/_bundled"
    return folder if folder.is_dir() else None
