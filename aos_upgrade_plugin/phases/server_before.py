"""The server as it is before anything changes: what later tells what the upgrade broke."""

from aos_upgrade_plugin.effects.tree.files import locate, read_whole_tree
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import Servers, Transport
from aos_upgrade_plugin.models.service import Measured, ServerBefore
from aos_upgrade_plugin.models.workflow import BACKUP
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.beside import laid_beside
from aos_upgrade_plugin.phases.measuring import measure_until_searchable

AT_LEAST_S = 30.0
"""How long a server may take that is asked beside: its first start builds its index."""


def look_before(run: Run) -> ServerBefore:
    """Find what serves and ask it; where nothing serves, ask a copy that is started for that.

    An index that is still being built is waited for: what it cannot answer yet is not broken.
    """
    servers = serving.look(run.site)
    ours = any(each.may_be_stopped for each in servers.running)
    return ServerBefore(
        running=servers.running,
        doubtful=servers.doubtful,
        restart=serving.recorded_command(run.site, servers) if ours else None,
        ask=serving.recorded_command(run.site, servers, transport=Transport.STDIO),
        measured=_measured(run, servers),
        environment=read_whole_tree(locate(run.install, run.layout.environment)),
    )


def before_of(run: Run) -> ServerBefore:
    """Return what :func:`look_before` found when the run began."""
    return ServerBefore.model_validate(run.session.phase_artifacts[BACKUP]["server_before"])


def _measured(run: Run, servers: Servers) -> Measured | None:
    limit_s = max(run.settings.restart_timeout_s, AT_LEAST_S)
    ours = [each for each in servers.running if each.may_be_stopped]
    if (url := serving.address_of(run.site, ours, limit_s=limit_s)) is not None:
        return measure_until_searchable(run.site, url, limit_s=limit_s)
    if not run.site.environment.is_dir():
        return None
    with laid_beside(run, servers, environment=run.site.environment) as (site, command):
        return measure_until_searchable(site, command, limit_s=limit_s)
