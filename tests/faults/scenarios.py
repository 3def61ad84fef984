"""The transaction under faults: the way there, the way back, and giving up the way back."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

from aos_upgrade_plugin.decide.run.recovery import Move
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable, journal
from aos_upgrade_plugin.effects.tree.transaction import Transaction, leftovers
from aos_upgrade_plugin.errors import StaleError, UpgradeError
from aos_upgrade_plugin.phases.recovery import recover
from tests.faults import sandbox
from tests.faults.places import INSTALLS
from tests.faults.rounds import Look, Promise, Scenario
from tests.faults.sandbox import NEW, OLD, install_of
from tests.faults.trees import Nodes, file, folder


class Apply:
    """Prepare and apply; go back where that fails."""

    name = "apply"
    arranges_by_product = False
    clean_after = frozenset({"old"})
    stands_with = frozenset({"new"})
    states: tuple[tuple[str, Nodes], ...] = (("old", OLD), ("new", NEW))
    users: tuple[bytes, ...] = ()
    """What the user wrote: in the end it is in the project or was set aside."""

    def arrange(self, root: Path) -> None:
        """Build the sandbox."""
        sandbox.arrange(root)

    def act(self, root: Path, promise: Promise) -> None:
        """Do it with the handling of errors that a phase has."""
        with _nothing_done(root, promise):
            transaction = prepare(root)
        with _taken_back(transaction, promise):
            transaction.apply()
            promise("new")

    def settle(self, root: Path, promise: Promise) -> None:
        """Recover, and bring what was left standing to its end."""
        for recovered in recover(install_of(root)):
            if recovered.move is Move.UNDO:
                promise("old")
        for transaction in standing(root):
            look = sandbox.look(root, self.states)
            assert "new" in look.states, f"said to stand complete, but {look.difference}"
            self.finish(transaction, promise)
        sandbox.forget_environment(root)

    def finish(self, transaction: Transaction, promise: Promise) -> None:
        """Do what the next command does with a transaction that stands complete."""
        promise("new")
        transaction.commit()

    def look(self, root: Path) -> Look:
        """Compare with the allowed states, and miss what the user wrote."""
        return sandbox.look(root, self.states, self.users)


class Undo(Apply):
    """Roll back what stands applied."""

    name = "undo"
    stands_with = frozenset()
    arranges_by_product = True

    def arrange(self, root: Path) -> None:
        """Apply first."""
        super().arrange(root)
        prepare(root).apply()

    def act(self, root: Path, promise: Promise) -> None:
        """Roll back."""
        for transaction in standing(root):
            self.finish(transaction, promise)

    def finish(self, transaction: Transaction, promise: Promise) -> None:
        """Roll back, again."""
        transaction.undo()
        promise("old")


class UndoEdited(Undo):
    """Roll back what the user has worked on since."""

    name = "undo-edited"
    users = (b"edited", b"added", b"added below a file that was", b"made again", b"now a file")
    _AFTER_EDITS: ClassVar[Nodes] = {
        b".praxis-os/VERSION.txt": file(b"edited"),
        b".praxis-os/case/users.md": file(b"added"),
        b".praxis-os/standards/a/deep/users.md": file(b"added below a file that was"),
        b".praxis-os/gone.md": file(b"made again"),
        b".praxis-os/opening": file(b"now a file"),
    }
    _BACK: ClassVar[Nodes] = {
        b".agent-os/case": folder(),
        b".agent-os/case/users.md": file(b"added"),
    }
    states = (
        ("old", {**OLD, **_BACK}),
        (
            "new",
            {
                path: node
                for path, node in {**NEW, **_AFTER_EDITS}.items()
                if path != b".praxis-os/large.bin"
            },
        ),
    )

    def arrange(self, root: Path) -> None:
        """Edit, add, delete and replace after applying."""
        super().arrange(root)
        project = root / "project"
        (project / ".praxis-os" / "large.bin").unlink()
        (project / ".praxis-os" / "opening").rmdir()
        for path, node in self._AFTER_EDITS.items():
            (project / os.fsdecode(path)).write_bytes(node.data)


class Commit(Undo):
    """Give up the way back, and keep what was written late into a file that came out."""

    name = "commit"
    clean_after = frozenset()
    users = (b"1\nlate",)

    def arrange(self, root: Path) -> None:
        """Apply while somebody has a file open, who then writes."""
        sandbox.arrange(root)
        with (root / "project" / INSTALLS[0] / "VERSION.txt").open("ab") as stream:
            prepare(root).apply()
            stream.write(b"late")

    def finish(self, transaction: Transaction, promise: Promise) -> None:
        """Commit."""
        transaction.commit()
        promise("new")


class CommitThenUndo(Commit):
    """Roll back after a commit that was interrupted before it counted."""

    name = "commit-or-undo"
    states = (("new", NEW), ("old", {**OLD, b".agent-os/VERSION.txt": file(b"1\nlate")}))

    def act(self, root: Path, promise: Promise) -> None:
        """Commit."""
        for transaction in standing(root):
            transaction.commit()
            promise("new")

    def finish(self, transaction: Transaction, promise: Promise) -> None:
        """Roll back."""
        transaction.undo()
        promise("old")


class Stale(Apply):
    """Stop at a file that the user saves between the plan and the exchange."""

    name = "stale"
    _SAVED: ClassVar[Nodes] = {**OLD, b".agent-os/README": file(b"saved meanwhile")}
    states = (("old", OLD), ("old", _SAVED))

    def act(self, root: Path, promise: Promise) -> None:
        """Save as an editor does, by a rename, and apply."""
        with _nothing_done(root, promise):
            transaction = prepare(root)
        with suppress(StaleError), _taken_back(transaction, promise):
            _save(root, transaction.install / "README", b"saved meanwhile")
            transaction.apply()
            promise("new")


def _save(root: Path, path: Path, text: bytes) -> None:
    """Save a file by a rename, durably, through the system: a power cut is to know of it."""
    saving = os.fsencode(root / "saving")
    durable.write_new(saving, text, mode=0o644)
    durable.sync_tree(root)
    disk.rename(saving, os.fsencode(path))
    durable.sync_directory(os.fsencode(path.parent))


class Again(Apply):
    """Apply, roll back, and apply the same once more: nothing of the first may shine through."""

    name = "again"

    def act(self, root: Path, promise: Promise) -> None:
        """Do it twice."""
        with _nothing_done(root, promise):
            first = prepare(root)
        with _taken_back(first, promise):
            first.apply()
            first.undo()
        super().act(root, promise)


class Retrace(Apply):
    """Go back from what was committed, with the old content from elsewhere."""

    name = "retrace"
    arranges_by_product = True
    clean_after = frozenset({"old", "new"})
    stands_with = frozenset()
    states = (("old", OLD), ("new", sandbox.NEW_BUT_ENVIRONMENT))

    def arrange(self, root: Path) -> None:
        """Apply and commit, all but the environment."""
        super().arrange(root)
        install = root / "project" / INSTALLS[0]
        header = sandbox.plan(root, environment=False)
        transaction = Transaction.prepare(install, header, partial(sandbox.content_of, root))
        transaction.apply()
        transaction.commit()

    def act(self, root: Path, promise: Promise) -> None:
        """Take it up again and go back."""
        header = sandbox.plan(root, environment=False)
        try:
            transaction = Transaction.retrace(install_of(root), header, sandbox.old_content_of)
        except (OSError, UpgradeError):
            promise("new")
            raise
        transaction.undo()
        promise("old")


SCENARIOS: tuple[Scenario, ...] = (
    Apply(),
    Undo(),
    UndoEdited(),
    Commit(),
    CommitThenUndo(),
    Stale(),
    Again(),
    Retrace(),
)


def prepare(root: Path) -> Transaction:
    """Build the new environment and prepare the sandbox's transaction."""
    sandbox.build_environment(root)
    return Transaction.prepare(
        root / "project" / INSTALLS[0], sandbox.plan(root), partial(sandbox.content_of, root)
    )


def standing(root: Path) -> Iterator[Transaction]:
    """Take up the transactions that stand complete."""
    for left in leftovers(install_of(root)):
        found = journal.read(left)
        assert found is not None
        yield Transaction(install_of(root), found[0])


@contextmanager
def _nothing_done(root: Path, promise: Promise) -> Iterator[None]:
    """Do as the builder of the environment would, where a transaction could not be prepared."""
    try:
        yield
    except (OSError, UpgradeError):
        sandbox.forget_environment(root)
        promise("old")
        raise


@contextmanager
def _taken_back(transaction: Transaction, promise: Promise) -> Iterator[None]:
    try:
        yield
    except (OSError, UpgradeError):
        transaction.undo()
        promise("old")
        raise
