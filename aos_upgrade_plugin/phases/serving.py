"""An installation's server as a whole: looked at, stopped, started and waited for."""

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from aos_upgrade_plugin.decide.service.server import (
    patience_ends_s,
    sort_out,
    start_command,
    surroundings,
)
from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.effects.service.clients import read_clients
from aos_upgrade_plugin.effects.service.mcp_probe import probe, warm_up
from aos_upgrade_plugin.effects.service.server import (
    Launched,
    index_bytes,
    knows_transport,
    launch,
    read_state,
)
from aos_upgrade_plugin.errors import ServerError
from aos_upgrade_plugin.models.server import (
    Pid,
    Probe,
    ServerProcess,
    Servers,
    Site,
    StartCommand,
    Started,
    Stopped,
    Transport,
)

GRACE_S = 5.0
"""How long a server may take to end by itself before it is killed."""
_LOOK_AGAIN_S = 0.02
_ONE_ATTEMPT_S = 5.0
_WHERE = "/mcp"
"""Below which path the product serves, on this machine only."""


def look(site: Site) -> Servers:
    """Find the server processes of one installation; those of others are never among them."""
    return sort_out(processes.running(site.module), site=site, state=read_state(site))


def who_serves(site: Site, url: str) -> ServerProcess | None:
    """Return the installation's own process that listens at a URL.

    Nothing where nobody does, or somebody else: an answer alone proves nothing.
    """
    port = urlsplit(url).port
    return next((each for each in look(site).running if port in processes.ports_of(each.pid)), None)


def address_of(site: Site, servers: Sequence[ServerProcess], *, limit_s: float) -> str | None:
    """Return where one of some running servers answers; nothing where that cannot be found.

    The state file tells, unless another server of the installation overwrote it, as one does that
    an editor starts. Then it is where a server listens and shakes hands within the limit.
    """
    state = read_state(site)
    if state and state.url and state.pid in {each.pid for each in servers}:
        return state.url
    urls = (url for each in servers for url in _listening(each.pid))
    limit_s = min(limit_s, _ONE_ATTEMPT_S)
    return next((url for url in urls if probe(url, limit_s=limit_s).reached), None)


def _listening(pid: Pid) -> tuple[str, ...]:
    return tuple(f"http://127.0.0.1:{port}{_WHERE}" for port in processes.ports_of(pid))


def still_running(servers: Sequence[ServerProcess]) -> tuple[ServerProcess, ...]:
    """Return those of some earlier processes that run on; ids that were used again do not count."""
    return tuple(each for each in servers if processes.runs(each.pid, born=each.born))


def recorded_command(
    site: Site, servers: Servers, *, transport: Transport = Transport.HTTP
) -> StartCommand | None:
    """Return the command to start the server with, as what runs and the clients tell it.

    To be asked before anything is stopped. Nothing where the server's code speaks stdio only and
    HTTP is asked for.
    """
    return start_command(
        site=site,
        transport=transport,
        running=servers.running,
        clients=read_clients(site),
        knows_transport=knows_transport(site),
    )


def stop(servers: Sequence[ServerProcess], *, grace_s: float = GRACE_S) -> tuple[Stopped, ...]:
    """Stop servers that may be stopped, with their children. Raises ServerError."""
    return tuple(_stop(each, grace_s) for each in servers if each.may_be_stopped)


def _stop(server: ServerProcess | Launched, grace_s: float) -> Stopped:
    try:
        return processes.stop(server.pid, born=server.born, grace_s=grace_s)
    except OSError as error:
        raise ServerError(
            f"the server (process {server.pid}) cannot be stopped: {error}",
            cure=f"stop it yourself (kill {server.pid}), then go on with: aos-upgrade resume",
        ) from error


def start(site: Site, command: StartCommand, *, log: Path, limit_s: float) -> Started:
    """Start the server detached and wait until it answers a real handshake over HTTP.

    The limit counts anew while its index grows. A server that does not answer is stopped again:
    ServerError, with the last lines of its log.
    """
    began = time.monotonic()
    launched = launch(command, environment=surroundings(os.environ, command), log=log)
    try:
        warm_up()
        pid, answered = _wait(site, launched, began_s=began, limit_s=limit_s)
    except BaseException:
        _stop(launched, GRACE_S)
        raise
    return Started(
        pid=pid,
        url=answered.endpoint,
        command=command,
        handshake_s=time.monotonic() - began,
        probe=answered,
    )


def _wait(site: Site, launched: Launched, *, began_s: float, limit_s: float) -> tuple[Pid, Probe]:
    """Return the process that serves, which may be a child of what we started, and its answer."""
    grew_s, size_bytes, problem = began_s, index_bytes(site), "it listens nowhere"
    while True:
        now_s = time.monotonic()
        if (status := launched.ended_with) is not None:
            raise _not_started(
                launched, f"it ended with status {status}, {now_s - began_s:.1f} s old"
            )
        if (size_now_bytes := index_bytes(site)) != size_bytes:
            grew_s, size_bytes = now_s, size_now_bytes
        left_s = patience_ends_s(started_s=began_s, grew_s=grew_s, limit_s=limit_s) - now_s
        if left_s <= 0:
            raise _not_started(launched, f"no handshake within {now_s - began_s:.0f} s: {problem}")
        for pid, url in _where(site, launched):
            answered = probe(url, limit_s=min(left_s, _ONE_ATTEMPT_S))
            if answered.problem is None:
                return pid, answered
            problem = answered.problem
        time.sleep(_LOOK_AGAIN_S)


def _where(site: Site, launched: Launched) -> Iterator[tuple[Pid, str]]:
    """Find where what we started may answer: as its state says, else wherever it listens.

    The one state file may tell of another server, which an editor started meanwhile.
    """
    state = read_state(site)
    if state and state.url and processes.descends(state.pid, launched.pid):
        yield state.pid, state.url
    elif state is not None and processes.ports_of(launched.pid):
        for each in look(site).running:
            if processes.descends(each.pid, launched.pid):
                yield from ((each.pid, url) for url in _listening(each.pid))


def _not_started(launched: Launched, why: str) -> ServerError:
    lines = " | ".join(launched.last_lines()) or "nothing"
    return ServerError(
        f"the server did not start: {why}; its log says: {lines}",
        cure=f"read the whole log: {launched.log}",
    )
