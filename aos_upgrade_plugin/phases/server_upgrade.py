"""Phase 3: server code and environment in one transaction, and the server that runs them.

What takes long is done while the old server still answers: the environment is built, the new
code is asked for its tools beside, everything is staged. Then the old one is stopped, everything
is exchanged, and the new one is started.
"""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from aos_upgrade_plugin.decide.content.steps import ordered
from aos_upgrade_plugin.effects.environment import environment_stage
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import forget_bytecode
from aos_upgrade_plugin.effects.tree import durable, journal
from aos_upgrade_plugin.effects.tree.files import as_disk_error, locate, read_whole_tree
from aos_upgrade_plugin.effects.tree.transaction import Transaction, folder_of
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.evidence import PostInstallStep
from aos_upgrade_plugin.models.journal import Change, JournalHeader, JournalState
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.packages import STAGE
from aos_upgrade_plugin.models.run import Acted, Facts, Run
from aos_upgrade_plugin.models.server import Servers
from aos_upgrade_plugin.models.service import ServerBefore, ServerNow
from aos_upgrade_plugin.phases.beside import laid_beside
from aos_upgrade_plugin.phases.content import keep_what_no_backup_has
from aos_upgrade_plugin.phases.environment import (
    build_environment,
    environment_change,
    settle_environment,
)
from aos_upgrade_plugin.phases.installation import installation_of
from aos_upgrade_plugin.phases.planning import contents_of
from aos_upgrade_plugin.phases.renaming import located, rehome_environment
from aos_upgrade_plugin.phases.restarting import (
    as_it_runs,
    how_to_restart,
    stop_to_restart,
    what_to_stop,
)
from aos_upgrade_plugin.phases.server_before import AT_LEAST_S, before_of

PURPOSE = "server"
_PREPARED = "server.json"


def upgrade_server(run: Run) -> Acted:
    """Put the planned code and environment into place, and restart the server that ran.

    May be repeated: what an earlier attempt applied whole stays applied. Where somebody else is
    to restart the server, the answer says what is waited for. Raises StaleError, PackagesError,
    ServerError, DiskError; what was exchanged by then is for the rollback.
    """
    with as_disk_error("upgrading the server"):
        if not touches_server(run):
            return _acted(run, as_it_runs(run, ServerNow(endpoint=None)))
        before, applied, by_us = before_of(run), is_applied(run), run.settings.auto_restart
        if not applied and not by_us and (to_stop := what_to_stop(run)):
            return _waiting(run, ServerNow(endpoint=None), to_stop)
        transaction = None if applied else _prepare(run, before)
        restart = stop_to_restart(run, before) if by_us else None
        now = _exchange(run, transaction)
        run = located(run)
        if restart is not None:
            return _acted(run, restart.by(run).start(now))
        waits_for = how_to_restart(run, before, exchanged=now.exchanged or _begun(run))
        return _waiting(run, now, waits_for)


def bench_of(run: Run) -> Workbench:
    """Return where installers work for a run, holding its lock."""
    return Workbench(run.folder / "packages", run.lock_descriptors)


def _acted(run: Run, now: ServerNow) -> Acted:
    return Acted(run.session, _facts(now))


def _waiting(run: Run, now: ServerNow, waits_for: str) -> Acted:
    return _acted(run, as_it_runs(run, now))._replace(waits_for=waits_for)


def _facts(now: ServerNow) -> Facts:
    return {"server": now.model_dump(mode="json")}


def touches_server(run: Run) -> bool:
    """Say whether the run changes server code or environment, so that it needs a restart."""
    plan = run.plan
    return bool(plan.of(Part.SERVER) or plan.forgets or plan.rename) or changes_environment(run)


def changes_environment(run: Run) -> bool:
    """Say whether the run brings another environment."""
    return run.plan.environment is not None and not run.plan.environment.nothing_to_do


def is_applied(run: Run) -> bool:
    """Say whether the new server's files stand, and are not for good yet."""
    found = journal.read(folder_of(run.install, run.session.session_id, PURPOSE))
    return found is not None and found[1] is JournalState.APPLIED


def _begun(run: Run) -> Moment:
    """Return when the exchange was prepared: killed right after it, a run kept nothing better."""
    found = journal.read(folder_of(run.install, run.session.session_id, PURPOSE))
    return Moment(at_s=found[0].created_at.timestamp()) if found else moments.now()


def _prepare(run: Run, before: ServerBefore) -> Transaction:
    """Build, ask and stage everything; nothing that the installation uses changes."""
    if Part.CONTENT not in run.settings.only.parts:  # else the phase before did
        keep_what_no_backup_has(run)
    steps = _build(run)
    try:
        now = _with_expected_tools(run, before, ServerNow(endpoint=None, steps=steps))
        _keep(run, now)
        with contents_of(run.plan, run.install) as content_of:
            return Transaction.prepare(run.install, _header(run), content_of)
    except BaseException:
        with suppress(UpgradeError):  # the next attempt clears it too; why it failed says more
            environment_stage.clear(run.install)
        raise


def _keep(run: Run, now: ServerNow) -> None:
    durable.write_durably(run.folder / _PREPARED, now.model_dump_json().encode())


def _build(run: Run) -> tuple[PostInstallStep, ...]:
    plan = run.plan.environment
    if plan is None or plan.nothing_to_do:
        return ()
    return build_environment(installation_of(run), plan, bench_of(run))


def _with_expected_tools(run: Run, before: ServerBefore, now: ServerNow) -> ServerNow:
    """Ask the new code for its tools, started beside; that it does not answer is no error yet."""
    site = run.site
    environment = run.install / STAGE if changes_environment(run) else site.environment
    if not environment.is_dir():
        return now
    servers, changes = Servers(running=before.running), run.plan.of(Part.SERVER)
    limit_s = max(run.settings.restart_timeout_s, AT_LEAST_S)
    with laid_beside(run, servers, changes=changes, environment=environment) as (_, command):
        told = probe(command, limit_s=limit_s)
    update = {"expected_tools": told.tools} if told.reached else {"expected_problem": told.problem}
    return now.model_copy(update=update)


def _header(run: Run) -> JournalHeader:
    changes = [one.change for one in run.plan.of(Part.SERVER)]
    if changes_environment(run):
        changes.append(environment_change(installation_of(run)))
    changes += _forgotten(run)
    return JournalHeader(
        owner=run.session.session_id,
        purpose=PURPOSE,
        created_at=datetime.now(UTC),
        session=run.session.for_journal(),
        rename=run.plan.rename,
        changes=ordered(changes, folders=run.plan.target),
    )


def _forgotten(run: Run) -> Iterator[Change]:
    """Ask for each folder to leave that the new server has to make anew."""
    for path in run.plan.forgets:
        standing = read_whole_tree(locate(run.install, path))
        if standing is not None:
            yield Change(path=path, before=standing, after=None)


def _exchange(run: Run, transaction: Transaction | None) -> ServerNow:
    """Make every change, unless an earlier attempt did; return what was prepared, and since when.

    What was started before that moment, by whomever, runs the old code.
    """
    now = ServerNow.model_validate_json((run.folder / _PREPARED).read_bytes())
    if transaction is not None:
        try:
            transaction.apply()
        except BaseException:
            transaction.undo()
            raise
        now = now.model_copy(update={"exchanged": moments.now()})
        run = located(run)
        _keep(run, now)
    rehome_environment(run)
    forget_bytecode(run.install, run.layout)  # also where an attempt ended just before it
    if run.plan.environment is not None:
        settle_environment(installation_of(run), run.plan.environment, bench_of(run))
    return now
