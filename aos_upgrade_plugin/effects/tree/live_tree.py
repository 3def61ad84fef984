"""The tree of an installation as it is now, read again only where it changed since a backup."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.backup import BackupManifest
from aos_upgrade_plugin.models.tree import Tree, TreePath


class LiveTree(NamedTuple):
    """What stands in an installation."""

    entries: Tree
    strange: tuple[TreePath, ...]
    """Sockets and devices: they stand there, but hold no content."""


def read_live(
    install: Path, *, keeps: Callable[[TreePath], bool], recorded: BackupManifest
) -> LiveTree:
    """Describe everything that is kept. A file that is still the one that was recorded is not read.

    Still the one: size, times, inode and mode as they were when it was copied into the backup.
    """
    sources = {each.path: each.source for each in recorded.entries if each.source is not None}
    entries, strange = {}, []
    for found in files.scan(install, enter=keeps):
        if sources.get(found.path) == files.identity(found.status):
            entries[found.path] = recorded.tree[found.path]
        elif found.kind is None:
            strange.append(found.path)
        elif entry := files.read_entry(found.location):
            entries[found.path] = entry
    return LiveTree(entries, tuple(strange))
