"""What a restore will change, decided from the backup and from what stands there now."""

import os
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from aos_upgrade_plugin.decide.content.restoring import WayBack, in_the_way, way_back
from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.backup.backup_contents import lay_out
from aos_upgrade_plugin.effects.environment import environment_stage
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.live_tree import LiveTree, read_live
from aos_upgrade_plugin.effects.tree.set_aside import SET_ASIDE
from aos_upgrade_plugin.effects.tree.transaction import UPGRADES
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.backup import BackupManifest
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.journal import Change, InstallRename, Place
from aos_upgrade_plugin.models.layout import KEPT, Layout, PathClass
from aos_upgrade_plugin.models.packages import STAGE
from aos_upgrade_plugin.models.tree import Kind, Tree, TreePath


@dataclass(frozen=True)
class Task:
    """What is to be brought back, and where."""

    install: Path
    backup: Path
    manifest: BackupManifest
    layout: Layout
    known: Tree
    now: datetime
    owner: SessionId

    @cached_property
    def wanted(self) -> Tree:
        """Everything that comes back path by path: all but the environment."""
        class_of = classifier(self.layout)
        return {path: entry for path, entry in self.manifest.tree.items() if class_of(path) in KEPT}

    @property
    def folder(self) -> TreePath:
        """Where the transaction is, and what is set aside."""
        return f"{UPGRADES}/{self.owner}"

    @property
    def shelf(self) -> TreePath:
        """Where what is set aside goes."""
        return f"{self.folder}/{SET_ASIDE}/{Place.INSTALL}"

    def live(self, classes: AbstractSet[PathClass] = KEPT) -> LiveTree:
        """Look at what stands there now."""
        class_of = classifier(self.layout)
        return read_live(
            self.install,
            keeps=lambda path: class_of(path) in classes,
            recorded=self.manifest,
        )


def refuse_strange(task: Task, live: LiveTree) -> None:
    """Raise RefusedError where a socket or device stands in the way: it cannot be kept."""
    obstacles = in_the_way(wanted=task.wanted, strange=frozenset(live.strange))
    if names := ", ".join(obstacles):
        raise RefusedError(
            f"where the backup has something else stands a socket or device: {names}",
            cure="stop what made it, or move it away, then restore again",
        )


def plan_way_back(task: Task, tree: Tree, strange: frozenset[TreePath]) -> WayBack:
    """Plan the way back. Caches in folders that leave would hold them: they leave as well."""
    way = way_back(wanted=task.wanted, tree=tree, known=task.known, strange=strange)
    caches = _caches_in(task, [each.path for each in way.changes if _is_folder_that_leaves(each)])
    if not caches:
        return way
    return way_back(
        wanted=task.wanted,
        tree={**tree, **caches},
        known={**task.known, **caches},
        strange=strange,
    )


def _is_folder_that_leaves(change: Change) -> bool:
    before = change.before
    return before is not None and before.kind is Kind.DIRECTORY and not change.in_place


def _caches_in(task: Task, folders: Sequence[TreePath]) -> Tree:
    class_of = classifier(task.layout)
    caches = {}
    for folder in folders:
        root = Path(os.fsdecode(files.locate(task.install, folder)))
        for path, entry in files.read_tree(root).items():
            if class_of(f"{folder}/{path}") is PathClass.DERIVED:
                caches[f"{folder}/{path}"] = entry
    return caches


def environment_changes(task: Task) -> tuple[Change, ...]:
    """Build the environment anew where the backup has one and it is not the one in use."""
    if not task.manifest.includes_environment:
        return ()
    environment, class_of = task.layout.environment, classifier(task.layout)
    entries = [
        each for each in task.manifest.entries if class_of(each.path) is PathClass.ENVIRONMENT
    ]
    if task.live({PathClass.ENVIRONMENT}).entries == {each.path: each.entry for each in entries}:
        return ()
    lay_out(task.backup, entries, folder=environment, target=task.install / STAGE)
    return (environment_stage.change(task.install, environment),)


def old_name(task: Task) -> InstallRename | None:
    """Give the install folder its old name back, if both are names of installations."""
    now, before = task.install.name, task.manifest.install_name
    if now == before or not {now, before} <= {layout.folder for layout in layouts.known()}:
        return None
    if os.path.lexists(task.install.with_name(before)):
        raise RefusedError(
            f"{task.install} was {before} at the time of the backup, and another one is there now",
            cure=f"move {task.install.with_name(before)} away, then restore again",
        )
    return InstallRename(before=now, after=before)
