"""Phase 5: the way back given up, old backups removed, what changed committed if asked for."""

import os
from collections.abc import Iterator

from aos_upgrade_plugin.decide.run.sessions import backups_needed
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.effects.source.commit import commit_paths
from aos_upgrade_plugin.effects.source.commit_of_rename import commit_renamed
from aos_upgrade_plugin.effects.tree import journal, staging
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.set_aside import listed
from aos_upgrade_plugin.effects.tree.transaction import Transaction, leftovers
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.run import Acted, Facts, Run
from aos_upgrade_plugin.models.tree import unescape
from aos_upgrade_plugin.phases.backing_up import prune


def clean_up(run: Run) -> Acted:
    """End the run's transactions and remove what nobody needs any more; may be repeated."""
    with as_disk_error("cleaning up"):
        staging.release_space(run.folder)
        _commit_transactions(run)
        late = [each.kept_at for each in listed(run.install, run.folder)]  # of a killed one, too
    needed = backups_needed(each.session for each in sessions.stored(run.install) if each.session)
    removed = prune(run.install, keep=run.settings.keep_backups, needed=needed)
    return Acted(run.session, {"set_aside": [*late], "removed_backups": [*removed], **_commit(run)})


def _commit_transactions(run: Run) -> None:
    for folder in [*leftovers(run.install)]:
        found = journal.read(folder)
        if found is not None and found[0].owner == run.session.session_id:
            Transaction(run.install, found[0]).commit()


def _commit(run: Run) -> Facts:
    """Commit to the user's repository; that it cannot be done does not spoil the upgrade."""
    if not run.settings.git_commit_after:
        return {"git_commit": None}
    try:
        message = (
            f"Upgrade {run.layout.product} to {run.plan.source.version or run.plan.source.commit}"
        )
        return {"git_commit": _commit_changes(run, message)}
    except UpgradeError as error:
        return {"git_commit": None, "git_problem": f"{error}; {error.cure}"}


def _commit_changes(run: Run, message: str) -> str | None:
    paths, rename = _changed_paths(run), run.plan.rename
    if rename is None:
        return commit_paths(run.project, paths, message)
    names = (os.fsencode(rename.before), os.fsencode(rename.after))
    return commit_renamed(run.project, names, paths, message, scratch=run.folder / "commit")


def _changed_paths(run: Run) -> Iterator[bytes]:
    """Yield every path that the plan changed, relative to the project."""
    install = os.fsencode(run.install.name)
    for one in run.plan.changes:
        path = unescape(one.change.path)
        yield path if one.change.place is Place.PROJECT else install + b"/" + path
