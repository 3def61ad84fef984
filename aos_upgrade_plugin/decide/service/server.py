"""Which processes are an installation's server, how it is started, how long we wait."""

import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from aos_upgrade_plugin.models.server import (
    ClientEntry,
    Doubtful,
    ProcessFacts,
    Proof,
    ServerProcess,
    Servers,
    ServerState,
    Site,
    StartCommand,
    Transport,
)
from aos_upgrade_plugin.models.service import Measured

DOCUMENTED = ("AGENT_OS_", "PRAXIS_OS_", "PROJECT_ROOT", "PYTHONPATH", "PYTHONUNBUFFERED")
"""The beginnings of the variables that the product reads; of a process no others are kept."""
_FLAG = "--transport"
_TAKE_A_VALUE = frozenset({"-W", "-X"})
_CLOCKS_AGREE_S = 1.0
_LONGEST_TIMES = 20
_STEERING = ("PYTHON", "PYTEST_", "COV_", "COVERAGE_", "VIRTUAL_ENV", "AOS_UPGRADE_")


def proofs(facts: ProcessFacts, site: Site) -> frozenset[Proof]:
    """Return what about a process agrees with it being the site's server."""
    agreed = {
        Proof.MODULE: runs_module(facts.arguments, site.module),
        Proof.INTERPRETER: facts.interpreter_folder == site.environment / "bin",
        Proof.CODE: site.install in facts.code_folders,
        Proof.FOLDER: any(
            each == site.project or site.project in each.parents or each == site.install
            for each in facts.folders
        ),
    }
    return frozenset(proof for proof, agrees in agreed.items() if agrees)


def runs_module(arguments: Sequence[str], module: str) -> bool:
    """Say whether a command line is a Python that runs a module or one below it."""
    words = iter(arguments[1:])
    for word in words:
        if word == "-m":
            name = next(words, "")
            return name == module or name.startswith(f"{module}.")
        if word == "-c" or not word.startswith("-"):
            return False
        if word in _TAKE_A_VALUE:
            next(words, None)
    return False


def sort_out(
    processes: Iterable[ProcessFacts], *, site: Site, state: ServerState | None
) -> Servers:
    """Tell the site's own servers from those that only look like it, in the order of their ids.

    A process of another installation agrees in the module alone and is not mentioned.
    """
    running: list[ServerProcess] = []
    doubtful: list[Doubtful] = []
    for facts in sorted(processes, key=lambda each: each.pid):
        agreed = proofs(facts, site)
        missing = tuple(proof for proof in Proof if proof not in agreed)
        if not missing:
            running.append(_server(facts, state))
        elif Proof.MODULE in agreed and agreed & {Proof.INTERPRETER, Proof.CODE}:
            doubtful.append(Doubtful(pid=facts.pid, arguments=facts.arguments, missing=missing))
    return Servers(running=tuple(running), doubtful=tuple(doubtful))


def _server(facts: ProcessFacts, state: ServerState | None) -> ServerProcess:
    transport = transport_of(facts.arguments)
    return ServerProcess(
        pid=facts.pid,
        born=facts.born,
        transport=transport,
        arguments=facts.arguments,
        variables={
            name: value for name, value in facts.variables.items() if name.startswith(DOCUMENTED)
        },
        # Whoever started one that talks to nobody over pipes, a shell for one, is no client of it.
        client=None if transport is Transport.HTTP else facts.client,
        named_by_state=state is not None and wrote(state, facts),
    )


def wrote(state: ServerState, facts: ProcessFacts) -> bool:
    """Say whether a process can have written a state: the id is its own, and it was there then."""
    if state.pid != facts.pid:
        return False
    if state.started_at is None:
        return True
    return facts.born.at_s <= state.started_at.timestamp() + _CLOCKS_AGREE_S


def transport_of(arguments: Sequence[str]) -> Transport:
    """Return how a command line makes the server talk; without the flag it knows stdio only."""
    for position, word in enumerate(arguments):
        name, _, value = word.partition("=")
        if name == _FLAG:
            told = value or "".join(arguments[position + 1 : position + 2])
            return Transport(told) if told in {*Transport} else Transport.STDIO
    return Transport.STDIO


def start_command(
    *,
    site: Site,
    transport: Transport,
    running: Sequence[ServerProcess] = (),
    clients: Sequence[ClientEntry] = (),
    knows_transport: bool = True,
) -> StartCommand | None:
    """Return the recorded command of the server, changed to talk over one transport.

    What runs tells best how it is run, then a client's configuration, then the layout. Nothing
    where the server's code has no HTTP and HTTP is asked for.
    """
    if transport is not Transport.STDIO and not knows_transport:
        return None
    recorded = _recorded(site=site, running=running, clients=clients)
    return _command(recorded, site, transport, knows_transport=knows_transport)


def command_beside(
    *, beside: Site, site: Site, recorded: StartCommand | None, knows_transport: bool
) -> StartCommand:
    """Return how a copy of the site's server is asked over its pipes.

    It sets what the recorded command of the site sets, but for what names the site itself.
    """
    told = recorded.variables if recorded else {}
    variables = {name: value for name, value in told.items() if str(site.project) not in value}
    copied = _Recorded("the layout", ("python", "-m", beside.module), variables)
    command = _command(copied, beside, Transport.STDIO, knows_transport=knows_transport)
    unwritten = {**command.variables, "PYTHONDONTWRITEBYTECODE": "1"}
    return command.model_copy(update={"variables": unwritten})


def _command(
    recorded: "_Recorded", site: Site, transport: Transport, *, knows_transport: bool
) -> StartCommand:
    interpreter = site.environment / "bin" / recorded.arguments[0].rpartition("/")[2]
    talking = (_FLAG, transport.value) if knows_transport else ()
    return StartCommand(
        arguments=(str(interpreter), *_without_transport(recorded.arguments[1:]), *talking),
        folder=str(site.project),
        variables={
            **recorded.variables,
            "PYTHONPATH": _python_path(recorded.variables, site),
            # Else the working directory comes first: in the product's own source that is the
            # source's code, whatever is installed. Python before 3.11 does not know it.
            "PYTHONSAFEPATH": "1",
        },
        transport=transport,
        recorded_in=recorded.where,
    )


class _Recorded(NamedTuple):
    where: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str]


def _recorded(
    *, site: Site, running: Sequence[ServerProcess], clients: Sequence[ClientEntry]
) -> _Recorded:
    if ours := foremost_first(running):
        return _Recorded(f"process {ours[0].pid}", ours[0].arguments, ours[0].variables)
    for entry in clients:
        return _Recorded(entry.file, entry.arguments, entry.variables)
    return _Recorded("the layout", ("python", "-m", site.module), {})


def foremost_first(running: Sequence[ServerProcess]) -> tuple[ServerProcess, ...]:
    """Sort servers so that the one comes first which tells how the server is started."""
    return tuple(
        sorted(running, key=lambda each: (not each.named_by_state, not each.may_be_stopped))
    )


def _without_transport(arguments: Sequence[str]) -> tuple[str, ...]:
    kept: list[str] = []
    skipped = False
    for word in arguments:
        if skipped:
            skipped = False
        elif word == _FLAG:
            skipped = True
        elif not word.startswith(f"{_FLAG}="):
            kept.append(word)
    return tuple(kept)


def _python_path(variables: Mapping[str, str], site: Site) -> str:
    """Put the install folder first and keep what else was named absolutely."""
    named = variables.get("PYTHONPATH", "").split(":")
    others = [each for each in named if each.startswith("/") and each != str(site.install)]
    return ":".join([str(site.install), *others])


def surroundings(ours: Mapping[str, str], command: StartCommand) -> Mapping[str, str]:
    """Return the environment of a server that we start: ours, less what steers Python."""
    kept = {name: value for name, value in ours.items() if not name.startswith(_STEERING)}
    return {**kept, **command.variables}


def shell_line(command: StartCommand) -> str:
    """Return how somebody starts the server from a shell."""
    words = (f"{name}={shlex.quote(value)}" for name, value in sorted(command.variables.items()))
    return " ".join((f"cd {shlex.quote(command.folder)} &&", *words, shlex.join(command.arguments)))


def patience_ends_s(*, started_s: float, grew_s: float, limit_s: float) -> float:
    """Return the moment at which waiting for a server ends.

    The limit counts from the last time its index was seen growing, at most twenty times.
    """
    return min(max(started_s, grew_s) + limit_s, started_s + _LONGEST_TIMES * limit_s)


def worth_asking_again(measured: Measured, *, over_pipes: bool, grew: bool) -> bool:
    """Say whether a server that was asked just now may say something better a moment later.

    ``over_pipes``: it was started to be asked, and ended with that, so that the next one does the
    same; unless its index ``grew`` meanwhile.
    """
    if not measured.probe.reached or measured.search_hopeless or measured.searchable:
        return False
    return grew or not over_pipes
