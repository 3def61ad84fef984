"""A backup made as the layout says, and the old ones that may go."""

from collections.abc import Set as AbstractSet
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.decide.run.retention import Kept, superseded
from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.backup.backup_check import spoils
from aos_upgrade_plugin.effects.backup.backup_making import Wanted, make
from aos_upgrade_plugin.effects.backup.backups import Backup
from aos_upgrade_plugin.effects.environment.distributions import requirements
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.backup import Problem
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.layout import KEPT, PathClass
from aos_upgrade_plugin.phases.installation import Installation


class Verified(NamedTuple):
    """A new backup, everything in it read again."""

    backup: Backup
    damaged_before: tuple[Problem, ...] = ()
    """What is wrong with copies of earlier backups; then this one shares nothing with them."""


def back_up(
    installation: Installation,
    *,
    now: datetime,
    session: SessionId | None = None,
    include_environment: bool = False,
    full: bool = False,
) -> Backup:
    """Make a backup; the caller holds the lock. What killed backups left is removed first.

    Unless ``full``, a file that did not change since the newest good backup is linked to its
    copy there and not read again. Raises DiskError, which names every path that cannot be read.
    """
    install, layout = installation.path, installation.layout
    backups.clean(install)
    class_of = classifier(layout)
    classes = KEPT | {PathClass.ENVIRONMENT} if include_environment else KEPT
    with as_disk_error("reading what is installed"):
        installed = requirements(install / layout.environment)
    wanted = Wanted(
        created_at=now,
        layout=layout.name,
        keeps=lambda path: class_of(path) in classes,
        requirements=installed,
        session=session,
        includes_environment=include_environment,
    )
    return make(install, wanted, find_earlier=None if full else lambda: _newest_good(install))


def back_up_verified(
    installation: Installation,
    *,
    now: datetime,
    session: SessionId | None = None,
    include_environment: bool = False,
    full: bool = False,
) -> Verified:
    """Make a backup and read all of it again; one that is not whole is removed: DamagedError.

    A copy that is shared with an earlier backup may be damaged since: then nothing is shared.
    """
    made = back_up(
        installation, now=now, session=session, include_environment=include_environment, full=full
    )
    problems = spoils(made.path)
    if not problems:
        return Verified(made)
    backups.remove(made.path)
    if full:
        raise DamagedError(
            f"a new backup is not what was written: {'; '.join(map(str, problems))}",
            cure="check the disk before anything else",
        )
    again = back_up_verified(
        installation, now=now, session=session, include_environment=include_environment, full=True
    )
    return again._replace(damaged_before=problems)


def prune(install: Path, *, keep: int, needed: AbstractSet[str]) -> tuple[str, ...]:
    """Remove all backups but the newest good ones and those that a session needs; name them.

    The caller holds the lock. What a killed removal left is removed as well.
    """
    backups.clean(install)
    listed = backups.listed(install)
    names = superseded(
        newest_first=[Kept(each.name, each.manifest is not None) for each in listed],
        keep=keep,
        needed=needed,
    )
    for name in names:
        backups.remove(backups.find(install, name))
    return names


def _newest_good(install: Path) -> Backup | None:
    newest_first = backups.newest_first(install)
    return next((each for each in newest_first if each.manifest is not None), None)
