"""pip as the one who resolves and installs, working on another environment than its own.

Source: pip's user guide, "Managing a different Python interpreter"; "Installation Report".
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from aos_upgrade_plugin.effects.environment.distributions import origin
from aos_upgrade_plugin.effects.environment.installers import (
    INSTALLING,
    RESOLVING,
    Wanted,
    asked_for,
    bundled,
    with_hashes,
)
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.errors import PackagesError
from aos_upgrade_plugin.models.packages import Environment, Pinned

_KNOWS_OTHER_PYTHONS = Version("22.3")
_STARTED = ("-I", "-B", "-m", "pip")
_TELLING = frozenset(
    {"index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy"}
    | {"cert", "client-cert", "constraint", "no-binary", "only-binary", "keyring-provider"}
)


class Pip:
    """pip, told which Python it works for."""

    def __init__(self, command: Sequence[str | Path]) -> None:
        """Say how it is started."""
        self.command = tuple(command)

    @classmethod
    def find(cls, environment: Environment, bench: Workbench) -> "Pip | None":
        """Find one that can: the environment's own, its Python's, or that of the Python running us.

        The environment's own is known by its files, so only the others are asked.
        """
        own = environment.importable.get("pip")
        if own is not None and Version(own.version) >= _KNOWS_OTHER_PYTHONS:
            return cls((environment.folder / "bin/python", *_STARTED))
        for python in filter(None, (environment.interpreter, Path(sys.executable))):
            command = (python, *_STARTED)
            with suppress(PackagesError):
                answer = bench.ask((*command, "--version"), doing="asking pip for its version")
                if Version(answer.split()[1]) >= _KNOWS_OTHER_PYTHONS:
                    return cls(command)
        return None

    def is_told(self, bench: Workbench) -> bool:
        """Say whether the user told it where packages come from, in files or variables."""
        answer = bench.ask((*self.command, "config", "list"), doing="asking pip for its settings")
        names = (line.partition("=")[0].rpartition(".")[2] for line in answer.splitlines())
        return not _TELLING.isdisjoint(names)

    def resolve(
        self, wanted: Wanted, environment: Environment, bench: Workbench
    ) -> tuple[Pinned, ...]:
        """Return all that an environment shall hold.

        pip keeps what is installed only where it looks at an environment, and names everything
        only where it does not. So it is asked what has to change, then for the whole with the
        rest held fast; that also proves that every file can still be had.
        """
        extras = bench.put("extras.txt", [asked_for(each) for each in wanted.extras])
        asked = ("--requirement", wanted.requirements, "--requirement", extras)
        changing = {pin.name: pin for pin in self._report(asked, environment, bench)}
        held = {each.name: each for each in environment.packages} | changing
        limits = [package.requirement for package in held.values() if not package.editable]
        constraints = bench.put("constraints.txt", limits)
        everything = (*asked, "--ignore-installed", "--constraint", constraints)
        return tuple(self._report(everything, environment, bench))

    def install(self, pins: Sequence[Pinned], environment: Environment, bench: Workbench) -> None:
        """Put exactly these into an environment that has nothing yet.

        For pip hashes are for all or none, so those without come apart.
        """
        hashed = [pin for pin in pins if pin.hashes]
        others = [pin for pin in pins if not pin.hashes]
        for number, group in enumerate(filter(None, (hashed, others))):
            listed = bench.put(f"pins-{number}.txt", [with_hashes(pin) for pin in group])
            bench.run(
                self._install(environment, "--no-deps", "--no-compile", "--requirement", listed),
                doing=INSTALLING,
            )

    def _install(self, environment: Environment, *what: str | Path) -> tuple[str | Path, ...]:
        links = bundled(environment)
        brought = ("--find-links", links) if links else ()
        python = ("--python", environment.folder / "bin/python")
        return (*self.command, *python, "install", *brought, *what)

    def _report(
        self, asked: Sequence[str | Path], environment: Environment, bench: Workbench
    ) -> Iterator[Pinned]:
        """Ask what it would install, and yield that."""
        command = self._install(environment, "--quiet", "--dry-run", "--report", "-", *asked)
        answer = bench.ask(command, doing=RESOLVING)
        try:
            for item in json.loads(answer)["install"]:
                yield _reported(item)
        except (ValueError, KeyError, TypeError) as error:
            raise PackagesError(
                f"{RESOLVING} failed: pip's report cannot be read: {error!r}",
                cure="upgrade pip there, or install uv",
            ) from error


def _reported(item: Mapping[str, Any]) -> Pinned:
    """Read one item of pip's report. Source: pip's "Installation Report"."""
    metadata, source = item["metadata"], item["download_info"]
    address, editable = origin(source) if item.get("is_direct") else (None, False)
    archive = source.get("archive_info", {})
    hashes = [f"{kind}:{value}" for kind, value in archive.get("hashes", {}).items()]
    old_form = archive.get("hash", "").replace("=", ":", 1)
    return Pinned(
        name=canonicalize_name(metadata["name"]),
        version=metadata["version"],
        address=address,
        editable=editable,
        hashes=tuple(hashes or filter(None, [old_form])),
    )
