"""What the system tells about running processes, and how they are stopped."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.server import HowStopped, Port, ProcessFacts, Stopped

_ADOPT = frozenset({"init", "launchd", "systemd"})
_KILLED_WITHIN_S = 5.0
_LOOK_AGAIN_S = 0.01


def running(word: str) -> Iterator[ProcessFacts]:
    """Describe every process with a word somewhere in its command line, other than ourselves."""
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.pid != os.getpid() and any(word in each for each in process.cmdline()):
                with process.oneshot():
                    yield _facts(process)


def descends(pid: int, ancestor: int) -> bool:
    """Say whether a process is another one or was started by it, through however many others."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return ancestor in {pid, *(parent.pid for parent in process.parents())}
    return False


def runs(pid: int, *, born: Moment) -> bool:
    """Say whether a process still runs; another one that has come by its id does not count."""
    with suppress(psutil.Error):
        process = _same(pid, born)
        return process is not None and _runs(process)
    return False


def ports_of(pid: int) -> tuple[Port, ...]:
    """Return where a process, or one that it started, listens; nothing where we may not know."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        family = (process, *process.children(recursive=True))
        return tuple(sorted({port for each in family for port in _ports(each)}))
    return ()


def _ports(process: psutil.Process) -> Iterator[Port]:
    with suppress(psutil.Error):
        for each in process.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN:
                yield each.laddr.port


def stop(pid: int, *, born: Moment, grace_s: float) -> Stopped:
    """End a process and everything it started: ask, wait, then kill.

    A process that has come by the same id since is left alone. Raises PermissionError where the
    system does not let us, TimeoutError where even killing does not end it.
    """
    began = time.monotonic()
    try:
        process = _same(pid, born)
        if process is None:
            return Stopped(pid=pid, how=HowStopped.GONE, took_s=0)
        family = [process, *process.children(recursive=True)]
        process.terminate()
    except psutil.NoSuchProcess:
        return Stopped(pid=pid, how=HowStopped.GONE, took_s=0)
    except psutil.AccessDenied as error:
        raise PermissionError(str(error)) from error
    asked_in_vain = not _ended_within(grace_s, [process])
    _kill(family)
    how = HowStopped.KILLED if asked_in_vain else HowStopped.ASKED
    return Stopped(pid=pid, how=how, took_s=time.monotonic() - began)


def _same(pid: int, born: Moment) -> psutil.Process | None:
    """Return the process, unless another one has come by its id."""
    process = psutil.Process(pid)
    return process if moments.birth(process).is_same(born) else None


def _kill(family: Sequence[psutil.Process]) -> None:
    for each in family:
        with suppress(psutil.NoSuchProcess):
            each.kill()
    if not _ended_within(_KILLED_WITHIN_S, family):
        raise TimeoutError("it does not end, even killed")


def _ended_within(limit_s: float, family: Iterable[psutil.Process]) -> bool:
    """Wait until none of the processes runs; one that its parent does not collect has ended."""
    deadline = time.monotonic() + limit_s
    while any(_runs(each) for each in family):
        if time.monotonic() > deadline:
            return False
        time.sleep(_LOOK_AGAIN_S)
    return True


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _facts(process: psutil.Process) -> ProcessFacts:
    arguments = tuple(process.cmdline())
    folder: Path | None = None
    variables: dict[str, str] = {}
    client: str | None = None
    with suppress(psutil.Error):
        folder = Path(process.cwd())
    with suppress(psutil.Error):
        variables = process.environ()
    with suppress(psutil.Error):
        client = _client(process)
    return ProcessFacts(
        pid=process.pid,
        born=moments.birth(process),
        arguments=arguments,
        interpreter_folder=_interpreter_folder(arguments, variables, folder),
        code_folders=_resolved(variables.get("PYTHONPATH", "").split(os.pathsep), folder),
        folders=_resolved([variables.get("AGENT_OS_BASE_PATH", "")], folder),
        variables=variables,
        client=client,
    )


def _interpreter_folder(
    arguments: tuple[str, ...], variables: dict[str, str], folder: Path | None
) -> Path | None:
    """Return where its Python was started; macOS shows another and names it in a variable."""
    started = variables.get("__PYVENV_LAUNCHER__", arguments[0])
    if "/" not in started or (folder is None and not started.startswith("/")):
        return None
    return (folder or Path("/")).joinpath(started).parent.resolve()


def _resolved(named: list[str], folder: Path | None) -> frozenset[Path]:
    """Return a working directory and the folders named relative to it, links followed."""
    if folder is None:
        return frozenset(Path(each).resolve() for each in named if each.startswith("/"))
    return frozenset({folder.resolve(), *((folder / each).resolve() for each in named if each)})


def _client(process: psutil.Process) -> str | None:
    """Name the process that started this one; neither we nor who only adopts is a client."""
    parent = process.parent()
    if parent is None or parent.pid in {1, os.getpid()} or parent.name() in _ADOPT:
        return None
    return f"{parent.name()} (process {parent.pid})"
