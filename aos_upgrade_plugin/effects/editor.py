"""A text given to the user's own editor, and back."""

import os
import shlex
import signal
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError

_NAME_LENGTH = 100
_ANOTHER = "set EDITOR to an editor that is there, or decide by keep, take or merge"


def edited(text: bytes, *, name: str, terminal: int) -> bytes:
    """Return what the user made of a text, in the editor that ``VISUAL`` or ``EDITOR`` names.

    The file that is edited is called ``name``, and is gone afterwards; the editor writes to the
    descriptor ``terminal``. Raises RefusedError where there is no editor, or it failed.
    """
    command = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with run_folder.for_planning() as folder:
        file = folder / Path(name).name[-_NAME_LENGTH:]
        try:
            with as_disk_error("writing the text to edit"):
                durable.write_new(os.fsencode(file), text)
            status = _run(command, file, terminal)
            if status:
                raise RefusedError(
                    f"the editor {command} ended with status {status}", cure=_ANOTHER
                )
            with as_disk_error("reading what was edited"):
                return file.read_bytes()
        finally:
            run_folder.remove(folder)


def _run(command: str, file: Path, terminal: int) -> int:
    try:
        words = shlex.split(command)
        with _not_interrupted():
            return subprocess.run([*words, str(file)], stdout=terminal, check=False).returncode
    except (OSError, ValueError) as error:
        raise RefusedError(
            f"the editor {command} cannot be started: {error}", cure=_ANOTHER
        ) from error


@contextmanager
def _not_interrupted() -> Generator[None]:
    """Leave Ctrl-C to the editor. A handler, unlike ignoring, is not inherited by it."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
