"""Where installers work: processes with a time limit, whose output is kept, limited in size."""

import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.service.process_log import ProcessLog
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import PackagesError

_ANSWER_BYTES = 1 << 26
_CHUNK_BYTES = 1 << 16
_END_WITHIN_S = 3.0
_ENDS_WITHIN_S = 0.01
_LOOK_AGAIN_S = 0.2

# What would choose another environment, another way to install or another Python. Where packages
# come from is the user's to say: those variables stay.
_OURS = re.compile(
    r"PYTHON|__PYVENV_|VIRTUAL_ENV|CONDA_|GIT_(DIR|WORK_TREE|INDEX_FILE|PREFIX)$"
    r"|PIP_(?!(EXTRA_)?INDEX_URL|FIND_LINKS|NO_INDEX|TRUSTED_HOST|(CLIENT_)?CERT|PROXY"
    r"|CONFIG_FILE|(NO_)?CACHE|(DEFAULT_)?TIMEOUT|RETRIES|KEYRING|(ONLY|NO|PREFER)_BINARY"
    r"|CONSTRAINT|PRE$|USE_FEATURE|USE_DEPRECATED)"
    r"|UV_(VENV|PROJECT|PYTHON$|SYSTEM_PYTHON|MANAGED_PYTHON|WORKING_DIR|NO_DEPS|COMPILE"
    r"|BREAK_SYSTEM|REQUIRE_HASHES|NO_VERIFY)"
)
_SET = {
    "NO_COLOR": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_INPUT": "1",
    "PYTHONDONTWRITEBYTECODE": "1",  # an environment that is only asked must not change
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
    "UV_NO_PROGRESS": "1",
    "UV_PYTHON_DOWNLOADS": "never",
}


class ProcessFailedError(PackagesError):
    """A process ended badly, or not at all."""

    def __init__(self, message: str, *, cure: str, status: int | None) -> None:
        """Keep its exit status, negative for a signal; nothing where it did not end."""
        super().__init__(message, cure=cure)
        self.status = status


class Workbench(NamedTuple):
    """A folder for the lists and the log of one job, and how its processes are run."""

    folder: Path
    inherited: tuple[int, ...] = ()
    """Descriptors that the processes keep: the upgrade lock, so that an orphan still holds it."""
    limit_s: float = 1800.0
    """For each process; a gigabyte takes its time on a slow line."""

    @property
    def log(self) -> Path:
        """Where the output of every process is kept."""
        return self.folder / "packages.log"

    def put(self, name: str, lines: Sequence[str]) -> Path:
        """Write a file for a process to read."""
        with as_disk_error("writing down the packages"):
            durable.make_directories(self.folder, mode=0o700)
            durable.write_durably(self.folder / name, "".join(f"{x}\n" for x in lines).encode())
        return self.folder / name

    def run(
        self,
        command: Sequence[str | Path],
        *,
        doing: str,
        variables: Mapping[str, str] | None = None,
        accepted: Sequence[int] = (0,),
    ) -> None:
        """Run a command to its end. Raises PackagesError with its last words, DiskError."""
        self._run(command, doing, variables or {}, accepted, answers=False)

    def ask(self, command: Sequence[str | Path], *, doing: str) -> str:
        """Run a command and return its answer, which is not logged. Raises as :meth:`run`."""
        answer = self._run(command, doing, {}, (0,), answers=True)
        return answer.decode("utf-8", "replace")

    def _run(
        self,
        command: Sequence[str | Path],
        doing: str,
        variables: Mapping[str, str],
        accepted: Sequence[int],
        *,
        answers: bool,
    ) -> bytes:
        words = [str(word) for word in command]
        with as_disk_error(doing):
            durable.make_directories(self.folder, mode=0o700)
            with ProcessLog(self.log) as log:
                log.begin(" ".join(words))
                try:
                    with _started(words, variables, self.inherited, answers=answers) as process:
                        answer = _listen(process, log, limit_s=self.limit_s)
                except subprocess.TimeoutExpired as error:
                    raise self._failure(doing, None, log) from error
                if process.returncode not in accepted:
                    raise self._failure(doing, process.returncode, log)
        return answer

    def _failure(self, doing: str, status: int | None, log: ProcessLog) -> ProcessFailedError:
        how = f"no end after {self.limit_s:.0f} s" if status is None else _how(status)
        return ProcessFailedError(
            f"{doing} failed, {how}: {log.last_words() or 'nothing was said'}",
            cure=f"read {self.log}, repair what it says, then run it again",
            status=status,
        )


@contextmanager
def _started(
    words: Sequence[str],
    variables: Mapping[str, str],
    inherited: Sequence[int],
    *,
    answers: bool,
) -> "Generator[subprocess.Popen[bytes]]":
    """Start a process with a group of its own, and leave nothing of it running when we fail."""
    kept = {name: value for name, value in os.environ.items() if not _OURS.match(name)}
    with subprocess.Popen(
        words,
        env=kept | _SET | dict(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if answers else subprocess.STDOUT,
        pass_fds=inherited,
        start_new_session=True,
    ) as process:
        try:
            yield process
        except BaseException:
            _end(process)
            raise
        if process.returncode:
            _kill(process)


def _listen(process: "subprocess.Popen[bytes]", log: ProcessLog, *, limit_s: float) -> bytes:
    """Take all that a process says until it ends, or raise TimeoutExpired.

    Where it has two pipes, what comes on the first is its answer; the rest is for the log.
    """
    answer, answers = bytearray(), process.stderr is not None
    give_up_at = time.monotonic() + limit_s
    with selectors.DefaultSelector() as selector:
        for stream in filter(None, (process.stdout, process.stderr)):
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(_LOOK_AGAIN_S)
            for key, _ in ready:
                chunk = os.read(key.fd, _CHUNK_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif answers and key.fileobj is process.stdout:
                    answer += chunk[: _ANSWER_BYTES - len(answer)]
                else:
                    log.take(chunk)
            # What it started may keep the pipe open for ever.
            if not ready and process.poll() is not None:
                break
            if time.monotonic() >= give_up_at:
                raise subprocess.TimeoutExpired(process.args, limit_s)
    process.wait(max(give_up_at - time.monotonic(), _END_WITHIN_S))
    return bytes(answer)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask the whole group to stop as Ctrl-C does, so that it cleans up; then kill it."""
    with suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
        os.killpg(process.pid, signal.SIGINT)
        process.wait(_END_WITHIN_S)
    _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """End all that is left of the group: pip works in a child, which would survive it."""
    give_up_at = time.monotonic() + _END_WITHIN_S
    with suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < give_up_at:
            os.killpg(process.pid, signal.SIGKILL)
            time.sleep(_ENDS_WITHIN_S)


def _how(status: int) -> str:
    if status < 0:
        return f"ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"
