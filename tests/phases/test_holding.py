"""The lock with nothing interrupted behind it, before and after."""

import os
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.run.recovery import Move
from aos_upgrade_plugin.effects.session.lock_holder import UPGRADE_LOCK, holder
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import (
    BusyError,
    DamagedError,
    RefusedError,
    RollbackUnverifiedError,
)
from aos_upgrade_plugin.models.journal import Change, InstallRename, JournalHeader
from aos_upgrade_plugin.models.tree import Entry, Kind
from aos_upgrade_plugin.phases.holding import Holding, holding

NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)


class _FailureError(Exception):
    """What goes wrong in a body."""


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an install folder with one file."""
    folder = tmp_path / ".agent-os"
    folder.mkdir()
    (folder / "file").write_text("old")
    return folder


def _begun(install: Path, *, rename: InstallRename | None = None) -> Transaction:
    change = Change(path="new", before=None, after=Entry(kind=Kind.DIRECTORY, mode=0o755))
    header = JournalHeader(
        owner="a_session", purpose="content", created_at=NOW, changes=(change,), rename=rename
    )
    return Transaction.prepare(install, header, lambda _: b"")


def _is_as_before(install: Path) -> bool:
    tree = read_tree(install, enter=lambda path: path != UPGRADE_LOCK)
    return sorted(tree) == ["file"] and holder(install) is None


@pytest.mark.parametrize("failure", [_FailureError, KeyboardInterrupt])
def test_what_the_body_began_is_taken_back(install: Path, failure: type[BaseException]) -> None:
    """Whatever ended it, also a Ctrl-C; the reason goes on to whoever called."""

    def begin_and_fail() -> None:
        with holding(install, session=None, command="c"):
            _begun(install)
            raise failure

    with pytest.raises(failure):
        begin_and_fail()
    assert _is_as_before(install)


def test_an_install_folder_that_was_renamed_gets_its_name_back(install: Path) -> None:
    """It is found under its new name by the lock that is held in it."""

    def rename_and_fail() -> None:
        rename = InstallRename(before=".agent-os", after=".praxis-os")
        with holding(install, session=None, command="c"):
            transaction = _begun(install, rename=rename)
            os.rename(transaction.install, transaction.install.with_name(".praxis-os"))
            raise _FailureError

    with pytest.raises(_FailureError):
        rename_and_fail()
    assert _is_as_before(install)


def test_what_an_earlier_one_left_is_ended_first_and_reported(install: Path) -> None:
    """The body begins with a clean installation."""
    _begun(install)
    with holding(install, session=None, command="c") as held:
        (recovered,) = held.recovered
        assert (recovered.owner, recovered.move) == ("a_session", Move.UNDO)
        assert held.install == install
        assert not (install / ".upgrades").exists()
    assert _is_as_before(install)


def test_right_after_a_change_the_lock_is_still_held(install: Path) -> None:
    """Neither the exchange of files nor the new name of the folder lets another one in."""
    rename = InstallRename(before=".agent-os", after=".praxis-os")
    with holding(install, session=None, command="the first"):
        transaction = _begun(install, rename=rename)
        transaction.apply()
        with pytest.raises(BusyError, match="the first"), _held(transaction.install):
            pass
        transaction.commit()
    with _held(transaction.install) as held:
        assert held.recovered == ()


def _damage(journal: Path) -> None:
    journal.write_bytes(b"damaged\n" + journal.read_bytes())


def test_going_back_that_fails_is_said_with_the_reason_for_it(install: Path) -> None:
    """Both, and that it is tried again; the lock is free then."""

    def begin_and_fail() -> None:
        with holding(install, session=None, command="c"):
            _damage(_begun(install).folder / "journal.jsonl")
            raise _FailureError("the disk fell off")

    with pytest.raises(
        RollbackUnverifiedError, match=r"disk fell off; then .* first line"
    ) as error:
        begin_and_fail()
    assert "tried again" in error.value.cure
    assert holder(install) is None


def test_a_damaged_journal_is_moved_beside_only_on_request(install: Path) -> None:
    """Twice under two names; nothing that is in it is lost."""
    beside = install / ".upgrades" / "a_session" / "damaged"
    for names in (["content"], ["content", "content-2"]):
        _damage(_begun(install).folder / "journal.jsonl")
        with pytest.raises(DamagedError), _held(install):
            pass
        with holding(install, session=None, command="c", over_damage=True) as held:
            assert held.recovered == ()
        assert sorted(os.listdir(beside)) == names


@pytest.mark.parametrize(
    "link",
    [".upgrades", ".upgrades/one", ".upgrades/one/transactions", ".upgrades/one/transactions/x"],
)
def test_nobody_makes_us_clean_up_elsewhere(install: Path, tmp_path: Path, link: str) -> None:
    """A link where our control folders are leads nowhere."""
    victim = tmp_path / "victim"
    for name in ("one/transactions/x/stage/file", "transactions/x/stage/file", "x/stage/file"):
        (victim / name).parent.mkdir(parents=True)
        (victim / name).write_text("precious")
    before = read_tree(victim)
    (install / link).parent.mkdir(parents=True, exist_ok=True)
    (install / link).symlink_to(victim)
    with pytest.raises(RefusedError, match="is a link"), _held(install):
        pass
    assert read_tree(victim) == before


def _held(install: Path) -> AbstractContextManager[Holding]:
    return holding(install, session=None, command="c")
