"""Whatever was left in the middle comes to one of two ends, and is told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.run.recovery import Move
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.journal import RESTORE, JournalState
from aos_upgrade_plugin.phases.recovery import recover
from tests.effects.installs import NOW, Install
from tests.faults.trees import file

OLD, NEW = file(b"old"), file(b"new")


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Lay down an installation in which one file changes and one comes."""
    return Install.laid(tmp_path, before={b"a": OLD}, after={b"a": NEW, b"b": NEW})


def _prepared(install: Install) -> None:
    install.prepare()


def _half_applied(install: Install) -> None:
    transaction = install.prepare()
    (install.path / "b").write_text("in the way")
    with pytest.raises(Exception, match="b changed"):
        transaction.apply()
    (install.path / "b").unlink()


def _applied(install: Install) -> None:
    install.apply()


def _being_undone(install: Install) -> None:
    transaction = install.apply()
    transaction._record(JournalState.UNDOING)


def _committed(install: Install) -> None:
    transaction = install.apply()
    transaction._record(JournalState.COMMITTED)


def _never_begun(install: Install) -> None:
    folder = install.prepare().folder
    folder.rename(folder.with_name(f".unused-{folder.name}"))


@pytest.mark.parametrize(
    ("leave", "move", "is_new"),
    [
        (_never_begun, Move.DISCARD, False),
        (_prepared, Move.UNDO, False),
        (_half_applied, Move.UNDO, False),
        (_applied, Move.LEAVE, True),
        (_being_undone, Move.UNDO, False),
        (_committed, Move.COMMIT, True),
    ],
)
def test_what_was_left_comes_to_its_end(
    install: Install, leave: Callable[[Install], None], move: Move, *, is_new: bool
) -> None:
    """Old or new, never between. What a run applied whole waits for the run to be resumed."""
    old, new = install.tree(), read_tree(install.wanted)
    leave(install)
    (recovered,) = recover(install.path)
    assert (recovered.move, recovered.owner, recovered.purpose) == (move, "a_session", "content")
    assert install.tree() == (new if is_new else old)
    assert (install.path / ".upgrades").exists() is (move is Move.LEAVE)


def test_what_came_out_is_never_thrown_away_with_a_damaged_journal(install: Install) -> None:
    """It may be the only copy: nothing happens until a backup is brought back over it."""
    folder = install.apply().folder
    held = read_tree(folder)
    (folder / "journal.jsonl").write_bytes(b"damaged\n")
    with pytest.raises(DamagedError, match="lost its first line"):
        recover(install.path)
    (folder / "journal.jsonl").unlink()
    with pytest.raises(DamagedError, match="lost its journal"):
        recover(install.path)
    assert read_tree(folder).items() <= held.items()
    assert len(read_tree(folder)) == len(held) - 1


def test_a_restore_that_nobody_comes_back_for_is_taken_back(install: Install) -> None:
    """It was not yet compared with its backup, so it counts for nothing."""
    old = install.tree()
    header = install.header().model_copy(update={"purpose": RESTORE})
    Transaction.prepare(install.path, header, install.content_of).apply()
    (recovered,) = recover(install.path)
    assert (recovered.move, install.tree()) == (Move.UNDO, old)


def test_what_was_written_late_is_told(install: Install) -> None:
    """Into a file that was replaced already, before a kill cut the commit off."""
    transaction = install.apply()
    (came_out,) = (each for each in (transaction.folder / "stage").iterdir() if each.is_file())
    came_out.write_bytes(b"written late")
    transaction._record(JournalState.COMMITTED)
    (recovered,) = recover(install.path)
    assert recovered.move is Move.COMMIT
    (aside,) = recovered.report.set_aside
    assert aside.path == "a"
    assert (install.path / aside.kept_at).read_bytes() == b"written late"


def test_recovery_finds_nothing_the_second_time(install: Install) -> None:
    """And nothing where nothing was left; it leaves no folder behind."""
    assert recover(install.path) == ()
    install.prepare()
    recover(install.path)
    assert recover(install.path) == ()
    assert not (install.path / ".upgrades").exists()


def test_every_owner_is_recovered_by_itself(install: Install) -> None:
    """Two that were killed one after the other: each is told."""
    for owner in ("one", "two"):
        header = install.header().model_copy(update={"owner": owner, "created_at": NOW})
        Transaction.prepare(install.path, header, install.content_of)
    assert [each.owner for each in recover(install.path)] == ["one", "two"]
