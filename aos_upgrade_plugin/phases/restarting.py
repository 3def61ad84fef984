"""The server of a run: stopped and started again, or left to whoever restarts it."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

from aos_upgrade_plugin.effects.mcp_probe import probe, warm_up
from aos_upgrade_plugin.effects.server import read_state
from aos_upgrade_plugin.errors import ServerError
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import ServerProcess, Servers, StartCommand, Transport
from aos_upgrade_plugin.models.service import ServerBefore, ServerNow
from aos_upgrade_plugin.phases import serving

_LOG = "server.log"


class Restart:
    """One restart of an installation's server, with the time in which nothing answers."""

    def __init__(
        self, run: Run, before: ServerBefore, *, spare: tuple[ServerProcess, ...] = ()
    ) -> None:
        """Stop what serves and is ours to restart, but for those to ``spare``."""
        warm_up()  # loading the client must not be a part of the time in which nothing answers
        self._run = run
        servers = serving.look(run.site)
        running = _ours(servers.running)
        self._ran = running or _ours(before.running)
        """What tells how the server is started."""
        self._spared = any(_is_among(each, spare) for each in running)
        self._clients = tuple(each for each in servers.running if each.client is not None)
        self._began_s = time.monotonic()
        self._stopped = serving.stop([each for each in running if not _is_among(each, spare)])

    def start(self, now: ServerNow) -> ServerNow:
        """Start what ran before, by the code that stands now. Raises ServerError."""
        run, site = self._run, self._run.site
        now = now.model_copy(update={"stopped": self._stopped, "clients": self._clients})
        if self._spared or not self._ran:
            return as_it_runs(run, now)
        command = serving.recorded_command(site, Servers(running=self._ran))
        if command is None:
            raise ServerError(
                "a server ran, and the code that stands now cannot serve over HTTP",
                cure="stop that server, then run again: the new code is asked over its pipes",
            )
        log = run.folder / _LOG
        began_bytes = log.stat().st_size if log.exists() else 0
        started = serving.start(site, command, log=log, limit_s=run.settings.restart_timeout_s)
        return now.model_copy(
            update={
                "endpoint": started.url,
                "started": started,
                "restarted_at": datetime.now(UTC),
                "down_s": time.monotonic() - self._began_s,
                "log": str(log),
                "log_from_bytes": began_bytes,
            }
        )


def as_it_runs(run: Run, now: ServerNow) -> ServerNow:
    """Return where the server answers that runs by itself, or how it is asked where none does."""
    servers, state = serving.look(run.site), read_state(run.site)
    serving_pids = {each.pid for each in _ours(servers.running)}
    endpoint: str | StartCommand | None = None
    if state and state.url and state.pid in serving_pids:
        endpoint = state.url
    elif run.site.environment.is_dir():
        endpoint = serving.recorded_command(run.site, servers, transport=Transport.STDIO)
    return now.model_copy(update={"endpoint": endpoint})


def how_to_restart(run: Run, before: ServerBefore, *, exchanged_at: datetime) -> str:
    """Say what somebody has to do before the run can go on; empty once it is done.

    Done is when a server answers that was started after the code was exchanged.
    """
    if not _ours(before.running):
        return ""
    running = _ours(serving.look(run.site).running)
    old = [
        str(each.pid)
        for each in running
        if _is_among(each, before.running) or each.created_at_s < exchanged_at.timestamp()
    ]
    if running and not old:
        return _why_silent(run, running)
    stop = f"stop process {', '.join(old)}, then " if old else ""
    return f"the server has to be restarted: {stop}start it: {_in_words(run, before)}"


def _why_silent(run: Run, running: Iterable[ServerProcess]) -> str:
    """Say that a new server does not answer yet; empty where one does."""
    state, pids = read_state(run.site), [each.pid for each in running]
    if state and state.url and state.pid in pids:
        answered = probe(state.url, limit_s=run.settings.restart_timeout_s)
        if answered.problem is None:
            return ""
    return f"the new server (process {', '.join(map(str, pids))}) does not answer yet: wait for it"


def _in_words(run: Run, before: ServerBefore) -> str:
    command = serving.recorded_command(run.site, Servers(running=_ours(before.running)))
    if command is None:
        return "through its client"
    variables = (f"{name}={value}" for name, value in sorted(command.variables.items()))
    return " ".join((f"cd {command.folder} &&", *variables, *command.arguments))


def _ours(running: Iterable[ServerProcess]) -> tuple[ServerProcess, ...]:
    return tuple(each for each in running if each.may_be_stopped)


def _is_among(server: ServerProcess, others: Iterable[ServerProcess]) -> bool:
    """Say whether it is one of them; ids of processes are used again."""
    who = (server.pid, server.created_at_s)
    return any(who == (each.pid, each.created_at_s) for each in others)
