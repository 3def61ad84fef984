"""A project beside, with an installation's workflows and nothing else of it, to try the tool in."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.workflow.own_workflows import write_own
from aos_upgrade_plugin.models.tree import Kind
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.workflow_names import place_of_workflows


@contextmanager
def scratch_project(installation: Installation) -> Generator[Path]:
    """Offer a project that holds copies of the installation's workflows, and ours to try with.

    It lies in the user's state folder, and is gone afterwards; nothing is written to the target.
    """
    with run_folder.for_planning() as folder:
        try:
            with as_disk_error("copying the workflows"):
                project = folder / "project"
                install = project / installation.layout.folder
                for sign in installation.layout.signs:
                    durable.make_directories(install / sign)
                _copy(place_of_workflows(installation), install / "workflows")
                write_own(install / "workflows")
            yield project
        finally:
            with as_disk_error("removing the copied workflows"):
                durable.remove_tree(folder)


def _copy(source: Path, target: Path) -> None:
    """Copy folders and files; a link stays behind, as it is not followed in a workflow either."""
    durable.make_directories(target)
    if not source.is_dir():
        return
    for found in files.scan(source):
        place = files.locate(target, found.path)
        if found.kind is Kind.DIRECTORY:
            durable.make_directories(Path(os.fsdecode(place)))
        elif found.kind is Kind.FILE:
            durable.copy_file(found.location, place)
