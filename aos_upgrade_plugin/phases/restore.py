"""A backup brought back: verified first, in one transaction, and compared afterwards."""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.restoring import WayBack, shelved
from aos_upgrade_plugin.decide.content.steps import ordered
from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.backup.backup_check import examine
from aos_upgrade_plugin.effects.backup.backup_contents import stored
from aos_upgrade_plugin.effects.environment import environment_stage
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import (
    DamagedError,
    RefusedError,
    StaleError,
    UpgradeError,
)
from aos_upgrade_plugin.models.backup import BackupManifest
from aos_upgrade_plugin.models.journal import (
    RESTORE,
    Change,
    InstallRename,
    JournalHeader,
    SetAside,
)
from aos_upgrade_plugin.models.tree import Tree, TreePath
from aos_upgrade_plugin.phases.backup_choice import chosen, newest_whole
from aos_upgrade_plugin.phases.holding import refuse_in_the_middle
from aos_upgrade_plugin.phases.restoring import (
    Task,
    environment_changes,
    old_name,
    plan_way_back,
    refuse_strange,
)


class Restored(NamedTuple):
    """What a restore did."""

    backup: str
    install: Path
    """Where the installation is now: it may have got its old name back."""
    changed: tuple[TreePath, ...]
    """Every path that is again as it was."""
    stays: tuple[TreePath, ...]
    """What was made since the backup, and is where it was."""
    set_aside: tuple[SetAside, ...]
    """What the user had made or changed where something came back, and where it is now."""


def restore(
    install: Path, name: str | None = None, *, known: Tree = MappingProxyType({}), now: datetime
) -> Restored:
    """Bring back what a backup holds, the newest where none is named; the caller holds the lock.

    What was made since stays. What was changed since, and is not one of the ``known`` entries
    that an upgrade laid down, is set aside. After every error everything is as it was before;
    DamagedError names every file of the backup that is not what was written.
    """
    with files.as_disk_error("restoring"):
        refuse_in_the_middle(install)
        environment_stage.clear(install)
        task = _task(install, chosen(install, name), known, now)
        live = task.live()
        refuse_strange(task, live)
        way = plan_way_back(task, live.entries, frozenset(live.strange))
        rename = old_name(task)
        environment = environment_changes(task)
        if not (way.changes or environment or rename):
            return Restored(task.backup.name, install, (), way.stays, ())
        transaction = _prepared(task, live.entries, way, environment, rename)
        try:
            transaction.apply()
            _refuse_difference(replace(task, install=transaction.install), way)
        except BaseException:
            transaction.undo()
            raise
        set_aside = transaction.commit()
    changed = tuple(change.path for change in (*way.changes, *environment))
    return Restored(task.backup.name, transaction.install, changed, way.stays, set_aside)


# ---- what to bring back -------------------------------------------------------------------


def _task(install: Path, backup: Path, known: Tree, now: datetime) -> Task:
    manifest = whole(install, backup)
    layouts_by_name = {layout.name: layout for layout in layouts.known()}
    if manifest.layout not in layouts_by_name:
        raise RefusedError(
            f"the backup {backup.name} has the layout {manifest.layout}, which is not known",
            cure="use the version of aos-upgrade that made it",
        )
    owner = f"restore_{now:%Y%m%d_%H%M%S}_{secrets.token_hex(3)}"
    return Task(install, backup, manifest, layouts_by_name[manifest.layout], known, now, owner)


def whole(install: Path, backup: Path) -> BackupManifest:
    """Return the manifest of a backup that is whole; raise DamagedError for any other.

    What somebody put beside its content (a file manager's notes) is not looked at.
    """
    manifest, found = examine(backup)
    problems = [each for each in found if each.fault.spoils]
    if manifest is not None and not problems:
        return manifest
    older = newest_whole(install, older_than=backup)
    raise DamagedError(
        f"the backup {backup.name} is damaged, nothing was restored: "
        f"{'; '.join(str(problem) for problem in problems)}",
        cure=f"restore the newest older one that is good: aos-upgrade backups restore {older}"
        if older
        else "there is no older one that is good: take out by hand what is whole",
    )


# ---- and do it ----------------------------------------------------------------------------


def _prepared(
    task: Task,
    tree: Tree,
    way: WayBack,
    environment: tuple[Change, ...],
    rename: InstallRename | None,
) -> Transaction:
    copies = shelved(way.set_aside, tree=tree, shelf=task.shelf, standing=task.folder)
    header = JournalHeader(
        owner=task.owner,
        purpose=RESTORE,
        created_at=task.now,
        rename=rename,
        changes=ordered((*way.changes, *copies, *environment), folders=tree),
    )
    try:
        return Transaction.prepare(task.install, header, _content_of(task))
    except BaseException:
        with suppress(UpgradeError):  # else the next command clears it
            environment_stage.clear(task.install)
        raise


def _content_of(task: Task) -> Callable[[Change], Path]:
    entries = {each.path: each for each in task.manifest.entries}
    shelf = f"{task.shelf}/"

    def content_of(change: Change) -> Path:
        if change.path.startswith(shelf):
            own = change.path.removeprefix(shelf)
            return Path(os.fsdecode(files.locate(task.install, own)))
        return stored(task.backup, entries[change.path])

    return content_of


def _refuse_difference(task: Task, way: WayBack) -> None:
    """Raise StaleError where the tree is not what the backup holds, read from the disk."""
    tree, wanted = task.live().entries, task.wanted
    gone = {change.path for change in way.changes if change.after is None}
    wrong = [path for path, entry in wanted.items() if tree.get(path) != entry]
    wrong += sorted(gone & set(tree))
    if wrong:
        raise StaleError(
            f"changed while it was restored: {', '.join(wrong)}; everything was taken back",
            cure="stop what writes there, then restore again",
        )
