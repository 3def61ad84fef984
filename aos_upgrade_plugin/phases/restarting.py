"""The server of a run: stopped and started again, or left to whoever restarts it."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aos_upgrade_plugin.decide.service.server import foremost_first, shell_line
from aos_upgrade_plugin.effects.service.mcp_probe import probe, warm_up
from aos_upgrade_plugin.errors import ServerError
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import (
    ServerProcess,
    Servers,
    StartCommand,
    Stopped,
    Transport,
)
from aos_upgrade_plugin.models.service import ServerBefore, ServerNow
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.renaming import with_present_folder

_LOG = "server.log"


@dataclass(frozen=True)
class Restart:
    """One restart of an installation's server, from the moment when nothing answers any more."""

    run: Run
    ran: tuple[ServerProcess, ...]
    """What tells how the server is started, the foremost first."""
    spared: bool
    """One was not stopped, and serves on."""
    clients: tuple[ServerProcess, ...]
    began_s: float
    stopped: tuple[Stopped, ...]

    def by(self, run: Run) -> "Restart":
        """Return the same for a run whose install folder may have got another name meanwhile."""
        return replace(self, run=run, ran=with_present_folder(run, self.ran))

    @property
    def not_started(self) -> tuple[ServerProcess, ...]:
        """What ran beside the foremost: one server is started, and serves everybody."""
        return self.ran[1:]

    def start(self, now: ServerNow) -> ServerNow:
        """Start what ran before, by the code that stands now. Raises ServerError."""
        run, site = self.run, self.run.site
        now = now.model_copy(update={"stopped": self.stopped, "clients": self.clients})
        if self.spared or not self.ran:
            return as_it_runs(run, now)
        command = serving.recorded_command(site, Servers(running=self.ran))
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
                "not_started": self.not_started,
                "restarted_at": datetime.now(UTC),
                "down_s": time.monotonic() - self.began_s,
                "log": str(log),
                "log_from_bytes": began_bytes,
            }
        )


def stop_to_restart(
    run: Run, before: ServerBefore, *, spare: tuple[ServerProcess, ...] = ()
) -> Restart:
    """Stop what serves and is ours to restart, but for those to ``spare``. Raises ServerError."""
    warm_up()  # loading the client must not be a part of the time in which nothing answers
    servers = serving.look(run.site)
    running = _ours(servers.running)
    began_s = time.monotonic()
    return Restart(
        run=run,
        ran=foremost_first(running or _ours(before.running)),
        spared=any(each.is_among(spare) for each in running),
        clients=tuple(each for each in servers.running if each.client is not None),
        began_s=began_s,
        stopped=serving.stop([each for each in running if not each.is_among(spare)]),
    )


def as_it_runs(run: Run, now: ServerNow) -> ServerNow:
    """Return where the server answers that runs by itself, or how it is asked where none does."""
    servers, limit_s = serving.look(run.site), run.settings.restart_timeout_s
    endpoint: str | StartCommand | None
    endpoint = serving.address_of(run.site, _ours(servers.running), limit_s=limit_s)
    if endpoint is None and run.site.environment.is_dir():
        endpoint = serving.recorded_command(run.site, servers, transport=Transport.STDIO)
    return now.model_copy(update={"endpoint": endpoint})


def what_to_stop(run: Run) -> str:
    """Say which server has to stop before the install folder gets another name; empty if none.

    One that runs on would make a folder of the old name again.
    """
    if run.plan.rename is None:
        return ""
    running = [str(each.pid) for each in _ours(serving.look(run.site).running)]
    if not running:
        return ""
    return (
        f"the install folder is about to be renamed to {run.plan.rename.after}: "
        f"stop the server first (process {', '.join(running)})"
    )


def how_to_restart(run: Run, before: ServerBefore, *, exchanged: Moment) -> str:
    """Say what somebody has to do before the run can go on; empty once it is done.

    Done is when a server answers that was started after the code was exchanged.
    """
    if not _ours(before.running):
        return ""
    running = _ours(serving.look(run.site).running)
    old = [
        str(each.pid)
        for each in running
        if each.is_among(before.running) or each.born.is_before(exchanged)
    ]
    if running and not old:
        return _why_silent(run, running)
    stop = f"stop process {', '.join(old)}, then " if old else ""
    return f"the server has to be restarted: {stop}start it: {_in_words(run, before)}"


def why_nothing_answers(run: Run, before: ServerBefore) -> str:
    """Say that what ran before the run does not run now, and how it is started; else empty."""
    if not _ours(before.running) or _ours(serving.look(run.site).running):
        return ""
    return f"the server was stopped and does not run now; to start it: {_in_words(run, before)}"


def _why_silent(run: Run, running: tuple[ServerProcess, ...]) -> str:
    """Say that a new server does not answer yet; empty where one does."""
    limit_s = run.settings.restart_timeout_s
    url = serving.address_of(run.site, running, limit_s=limit_s)
    if url is not None and probe(url, limit_s=limit_s).reached:
        return ""
    pids = ", ".join(str(each.pid) for each in running)
    return f"the new server (process {pids}) does not answer yet: wait for it"


def _in_words(run: Run, before: ServerBefore) -> str:
    ran = with_present_folder(run, _ours(before.running))
    command = serving.recorded_command(run.site, Servers(running=ran))
    return "through its client" if command is None else shell_line(command)


def _ours(running: Iterable[ServerProcess]) -> tuple[ServerProcess, ...]:
    return tuple(each for each in running if each.may_be_stopped)
