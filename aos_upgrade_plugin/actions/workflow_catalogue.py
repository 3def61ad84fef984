"""The workflows there are, from every place that may hold some."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.decide.workflow.task_text import section_of
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.workflow.definitions import read_text
from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_workflows
from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.models.definition import Definition, Listed, Origin, Phase, Task
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.workflow_definitions import Definitions, Place
from aos_upgrade_plugin.phases.workflow_names import place_of_workflows
from aos_upgrade_plugin.plugins import Plugins


class Usable(NamedTuple):
    """A workflow that can be walked, and where its texts are."""

    definition: Definition
    folder: str

    def text_of(self, phase: Phase) -> str:
        """Return the text of a phase; empty where the workflow has none."""
        if phase.file is None:
            return ""
        with as_disk_error("reading the workflow"):
            return read_text(self.folder, phase.file)

    def text_of_task(self, phase: Phase, task: Task) -> str:
        """Return the text of a task: its file, or its section of the phase's text."""
        with as_disk_error("reading the workflow"):
            whole = read_text(self.folder, task.file)
        return section_of(whole, number=task.number) if task.file == phase.file else whole


class Catalogue:
    """The workflows of an installation, a source, this package and the plugins."""

    def __init__(self, plugins: Plugins, *, source: Path | None = None) -> None:
        """Know where to look besides the installation."""
        self.definitions = Definitions()
        self._brought = plugins.workflow_folders()
        self._source = source

    def listed(self, installation: Installation) -> tuple[Listed, ...]:
        """Return every workflow by name. Of two with one name the first place's counts.

        The upgrade's own definition is always the one that comes with this package.
        """
        found: dict[str, Listed] = {}
        with as_disk_error("looking for workflows"):
            for place in self._places(installation):
                for each in self.definitions.of(place):
                    ours = place.origin is Origin.BUNDLED
                    if ours or each.workflow_type not in UPGRADE_WORKFLOWS:
                        found.setdefault(each.workflow_type, each)
        return tuple(found[name] for name in sorted(found))

    def find(self, installation: Installation, name: str) -> Usable:
        """Return a workflow by the name of its folder, or by what its metadata calls it.

        Raises NotFoundError; RefusedError, with the problem, for one that is broken.
        """
        name = UPGRADE if name in UPGRADE_WORKFLOWS else name
        listed = self.listed(installation)
        called = (
            each for each in listed if each.definition and each.definition.also_called == name
        )
        found = next((each for each in listed if each.workflow_type == name), next(called, None))
        if found is None:
            raise NotFoundError(
                f"there is no workflow {name!r}",
                cure="list_workflows names those there are",
            )
        if found.definition is None:
            raise RefusedError(
                f"the workflow {name} is broken: {found.problem}",
                cure="correct its folder, or take another workflow: list_workflows names them",
            )
        return Usable(found.definition, found.folder)

    def _places(self, installation: Installation) -> Iterator[Place]:
        yield Place(place_of_workflows(installation), Origin.INSTALLATION)
        if self._source is not None:
            yield Place(self._source / "universal" / "workflows", Origin.SOURCE)
        for brought in self._brought:
            yield Place(brought, Origin.PLUGIN)
        yield Place(Path(str(bundled_workflows())), Origin.BUNDLED)
