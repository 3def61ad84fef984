"""Bugs that are planted into the product, to prove that the harness sees them."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.decide.run import recovery
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session import lock, session_files
from aos_upgrade_plugin.effects.tree import (
    durable,
    exchange,
    files,
    journal,
    staging,
    transaction,
)
from aos_upgrade_plugin.effects.tree.exchange import Spot
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.models.journal import JournalState, Undone
from aos_upgrade_plugin.models.tree import TreePath, escape


def plant(name: str) -> None:
    """Plant one bug into this process; none for no name."""
    if name:
        PLANTS[name]()


class _Without:
    """A module of which one function does nothing."""

    def __init__(self, module: object, function: str) -> None:
        self._module = module
        self._function = function

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the module has
        return _nothing if name == self._function else getattr(self._module, name)


def _nothing(*_: object, **__: object) -> None:
    pass


def _stage_not_synced() -> None:
    durable.sync_tree = _nothing


def _journal_not_synced() -> None:
    vars(journal)["disk"] = _Without(disk, "sync")


def _name_of_journal_not_synced() -> None:
    vars(journal)["durable"] = _Without(durable, "sync_directory")


def _name_of_folder_not_synced() -> None:
    def name_folder(self: Transaction) -> None:
        disk.rename_new(bytes(self.folder), bytes(self._named))
        self._has_begun = True

    Transaction._name_folder = name_folder  # type: ignore[method-assign]


def _ended_under_its_name() -> None:
    def discard(folder: Path) -> None:
        durable.remove_tree(folder)
        for above in (folder.parent, folder.parent.parent, folder.parent.parent.parent):
            if not any(above.iterdir()):
                disk.remove_directory(bytes(above))

    transaction.discard = discard


def _folders_not_synced() -> None:
    Transaction._sync_folders = _nothing  # type: ignore[method-assign]


def _journal_after_exchange() -> None:
    begin = journal.begin

    def apply(self: Transaction) -> None:
        for spot in self._spots():
            exchange.make(spot)
        begin(self.folder, self.header)
        self._sync_folders(tuple(self._spots()))
        self._record(JournalState.APPLIED)

    journal.begin = _nothing
    Transaction.apply = apply  # type: ignore[method-assign]


def _recorded_before_synced() -> None:
    def apply(self: Transaction) -> None:
        for spot in self._spots():
            exchange.make(spot)
        assert self.header.rename
        self._rename_install(self.header.rename.after)
        self._record(JournalState.APPLIED)
        self._sync_folders(tuple(self._spots()))

    Transaction.apply = apply  # type: ignore[method-assign]


def _taken_back_forwards() -> None:
    take_back = Transaction._take_back

    def forwards(self: Transaction, spots: Sequence[Spot]) -> tuple[TreePath, ...]:
        return take_back(self, spots[::-1])

    Transaction._take_back = forwards  # type: ignore[method-assign]


def _not_compared() -> None:
    exchange._compare = _nothing


def _strangers_dropped() -> None:
    Transaction._set_strangers_aside = _nothing  # type: ignore[method-assign]


def _given_up_without_its_folder() -> None:
    take_back = exchange.take_back

    def unless_its_folder_is_gone(spot: Spot, *, make_way: Callable[[], None]) -> bool:
        if not os.path.isdir(os.path.dirname(spot.path)):
            return True
        return take_back(spot, make_way=make_way)

    exchange.take_back = unless_its_folder_is_gone


def _late_writes_dropped() -> None:
    Transaction._set_late_writes_aside = _nothing  # type: ignore[method-assign]


def _commit_not_recorded_first() -> None:
    def commit(self: Transaction) -> None:
        self._set_late_writes_aside()
        self._record(JournalState.COMMITTED)
        self.clear()

    Transaction.commit = commit  # type: ignore[method-assign, assignment]


def _undo_not_recorded() -> None:
    record = Transaction._record

    def only_the_rest(self: Transaction, state: JournalState) -> None:
        if state is not JournalState.UNDOING:
            record(self, state)

    Transaction._record = only_the_rest  # type: ignore[method-assign]


def _begun_undo_taken_for_done() -> None:
    recovery._MOVES[JournalState.UNDOING] = recovery.Move.CLEAR


def _cleared_when_undo_fails() -> None:
    undo = Transaction.undo

    def undo_or_clear(self: Transaction) -> Undone:
        try:
            return undo(self)
        except OSError:
            self.clear()
            raise

    Transaction.undo = undo_or_clear  # type: ignore[method-assign]


def _no_reserve() -> None:
    def nothing_reserved(folder: Path) -> None:
        durable.write_new(bytes(folder / staging.RESERVE), b"")

    staging.reserve_space = nothing_reserved


def _lock_by_existence() -> None:
    acquire = lock._acquire

    def acquire_if_missing(path: Path) -> int | None:
        return None if path.exists() else acquire(path)

    lock._acquire = acquire_if_missing


def _vanished_takes_its_folder_along() -> None:
    def all_or_none(
        prefix: str, folder: bytes, enter: Callable[[TreePath], bool]
    ) -> Iterator[files.Found]:
        for child in sorted(os.scandir(folder), key=lambda child: child.name):
            if enter(path := prefix + escape(child.name)):
                yield files.Found(path, child.path, child.stat(follow_symlinks=False))

    files._children = all_or_none


def _previous_generation_not_kept() -> None:
    def rotate(newest: bytes, following: bytes, previous: bytes) -> None:
        del previous
        disk.rename(following, newest)

    session_files._rotate = rotate


PLANTS: dict[str, Callable[[], None]] = {
    "stage-not-synced": _stage_not_synced,
    "journal-not-synced": _journal_not_synced,
    "name-of-journal-not-synced": _name_of_journal_not_synced,
    "name-of-folder-not-synced": _name_of_folder_not_synced,
    "ended-under-its-name": _ended_under_its_name,
    "folders-not-synced": _folders_not_synced,
    "journal-after-exchange": _journal_after_exchange,
    "recorded-before-synced": _recorded_before_synced,
    "taken-back-forwards": _taken_back_forwards,
    "not-compared": _not_compared,
    "strangers-dropped": _strangers_dropped,
    "given-up-without-its-folder": _given_up_without_its_folder,
    "late-writes-dropped": _late_writes_dropped,
    "commit-not-recorded-first": _commit_not_recorded_first,
    "undo-not-recorded": _undo_not_recorded,
    "begun-undo-taken-for-done": _begun_undo_taken_for_done,
    "cleared-when-undo-fails": _cleared_when_undo_fails,
    "no-reserve": _no_reserve,
    "lock-by-existence": _lock_by_existence,
    "vanished-takes-its-folder-along": _vanished_takes_its_folder_along,
    "previous-generation-not-kept": _previous_generation_not_kept,
}
