"""Which backup is meant, and which older one is offered where that one is damaged."""

from itertools import dropwhile, islice
from pathlib import Path

from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.backup.backup_check import spoils
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.tree import shown


def chosen(install: Path, name: str | None) -> Path:
    """Return where the backup of that name is, or the newest one; raise NotFoundError."""
    if name is not None:
        return backups.find(install, name)
    newest = next(backups.newest_first(install), None)
    if newest is None:
        raise NotFoundError(
            f"there is no backup of {shown(install)}", cure="make one: aos-upgrade backups create"
        )
    return newest.path


def newest_whole(install: Path, *, older_than: Path) -> str | None:
    """Name the newest backup that is older and whole, everything in it read again."""
    from_it_on = dropwhile(lambda each: each.path != older_than, backups.newest_first(install))
    return next((each.name for each in islice(from_it_on, 1, None) if not spoils(each.path)), None)
