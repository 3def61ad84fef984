"""What a backup holds, taken out of it again."""

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.backup.copying import Answer, Copied, Job, copy_files
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.backup import BackupEntry
from aos_upgrade_plugin.models.tree import Kind, TreePath, unescape


def stored(backup: Path, entry: BackupEntry) -> Path:
    """Return where a backup has what stood at an entry's path."""
    return Path(os.fsdecode(files.locate(backup, entry.stored_at)))


def lay_out(
    backup: Path, entries: Iterable[BackupEntry], *, folder: TreePath, target: Path
) -> None:
    """Build a folder as it was in a new place; raise DamagedError where it is not what it was.

    ``entries`` are those of the folder and of everything below it. Not yet durable.
    """
    root = os.fsencode(target)
    places = [(each, root + unescape(each.path)[len(unescape(folder)) :]) for each in entries]
    durable.remove_tree(target)
    try:
        for entry, place in places:
            _make(entry, place)
        _copy(backup, [each for each in places if each[0].kind is Kind.FILE])
        for entry, place in reversed(places):
            if entry.kind is Kind.DIRECTORY:
                disk.set_mode(place, entry.mode)
    except BaseException:
        durable.remove_tree(target)
        raise


def _make(entry: BackupEntry, place: bytes) -> None:
    match entry.kind:
        case Kind.DIRECTORY:
            disk.make_directory(place, 0o700)
        case Kind.LINK:
            disk.make_link(unescape(entry.link_target or ""), place)
        case Kind.FIFO:
            disk.make_fifo(place, entry.mode)
        case Kind.FILE | Kind.WHOLE_TREE:  # copied later; never in a backup
            pass


def _copy(backup: Path, places: Sequence[tuple[BackupEntry, bytes]]) -> None:
    jobs = [
        Job(os.fsencode(stored(backup, entry)), place, entry.size_bytes) for entry, place in places
    ]
    for (entry, _), answer in zip(places, copy_files(jobs), strict=True):
        if not _is_whole(entry, answer):
            raise DamagedError(
                f"the backup {backup.name} is damaged: {entry.path}",
                cure="look at all that is wrong with it: aos-upgrade backups verify",
            )


def _is_whole(entry: BackupEntry, answer: Answer) -> bool:
    return isinstance(answer, Copied) and answer.digest == entry.digest
