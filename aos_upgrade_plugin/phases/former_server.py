"""The way back of the server: what the run started stops, and what ran before runs again."""

import os
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.service.server import forget_bytecode
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import locate
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.models.backup import REQUIREMENTS
from aos_upgrade_plugin.models.journal import RESTORE
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.service import ServerNow
from aos_upgrade_plugin.models.workflow import SERVER
from aos_upgrade_plugin.phases.content import header_for
from aos_upgrade_plugin.phases.environment import build_environment, environment_change
from aos_upgrade_plugin.phases.environment_planning import Detect, plan_former_environment
from aos_upgrade_plugin.phases.installation import installation_of
from aos_upgrade_plugin.phases.renaming import located, rehome_environment
from aos_upgrade_plugin.phases.restarting import Restart, stop_to_restart
from aos_upgrade_plugin.phases.server_before import before_of
from aos_upgrade_plugin.phases.server_upgrade import (
    bench_of,
    changes_environment,
    is_applied,
    touches_server,
)


class FormerServer(NamedTuple):
    """A server that is on its way back: it stands still until the files are back."""

    run: Run
    restart: Restart
    rebuilt: bool
    """Its environment was given up by a commit, and one like it waits on the stage."""

    def come_back(self) -> ServerNow:
        """Put a rebuilt environment into place and start what ran. ServerError, StaleError."""
        run = located(self.run)
        if self.rebuilt:
            change = environment_change(installation_of(run))
            header = header_for(run, [change]).model_copy(update={"purpose": RESTORE})
            transaction = Transaction.prepare(run.install, header, lambda _: b"")
            try:
                transaction.apply()
                transaction.commit()
            except BaseException:
                transaction.undo()
                raise
        rehome_environment(run)
        forget_bytecode(run.install, run.layout)
        return self.restart.by(run).start(ServerNow(endpoint=None))


def begin_server_way_back(
    run: Run, *, environment_is_gone: bool, detect: Detect
) -> FormerServer | None:
    """Build what has to be built for the way back, then stop what serves by the new code.

    A commit gave up the old environment where ``environment_is_gone``. Nothing where the run
    never came to the server. Raises PackagesError where the former packages cannot be had: nothing
    changed then.
    """
    begun = any(each.phase == SERVER for each in run.session.phase_history)
    if not begun or not touches_server(run):
        return None
    rebuilt = environment_is_gone and changes_environment(run) and _rebuild(run, detect)
    before = before_of(run)
    former = FormerServer(run, stop_to_restart(run, before, spare=before.running), rebuilt)
    # Or a folder that the new code brought would not be empty.
    forget_bytecode(run.install, run.layout)
    new_stands = environment_is_gone or is_applied(run)
    for made_anew in run.plan.forgets if new_stands else ():  # the new server's, nobody's work
        durable.remove_tree(Path(os.fsdecode(locate(run.install, made_anew))))
    return former


def _rebuild(run: Run, detect: Detect) -> bool:
    """Build the packages of the backup's list on the stage, where they are not in use already."""
    installation = installation_of(run)
    snapshot = backups.find(run.install, str(run.session.backup)) / REQUIREMENTS
    plan = plan_former_environment(installation, snapshot.read_text("utf-8"), detect=detect)
    if plan.nothing_to_do:
        return False
    build_environment(installation, plan, bench_of(run))
    return True
