"""The one argument of the sample's commands: a folder that they make."""

from collections.abc import Sequence
from pathlib import Path

from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.errors import UsageError


def new_folder(arguments: Sequence[str], *, module: str) -> Path:
    """Make the folder that is named, with one for a project in it, and return its absolute path.

    Raises UsageError for anything but one name of something that is not there; a name that begins
    with a dash has to be written as a path: it is most likely an option that we do not have.
    """
    if len(arguments) != 1 or arguments[0].startswith("-") or Path(arguments[0]).exists():
        raise UsageError("name one folder that does not exist yet", cure=f"python -m {module} DIR")
    folder = Path(arguments[0]).resolve()
    durable.make_directories(folder / "project")
    return folder
