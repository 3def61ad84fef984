"""The lock taken, and whatever was interrupted brought to an end: how every change begins."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session.lock import HeldLock, hold, where_now
from aos_upgrade_plugin.effects.tree import durable, journal
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.set_aside import SET_ASIDE
from aos_upgrade_plugin.effects.tree.transaction import UPGRADES, leftovers
from aos_upgrade_plugin.errors import (
    DamagedError,
    RefusedError,
    RollbackUnverifiedError,
    UpgradeError,
)
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.tree import shown
from aos_upgrade_plugin.phases.recovery import Recovered, recover


class Holding(NamedTuple):
    """An installation that is ours for now."""

    install: Path
    """Where it is: taking back what was interrupted may have given it its old name."""
    lock: HeldLock
    recovered: tuple[Recovered, ...]


@contextmanager
def holding(
    install: Path, *, session: SessionId | None, command: str, over_damage: bool = False
) -> Generator[Holding]:
    """Hold the upgrade lock with nothing interrupted left behind, before and after.

    Whatever ends the body early, Ctrl-C too, what it had begun to change is taken back before
    the lock is let go. A change whose journal cannot be read stops everything, but is moved
    beside with ``over_damage``, for who brings a backup back over it. Raises BusyError,
    DamagedError, RollbackUnverifiedError where going back fails.
    """
    with hold(install, session=session, command=command) as lock:
        with as_disk_error("taking back what was interrupted"):
            _refuse_links(install)
            if over_damage:
                _move_damaged_beside(install)
            recovered = recover(install)
        if recovered:
            install = recovered[-1].install
        try:
            yield Holding(install, lock, recovered)
        except BaseException as reason:
            _take_back(where_now(install, lock), reason)
            raise


def refuse_in_the_middle(install: Path) -> None:
    """Raise RefusedError while a run stands in the middle: it has a plan, and its own way back."""
    for folder in leftovers(install):
        owner = folder.parent.parent.name
        raise RefusedError(
            f"{owner} stands in the middle, with changes that are not yet for good",
            cure=f"end it first: aos-upgrade resume {owner}, or aos-upgrade rollback {owner}",
        )


def _refuse_links(install: Path) -> None:
    """Raise RefusedError where going back would work, and clean up, in somebody else's folders."""
    control = install / UPGRADES
    # Deeper there are only slots and what was set aside, which may be links by right.
    patterns = ("*", "*/*", "*/transactions/*", "*/transactions/*/*", f"*/{SET_ASIDE}/*")
    for folder in (control, *chain.from_iterable(map(control.glob, patterns))):
        if folder.is_symlink():
            raise RefusedError(
                f"{shown(folder)} is a link, and no change of ours began there",
                cure="look where it leads and remove the link, then run the command again",
            )


def _take_back(install: Path, reason: BaseException) -> None:
    try:
        with as_disk_error("going back"):
            recover(install)
    except UpgradeError as error:
        raise RollbackUnverifiedError(
            f"{str(reason) or type(reason).__name__}; then {error}",
            cure=f"{error.cure}; going back is tried again by every command that changes something",
        ) from error


def _move_damaged_beside(install: Path) -> None:
    """Keep a change whose journal cannot be read, with what came out of its places."""
    for folder in leftovers(install):
        try:
            journal.read(folder)
        except DamagedError:
            beside = folder.parents[1] / "damaged"
            durable.make_directories(beside, mode=0o700)
            disk.rename_new(os.fsencode(folder), os.fsencode(_free(beside, folder.name)))
            durable.sync_directory(os.fsencode(beside))
            durable.sync_directory(os.fsencode(folder.parent))


def _free(folder: Path, name: str) -> Path:
    paths = (folder / (f"{name}-{turn}" if turn > 1 else name) for turn in count(1))
    return next(path for path in paths if not os.path.lexists(path))
