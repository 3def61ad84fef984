"""uv as the one who resolves and installs. Source: https://docs.astral.sh/uv."""

import os
import shutil
import sys
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from aos_upgrade_plugin.effects.environment.environment import require_interpreter
from aos_upgrade_plugin.effects.environment.installers import (
    INSTALLING,
    RESOLVING,
    Wanted,
    asked_for,
    bundled,
    with_hashes,
)
from aos_upgrade_plugin.effects.environment.workbench import ProcessFailedError, Workbench
from aos_upgrade_plugin.errors import PackagesError
from aos_upgrade_plugin.models.packages import Environment, Name, Pinned

_FIND_LINKS = "UV_FIND_LINKS"
_QUIETLY = ("--quiet", "--no-header", "--no-annotate", "--generate-hashes")
# Exit statuses: the requirements cannot be met together; something else, such as the network.
_UNSOLVABLE, _NO_ANSWER = 1, 2
_TELLING = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX", _FIND_LINKS, "UV_CONFIG_FILE")


class Uv:
    """uv, which works on an environment from outside."""

    def __init__(self, program: Path) -> None:
        """Name the program."""
        self._program = program

    @classmethod
    def find(cls) -> "Uv | None":
        """Find it on the path, or beside the Python that runs us."""
        found = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
        return cls(Path(found)) if found else None

    @staticmethod
    def is_told() -> bool:
        """Say whether the user told it where packages come from."""
        folders = [os.environ.get("XDG_CONFIG_HOME") or "~/.config", "/etc"]
        files = (Path(folder).expanduser() / "uv/uv.toml" for folder in folders)
        named = any(name.startswith(_TELLING) for name in os.environ)
        return named or any(file.is_file() for file in files)

    def resolve(
        self, wanted: Wanted, environment: Environment, bench: Workbench
    ) -> tuple[Pinned, ...]:
        """Return all that an environment shall hold; nothing is changed.

        uv takes what is installed for a wish, which the newest version of another package
        outweighs. So what is to stay is held fast, and less of it where that cannot be.
        """
        *firmly, last = wanted.attempts
        for held in firmly:
            resolved = self._try(wanted, environment, bench, held)
            if resolved is not None:
                return resolved
        return self._resolve(wanted, environment, bench, last)

    def _try(
        self, wanted: Wanted, environment: Environment, bench: Workbench, held: Collection[Name]
    ) -> tuple[Pinned, ...] | None:
        try:
            return self._resolve(wanted, environment, bench, held)
        except ProcessFailedError as error:
            if error.status != _UNSOLVABLE:
                raise
            return None

    def _resolve(
        self, wanted: Wanted, environment: Environment, bench: Workbench, held: Collection[Name]
    ) -> tuple[Pinned, ...]:
        packages = [each for each in environment.packages if each.address is None]
        extras = bench.put("extras.txt", [asked_for(each) for each in wanted.extras])
        limits = [each.requirement for each in packages if each.name in held]
        # What an earlier result says is kept where it may be.
        result = bench.put("resolved.txt", [each.requirement for each in packages])
        constraints = bench.put("constraints.txt", limits)
        command = (
            *("pip", "compile", *_QUIETLY, "--output-file", result),
            *("--python", require_interpreter(environment), "--constraints", constraints),
            *(wanted.requirements, extras),
        )
        self._run(bench, RESOLVING, command, environment)
        return tuple(_pins(result.read_text()))

    def install(self, pins: Sequence[Pinned], environment: Environment, bench: Workbench) -> None:
        """Put exactly these into an environment that has nothing yet."""
        listed = bench.put("pins.txt", [with_hashes(pin) for pin in pins])
        python = ("--python", environment.folder / "bin/python")
        command = ("pip", "install", "--no-deps", *python, "--requirements", listed)
        self._run(bench, INSTALLING, command, environment)

    def _run(
        self, bench: Workbench, doing: str, what: Sequence[str | Path], environment: Environment
    ) -> None:
        """Run it; where an index does not answer, once more with what its cache has."""
        links = filter(None, (os.environ.get(_FIND_LINKS), bundled(environment)))
        variables = {_FIND_LINKS: ",".join(map(str, links))}
        command = (self._program, *what)
        try:
            bench.run(command, doing=doing, variables=variables)
        except ProcessFailedError as error:
            if error.status != _NO_ANSWER:
                raise
            with suppress(PackagesError):
                bench.run((*command, "--offline"), doing=doing, variables=variables)
                return
            raise error from None


def _pins(resolved: str) -> Iterator[Pinned]:
    """Read what uv resolved: a requirement a line, continued by its hashes."""
    for line in resolved.replace("\\\n", " ").splitlines():
        text, *hashes = line.split(" --hash=")
        requirement = Requirement(text.strip())
        yield Pinned(
            name=canonicalize_name(requirement.name),
            version=next((each.version for each in requirement.specifier), None),
            address=requirement.url,
            hashes=tuple(each.strip() for each in hashes),
        )
