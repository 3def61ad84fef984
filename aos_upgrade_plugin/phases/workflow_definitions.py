"""The workflows of a place, each a definition or a problem."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.workflow.definitions import define
from aos_upgrade_plugin.effects.workflow.definitions import Counted, Kept, names_of, read_folder
from aos_upgrade_plugin.models.definition import Definition, Listed, Origin, UnusableError


class Place(NamedTuple):
    """A folder of workflow folders."""

    folder: Path
    origin: Origin


class Definitions:
    """The workflows of some places. One for a process: it remembers what it parsed."""

    def __init__(self) -> None:
        """Remember nothing yet."""
        self._kept = Kept()

    @property
    def counted(self) -> Counted:
        """How often a file's content or a definition could be used again, and how often not."""
        return self._kept.counted

    def of(self, place: Place) -> Iterator[Listed]:
        """Yield each workflow of a place, by name; a broken one with its problem."""
        for name in names_of(place.folder):
            yield self._read(place.folder / name, place.origin)

    def _read(self, folder: Path, origin: Origin) -> Listed:
        name = folder.name.encode(errors="backslashreplace").decode()
        try:
            definition, problem = self._define(folder, name), None
        except UnusableError as error:
            definition, problem = None, str(error)
        return Listed(
            workflow_type=name,
            origin=origin,
            folder=str(folder) if definition else "",
            definition=definition,
            problem=problem,
        )

    def _define(self, folder: Path, name: str) -> Definition:
        found = read_folder(folder, self._kept)

        def made(_: bytes) -> Definition:
            return define(
                workflow_type=name,
                metadata=found.metadata,
                files=found.files,
                gates=found.gates,
            )

        return self._kept.once(f"definition {name}", found.identity, made)
