"""An installation of which so little is left that only its backups tell what it was."""

from pathlib import Path

from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.phases.installation import find


def find_to_restore(start: Path) -> Path:
    """Find the installation, or the folder of its name that still holds backups.

    Raises as :func:`find` does where there are neither.
    """
    try:
        return find(start).path
    except NotFoundError:
        names = {layout.folder for layout in layouts.known()}
        with as_disk_error("looking for the installation"):
            for candidate in layouts.named(start, names):
                if any(each.manifest for each in backups.listed(candidate.path)):
                    return candidate.path
        raise
