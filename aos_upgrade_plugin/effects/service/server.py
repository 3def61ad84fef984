"""The server of one installation: what it wrote about itself, and starting it."""

import os
import re
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import psutil
from pydantic import ValidationError

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.durable import make_directories, remove_tree
from aos_upgrade_plugin.models.layout import Layout, Part
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.server import Pid, ServerState, Site, StartCommand

_FLAG = re.compile(rb"""["']--transport["']""")
_MOST_LOG_BYTES = 1 << 16


def read_state(site: Site) -> ServerState | None:
    """Return what a server wrote about itself; nothing where that is absent or no state."""
    try:
        return ServerState.model_validate_json(site.state_file.read_bytes())
    except (OSError, ValidationError):
        return None


def knows_transport(site: Site) -> bool:
    """Say whether the server's code has the flag that chooses how it talks."""
    code = site.install.joinpath(*site.module.split(".")).rglob("*.py")
    return any(_FLAG.search(each.read_bytes()) for each in code)


def index_bytes(site: Site) -> int:
    """Return how much there is of the search index; it grows while it is built.

    What the server renames under our eyes, or nobody may read, counts as nothing: this only tells
    whether something goes on.
    """
    found = files.scan(site.index_folder, unreadable=lambda _path, _error: None)
    return sum(each.status.st_size for each in found)


def forget_bytecode(install: Path, layout: Layout) -> None:
    """Remove what Python compiled of the server's code: none of it may outlive the code.

    Python tells by size and second whether it still fits, and both may be the same by chance.
    """
    code = {
        files.locate(install, root.install) for root in layout.roots if root.part is Part.SERVER
    }
    with files.as_disk_error("removing the server's compiled code"):
        for folder in sorted(code):
            for compiled in [*Path(os.fsdecode(folder)).rglob("__pycache__")]:
                remove_tree(compiled)


class Launched(NamedTuple):
    """A server that was started a moment ago."""

    pid: Pid
    born: Moment
    process: subprocess.Popen[bytes]
    log: Path
    log_began_bytes: int

    @property
    def ended_with(self) -> int | None:
        """Its exit status, negative for a signal; nothing while it runs."""
        return self.process.poll()

    def last_lines(self, count: int = 5) -> list[str]:
        """Return the end of what it logged since its start."""
        with self.log.open("rb") as log:
            end = log.seek(0, os.SEEK_END)
            log.seek(max(self.log_began_bytes, end - _MOST_LOG_BYTES))
            written = log.read().decode("utf-8", "replace")
        return [line for each in written.splitlines() if (line := each.strip())][-count:]


def launch(command: StartCommand, *, environment: Mapping[str, str], log: Path) -> Launched:
    """Start a server detached: a session of its own, no input, its output added to the log.

    It outlives us, inherits no lock of ours, and is reaped should it end while we run. Raises
    DiskError where it cannot be started at all.
    """
    with files.as_disk_error(f"starting {command.arguments[0]}"):
        make_directories(log.parent)
        output = disk.open_append(os.fsencode(log))
        try:
            began_bytes = os.fstat(output).st_size
            process = subprocess.Popen(
                command.arguments,
                cwd=command.folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        finally:
            os.close(output)
    born = moments.birth(psutil.Process(process.pid))
    threading.Thread(target=process.wait, daemon=True, name=f"reaper-{process.pid}").start()
    return Launched(process.pid, born, process, log, began_bytes)
