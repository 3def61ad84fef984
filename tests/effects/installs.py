"""A small installation and what it shall become, for the tests of the transaction."""

import functools
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.decide.content.steps import difference, ordered
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree.files import locate, read_tree
from aos_upgrade_plugin.effects.tree.transaction import UPGRADES, Transaction
from aos_upgrade_plugin.models.journal import Change, JournalHeader
from aos_upgrade_plugin.models.tree import Tree
from tests.faults.interposer import effects
from tests.faults.trees import Nodes, build

NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)


class Install(NamedTuple):
    """An installation, and beside it the tree that it shall become."""

    path: Path
    wanted: Path

    @classmethod
    def laid(cls, folder: Path, *, before: Nodes, after: Nodes) -> "Install":
        """Build both."""
        build(folder / ".praxis-os", before)
        build(folder / "wanted", after)
        return cls(folder / ".praxis-os", folder / "wanted")

    def tree(self) -> Tree:
        """Return all that is in the installation, but for our own folder."""
        return read_tree(self.path, enter=lambda path: path != UPGRADES)

    def header(self) -> JournalHeader:
        """Return the plan that leads from what stands now to what is wanted."""
        before = self.tree()
        changes = ordered(difference(before=before, after=read_tree(self.wanted)), folders=before)
        return JournalHeader(owner="a_session", purpose="content", created_at=NOW, changes=changes)

    def content_of(self, change: Change) -> Path:
        """Return the file with a change's new content."""
        return Path(os.fsdecode(locate(self.wanted, change.path)))

    def prepare(self) -> Transaction:
        """Plan and prepare the transaction."""
        return Transaction.prepare(self.path, self.header(), self.content_of)

    def apply(self) -> Transaction:
        """Plan, prepare and apply the transaction."""
        transaction = self.prepare()
        transaction.apply()
        return transaction


class KilledError(BaseException):
    """Ends everything at once, as a kill does; nobody handles it."""


def kill_at(number: int, patch: pytest.MonkeyPatch) -> None:
    """Let the effect of this number, counted from now, be the first that does not happen."""
    calls = iter(range(1, number))

    def dying(effect: Callable[..., object]) -> Callable[..., object]:
        @functools.wraps(effect)
        def instead(*arguments: object, **named: object) -> object:
            if next(calls, None) is None:
                raise KilledError
            return effect(*arguments, **named)

        return instead

    for name, effect in effects().items():
        patch.setattr(disk, name, dying(effect))
