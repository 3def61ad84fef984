"""The one way in which an installation is changed: a journaled list of exchanges.

Words: a *change* leads one path from one entry to another. The new entry waits in a *slot* of
the stage. The old one comes *out*, into that slot or one of its own, and stays until commit.
The journal says what was meant and the slots say what was done; going back needs nothing else.
Source: docs/explanation/transaction.md.
"""

import itertools
import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable, exchange, files, journal, set_aside, staging
from aos_upgrade_plugin.effects.tree.exchange import Spot
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.journal import (
    Change,
    JournalHeader,
    JournalState,
    Place,
    SetAside,
    Undone,
)
from aos_upgrade_plugin.models.tree import Entry, TreePath, unescape

UPGRADES = ".upgrades"
_TRANSACTIONS = "transactions"
UNUSED = ".unused-"
"""What a folder's name begins with until its journal is durable, and once nobody needs it."""


class Transaction:
    """Changes that are made together and can be taken back until they are committed.

    The caller holds the upgrade lock for as long as it uses this.
    """

    def __init__(self, install: Path, header: JournalHeader) -> None:
        """Take up a transaction; its journal is written, or :meth:`prepare` writes it."""
        self.install = install
        self.header = header
        self._has_begun = True

    @classmethod
    def prepare(
        cls, install: Path, header: JournalHeader, content_of: staging.ContentOf
    ) -> "Transaction":
        """Stage every new entry, check it, make it durable, write the journal, name the folder.

        Nothing that the installation uses has changed afterwards. Raises StaleError where new
        content is not as planned, RefusedError where a change cannot be reached, OSError.
        """
        self = cls(install, header)
        with self._beginning():
            staging.refuse_unreachable(header.changes, self._roots, self.folder)
            for spot in self._spots():
                staging.stage(spot.change, spot.staged, content_of)
        return self

    @classmethod
    def retrace(
        cls, install: Path, header: JournalHeader, old_content_of: staging.ContentOf
    ) -> "Transaction":
        """Take up a committed transaction again, with what came out brought back from elsewhere.

        It can only be undone then, and a kill from here on leads to that. Raises StaleError where
        the old content is not what came out, OSError.
        """
        self = cls(install, header)
        with self._beginning():
            for spot in self._spots():
                old = spot.change.reversed()
                staging.stage(old, spot.out if old.before is None else spot.staged, old_content_of)
        return self

    @contextmanager
    def _beginning(self) -> Generator[None]:
        """Let the folder be filled under another name; its own says that its journal is durable."""
        self._has_begun = False
        try:
            for name in ("stage", "out"):
                durable.make_directories(self.folder / name, mode=0o700)
            yield
            staging.reserve_space(self.folder)
            durable.sync_tree(self.folder, *self._built_trees())
            journal.begin(self.folder, self.header)
            self._name_folder()
        except BaseException:
            discard(self.folder)
            raise

    def _name_folder(self) -> None:
        unused = self.folder
        disk.rename_new(os.fsencode(unused), os.fsencode(self._named))
        self._has_begun = True
        durable.sync_directory(os.fsencode(unused.parent))

    @property
    def folder(self) -> Path:
        """Where journal, stage and what came out are."""
        return self._named if self._has_begun else _unused(self._named)

    @property
    def _named(self) -> Path:
        return folder_of(self.install, self.header.owner, self.header.purpose)

    def apply(self) -> None:
        """Make every change in order, then make them durable.

        Raises StaleError at the first path that is not as planned, which is left as it was; the
        changes before it are made then: :meth:`undo` takes them back.
        """
        for spot in self._spots():
            exchange.make(spot)
        rename = self.header.rename
        if rename is not None:
            self._rename_install(rename.after)
        self._sync_folders(tuple(self._spots()))
        self._record(JournalState.APPLIED)

    def undo(self) -> Undone:
        """Take every change back, whatever was reached; afterwards no trace of it is left.

        What the user made meanwhile where we have to go back is set aside and listed. May be
        killed anywhere and called again. Raises RefusedError, with nothing done, where the way
        leads through a link that we did not make.
        """
        self.refuse_links()
        staging.release_space(self.folder)
        self._record(JournalState.UNDOING)
        if self.header.rename is not None:
            self._rename_install(self.header.rename.before)
        spots = tuple(self._spots())
        opened = tuple(itertools.takewhile(lambda spot: spot.change.in_place, spots))
        kept_folders = self._take_back(spots[len(opened) :])
        self._set_strangers_aside()
        self._sync_folders(spots)
        # Only now: what is closed on the disk sooner than it is filled could not be gone into.
        self._take_back(opened)
        self._sync_folders(opened)
        self._record(JournalState.UNDONE)
        self.clear()
        return Undone(set_aside=self._listed_aside(), kept_folders=tuple(sorted(kept_folders)))

    def refuse_links(self) -> None:
        """Raise RefusedError where :meth:`undo` would, with nothing done."""
        staging.refuse_links(self.header.changes, self._roots)

    def commit(self) -> tuple[SetAside, ...]:
        """Give up what came out; from here on only a backup leads back.

        What somebody still wrote into a file after it came out is set aside and listed. Raises
        OSError where it does not count, and :meth:`undo` still leads back.
        """
        staging.release_space(self.folder)
        try:
            self._record(JournalState.COMMITTED)
        except OSError:
            with suppress(OSError):
                self._record(JournalState.APPLIED)  # the line before may have arrived after all
            raise
        with suppress(OSError):  # it counts; what is left now is finished by the next recovery
            self.finish()
        return self._listed_aside()

    def finish(self) -> tuple[SetAside, ...]:
        """Clear what a committed transaction leaves; may be killed anywhere and called again.

        Returns what was written into a file after it came out, and is set aside.
        """
        self._set_late_writes_aside()
        self.clear()
        return self._listed_aside()

    def clear(self) -> None:
        """Remove what an ended transaction leaves."""
        for built in self._built_trees():
            durable.remove_tree(built)
        discard(self.folder)

    # ---- where things are -----------------------------------------------------------------

    @property
    def _owner_folder(self) -> Path:
        return self.install / UPGRADES / self.header.owner

    @property
    def _roots(self) -> dict[Place, Path]:
        return {Place.INSTALL: self.install, Place.PROJECT: self.install.parent}

    def _built_trees(self) -> Iterator[Path]:
        for change in self.header.changes:
            if change.built_at is not None:
                yield self.install / os.fsdecode(unescape(change.built_at))

    def _spots(self) -> Iterator[Spot]:
        stage, out = os.fsencode(self.folder / "stage"), os.fsencode(self.folder / "out")
        for number, change in enumerate(self.header.changes):
            slot = b"/%d" % number
            built_at = change.built_at
            staged = stage + slot if built_at is None else files.locate(self.install, built_at)
            root = self._roots[change.place]
            path = files.locate(root, change.path)
            yield Spot(change, root, path, staged, out + slot)

    # ---- the steps of the ways there and back -----------------------------------------------

    def _record(self, state: JournalState) -> None:
        journal.record(self.folder, state, datetime.now(UTC))

    def _rename_install(self, name: TreePath) -> None:
        renamed = Path(os.fsdecode(files.locate(self.install.parent, name)))
        if renamed != self.install:
            disk.rename_new(os.fsencode(self.install), os.fsencode(renamed))
            self.install = renamed
            durable.sync_directory(os.fsencode(renamed.parent))

    def _take_back(self, spots: Sequence[Spot]) -> tuple[TreePath, ...]:
        """Take changes back, the last one first, and name the folders that had to stay."""
        return tuple(
            spot.change.path
            for spot in reversed(spots)
            if not exchange.take_back(spot, make_way=partial(self._make_way, spot))
        )

    def _make_way(self, spot: Spot) -> None:
        set_aside.make_way(self._owner_folder, self._roots[spot.change.place], spot.change)

    def _set_strangers_aside(self) -> None:
        """Keep what came out on the way back and is not what we had put in."""
        for spot in self._spots():
            change = spot.change
            if change.after is None or change.in_place:
                continue
            came_out = spot.out if change.before is None else spot.staged
            self._keep_unless(came_out, (change.after, change.before), change)

    def _set_late_writes_aside(self) -> None:
        """Keep what came out on the way there and is not what was planned to come out."""
        for spot in self._spots():
            change = spot.change
            if change.before is None or change.in_place:
                continue
            came_out = spot.out if os.path.lexists(spot.out) else spot.staged
            self._keep_unless(came_out, (change.before,), change)

    def _keep_unless(self, came_out: bytes, known: Iterable[Entry | None], change: Change) -> None:
        if os.path.lexists(came_out) and not any(exchange.holds(came_out, each) for each in known):
            set_aside.keep(self._owner_folder, change, came_out)

    def _listed_aside(self) -> tuple[SetAside, ...]:
        return set_aside.listed(self.install, self._owner_folder)

    def _sync_folders(self, spots: Iterable[Spot]) -> None:
        """Make names durable, and the modes of the folders that only change theirs."""
        changed = {
            spot.path if spot.change.in_place else os.path.dirname(spot.path) for spot in spots
        }
        slots = {os.fsencode(self.folder / name) for name in ("stage", "out")}
        for folder in sorted(changed | slots):
            with suppress(FileNotFoundError, NotADirectoryError):
                durable.sync_directory(folder)


def folder_of(install: Path, owner: SessionId, purpose: str) -> Path:
    """Return where a transaction of an installation is, or would be."""
    return install / UPGRADES / owner / _TRANSACTIONS / purpose


def discard(folder: Path) -> None:
    """Remove a transaction's folder and those above it that are empty.

    First it loses its name, durably: whatever of it a power cut brings back is known to be useless.
    """
    unused = _unused(folder)
    if folder != unused and os.path.lexists(folder):
        durable.remove_tree(unused)
        disk.rename_new(os.fsencode(folder), os.fsencode(unused))
        durable.sync_directory(os.fsencode(folder.parent))
    durable.remove_tree(unused)
    transactions = folder.parent
    _remove_empty(transactions, transactions.parent, transactions.parent.parent)


def remove_empty_folders(install: Path) -> None:
    """Remove the control folders that nothing is in, left by a kill between two steps."""
    upgrades = install / UPGRADES
    _remove_empty(*upgrades.glob(f"*/{_TRANSACTIONS}"), *upgrades.glob("*"), upgrades)


def _remove_empty(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            disk.remove_directory(os.fsencode(folder))


def leftovers(install: Path) -> Iterator[Path]:
    """Find the folders of all transactions that have begun and are not yet ended."""
    yield from sorted(each for each in _folders(install) if not each.name.startswith(UNUSED))


def unused(install: Path) -> Iterator[Path]:
    """Find what is left of transactions that never began, or are over."""
    yield from sorted(each for each in _folders(install) if each.name.startswith(UNUSED))


def _folders(install: Path) -> Iterator[Path]:
    return (install / UPGRADES).glob(f"*/{_TRANSACTIONS}/*")


def _unused(folder: Path) -> Path:
    return folder if folder.name.startswith(UNUSED) else folder.with_name(UNUSED + folder.name)
