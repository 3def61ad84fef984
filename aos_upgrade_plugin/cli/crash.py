"""An error that nobody foresaw: one line for people, the details for whoever repairs it."""

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path

from platformdirs import user_state_path

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.tree import shown


def as_error(bug: BaseException) -> UpgradeError:
    """Keep the details in the user's state folder and say where."""
    kept = _kept(bug)
    where = f"the details are in {kept}" if kept else "the details could not be kept"
    return UpgradeError(
        f"this should not have happened: {type(bug).__name__}: {bug}",
        cure=f"{where}; aos-upgrade status says how everything stands",
    )


def _kept(bug: BaseException) -> str | None:
    now = datetime.now(UTC)
    folder = user_state_path("aos-upgrade") / "crashes"
    if not folder.is_absolute():  # no home, and nobody knows who we are
        return None
    path = folder / f"{now:%Y-%m-%d-%H%M%S}-{os.getpid()}.txt"
    try:
        _write(path, _details(bug))
    except OSError:
        return None
    return shown(path)


def _write(path: Path, details: str) -> None:
    durable.make_directories(path.parent, mode=0o700)
    durable.write_durably(path, details.encode("utf-8", "backslashreplace"))


def _details(bug: BaseException) -> str:
    head = f"aos-upgrade {__version__}, Python {sys.version}, {sys.platform}\n{sys.argv}\n\n"
    return head + "".join(traceback.format_exception(bug))
