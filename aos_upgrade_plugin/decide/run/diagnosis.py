"""From what was found of an installation to what is wrong with it, and what to do."""

import shlex
from collections.abc import Iterator

from aos_upgrade_plugin.models.diagnosis import Diagnosis, Findings
from aos_upgrade_plugin.models.server import ServerProcess
from aos_upgrade_plugin.models.status import NextStep

_SHOWN = 3
_BACKUPS = "aos-upgrade backups create"


def diagnosed(found: Findings) -> Diagnosis:
    """Judge everything; a problem makes the installation unhealthy, a hint does not."""
    return Diagnosis(
        **{name: getattr(found, name) for name in Findings.model_fields},
        problems=tuple(_problems(found)),
        hints=tuple(_hints(found)),
    )


def _problems(found: Findings) -> Iterator[NextStep]:
    yield from (step for step in found.status.next_steps if step.command != _BACKUPS)
    if found.config_problem:
        yield NextStep(why=found.config_problem, command=None)
    yield from _of_environment(found)
    yield from _of_processes(found)
    yield from _of_answers(found)
    for backup in found.damaged:
        command = f"aos-upgrade backups verify {backup.name}"
        yield NextStep(why=f"a backup is damaged: {backup.problem}", command=command)
    if found.disk.free_bytes < found.disk.needed_bytes:
        yield NextStep(why="the disk has too little room for an upgrade", command="df -h .")


def _of_environment(found: Findings) -> Iterator[NextStep]:
    if found.environment is None:
        if found.environment_problem is not None:
            yield found.environment_problem
        return
    lacking, inconsistent = found.environment.lacking, found.environment.inconsistent
    if lacking or inconsistent:
        problems = "; ".join((*(f"it lacks {each}" for each in lacking), *inconsistent)[:_SHOWN])
        yield NextStep(
            why=f"the packages of the environment do not fit: {problems}",
            command=f"{found.python} -m pip install -r {found.requirements}",
        )


def _of_processes(found: Findings) -> Iterator[NextStep]:
    for each in found.servers.doubtful:
        missing = ", ".join(f"not {proof}" for proof in each.missing)
        yield NextStep(
            why=f"process {each.pid} may be its server, or not: {missing}",
            command=f"ps -fp {each.pid}",
        )
    serving = _serving(found)
    if len(serving) > 1:
        surplus = [str(each.pid) for each in serving if not each.named_by_state]
        yield NextStep(
            why=f"{len(serving)} servers run beside each other",
            command=f"kill {' '.join(surplus or [str(each.pid) for each in serving[1:]])}",
        )
    if serving and found.url is None:
        yield _restart(found, "a server runs, and nobody knows its address")


def _of_answers(found: Findings) -> Iterator[NextStep]:
    if found.measured is None:
        return
    probe = found.measured.probe
    if probe.problem is not None:
        yield _restart(found, f"the server does not answer: {probe.problem}")
    elif found.measured.search_problem is not None:
        why = f"the search does not work: {found.measured.search_problem}"
        yield _restart(found, why, first=f"rm -r {shlex.quote(found.index)}; ")


def _restart(found: Findings, why: str, *, first: str = "") -> NextStep:
    pids = " ".join(str(each.pid) for each in _serving(found))
    stop = f"kill {pids}" if pids else ""
    start = f"({found.start} &)" if found.start else ""
    command = first + "; ".join(filter(None, (stop, start)))
    return NextStep(why=why, command=command or None)


def _serving(found: Findings) -> tuple[ServerProcess, ...]:
    return tuple(each for each in found.servers.running if each.may_be_stopped)


def _hints(found: Findings) -> Iterator[NextStep]:
    yield from (step for step in found.status.next_steps if step.command == _BACKUPS)
    if found.content.problem is not None:
        yield NextStep(why=found.content.problem, command="aos-upgrade plan --source DIR")
    elif found.status.installed.commit is None:
        yield NextStep(
            why="what it was made from was never written down; a source's history tells",
            command="aos-upgrade plan --source DIR",
        )
    if not found.clients:
        yield NextStep(why="no client in the project is configured to start it", command=None)
