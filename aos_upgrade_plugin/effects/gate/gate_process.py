"""One isolated pytest process, and the line on which it tells what happens."""

import os
import secrets
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

import psutil

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree.durable import remove_tree, write_new
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.event import KEY_BYTES, Told, decode
from aos_upgrade_plugin.models.gate import GateContext, Limits
from aos_upgrade_plugin.models.words import text

# What would steer our pytest, our Python, or the git that a check calls.
_SCRUBBED = ("PYTEST_", "PYTHON", "PY_", "GIT_")
# xdist's workers are started without -I: what it does is said in the environment too.
_ISOLATED = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONSAFEPATH": "1", "PYTHONNOUSERSITE": "1"}
_PLUGINS_OFF = (
    *("cacheprovider", "debugging", "doctest", "junitxml", "legacypath", "pastebin"),
    *("setuponly", "setupplan", "stepwise", "subtests", "terminal", "unittest"),
)
_CONFIGURATION = Path(__file__).with_name("gate.ini")
# Whatever is imported stays: the gate's plugin lets the garbage collector run once that is done.
_MAIN = "import gc, sys; gc.disable(); import pytest; sys.exit(pytest.main())"
_PYTEST = (
    *(sys.executable, "-I", "-c", _MAIN, "-c", str(_CONFIGURATION)),
    *("--noconftest", "--continue-on-collection-errors"),
    *(word for name in _PLUGINS_OFF for word in ("-p", f"no:{name}")),
    *("-p", "aos_upgrade_plugin"),
)
_CHUNK_BYTES = 1 << 16
_LONGEST_LINE_BYTES = 1 << 20
_LAST_WORDS_S = 5.0
_GLANCE_S = 0.02
_GUARD_S = 30.0


class GarbledError(Exception):
    """Something came over the line that the gate's plugin did not say."""


@contextmanager
def private_folder() -> Generator[Path]:
    """Make a folder that nobody else can write to, and remove it afterwards."""
    folder = Path(tempfile.gettempdir()) / f"aos-gate-{secrets.token_hex(8)}"
    try:
        with as_disk_error("making the gate's folder"):
            for made in (folder, folder / "empty", folder / "tmp"):
                disk.make_directory(os.fsencode(made), 0o700)
        yield folder
    finally:
        remove_tree(folder)


class GateProcess:
    """A running pytest that is told nothing by its surroundings, its project or its target.

    It works in an empty folder, with a temporary folder of its own, without configuration,
    conftest, plugins or Python path of anybody. What it tells comes over a socket that its own
    children do not inherit, sealed with a key that only it and we know.
    """

    def __init__(
        self, context: GateContext, arguments: Sequence[str], *, folder: Path, limits: Limits
    ) -> None:
        """Start it. ``folder`` comes from :func:`private_folder`, a new one for each."""
        self._output_bytes = limits.output_bytes
        self._key = secrets.token_bytes(KEY_BYTES)
        self._heard = 0
        self._unfinished = b""
        self._printed = b""
        self._line, theirs = socket.socketpair()
        given = folder / "context.json"
        write_new(os.fsencode(given), _as_json(context))
        with theirs:
            self._process = subprocess.Popen(
                [
                    *(*_PYTEST, f"--rootdir={folder / 'empty'}"),
                    *(f"--aos-context={given}", f"--aos-line={theirs.fileno()}"),
                    *arguments,
                ],
                pass_fds=[theirs.fileno()],
                cwd=folder / "empty",
                env=_environment(os.environ, folder),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        with suppress(BrokenPipeError):  # it is gone already: that is heard soon enough
            self._line.sendall(self._key)
        self._line.settimeout(0)
        self._output = cast("IO[bytes]", self._process.stdout)
        os.set_blocking(self._output.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._line, selectors.EVENT_READ)
        self._selector.register(self._output, selectors.EVENT_READ)

    def __enter__(self) -> Self:
        """Return the process."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Leave nothing running."""
        self.kill()
        self._selector.close()
        self._line.close()
        self._output.close()

    @property
    def printed(self) -> str:
        """The end of what it printed so far."""
        return text(self._printed.decode("utf-8", "backslashreplace"))

    def hear(self, wait_s: float) -> list[Told] | None:
        """Return what it told, waiting for the first word; nothing at all once it hung up.

        Raises GarbledError for anything that the gate's plugin did not say.
        """
        told: list[Told] = []
        for key, _ in self._selector.select(max(wait_s, 0)):
            if key.fileobj is self._output:
                self._listen_to_output()
                continue
            words = self._read_line()
            if not words:
                return None
            told += self._understood(words)
        return told

    def finish(self, limit_s: float) -> int | None:
        """Return its exit status, negative for a signal; nothing if it does not end in time."""
        family = self._family()  # once it has ended, nobody knows any more whose they were
        if not self._wait([self._process.pid], limit_s):
            return None
        self.kill(family)
        return self._process.returncode

    def dump(self) -> None:
        """Let it and its workers print where they are, and end them."""
        family = self._family()
        self._signal(signal.SIGABRT)
        # A worker may need longer for its words than the process that started it.
        self._wait([self._process.pid, *(relative.pid for relative in family)], _LAST_WORDS_S)
        self.kill(family)

    def kill(self, family: Sequence[psutil.Process] = ()) -> None:
        """Kill what is left of it and of what it started."""
        if self._process.returncode is not None:
            return
        for relative in (*family, *self._family()):
            with suppress(psutil.NoSuchProcess):
                relative.kill()
        # Before it is reaped, so that the number of the group still means this group.
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _understood(self, words: bytes) -> Iterator[Told]:
        *lines, self._unfinished = (self._unfinished + words).split(b"\n")
        for line in lines:
            try:
                yield decode(line, key=self._key, number=self._heard)
            except ValueError as error:
                raise GarbledError(str(error).partition("\n")[0]) from None
            self._heard += 1
        if len(self._unfinished) > _LONGEST_LINE_BYTES:
            raise GarbledError("a line without end")

    def _read_line(self) -> bytes:
        try:
            return self._line.recv(_CHUNK_BYTES)
        except ConnectionResetError:
            return b""

    def _listen_to_output(self) -> None:
        if self._output.closed:
            return
        # Nothing at the moment, or empty at the end.
        while chunk := cast("bytes | None", self._output.read(_CHUNK_BYTES)):
            self._printed = (self._printed + chunk)[-self._output_bytes :]
        if chunk is not None:
            self._selector.unregister(self._output)
            self._output.close()

    def _family(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def _wait(self, pids: Sequence[int], limit_s: float) -> bool:
        """Listen until all of them ended, without reaping any; say whether they did in time."""
        until = time.monotonic() + limit_s
        while not all(_has_ended(pid) for pid in pids):
            if time.monotonic() > until:
                return False
            time.sleep(_GLANCE_S)
            self._listen_to_output()
        self._listen_to_output()
        return True

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def _has_ended(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _as_json(context: GateContext) -> bytes:
    try:
        return context.model_dump_json().encode()
    except ValueError:
        raise RefusedError(
            "the path of the installation or of its source is not valid UTF-8",
            cure="rename the folder; names inside of it may be anything",
        ) from None


def _environment(surroundings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of a gate.

    Coverage measures it too where its own variables (``COVERAGE_*``) ask for that.
    """
    kept = {name: value for name, value in surroundings.items() if not name.startswith(_SCRUBBED)}
    return {**kept, **_ISOLATED, "TMPDIR": str(folder / "tmp")}


def guard(limit_s: float) -> tuple[str, str]:
    """Return the arguments that end a process by itself where we should have stopped it before."""
    return "-o", f"faulthandler_timeout={limit_s + _GUARD_S}"


def said_of_end(status: int | None) -> str:
    """Return the words for an exit status as :meth:`GateProcess.finish` gives it."""
    if status is None:
        return "did not end"
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
