"""One transaction: all of it or nothing, and the user's own work is lost in neither case.

That this holds wherever it is killed is proven by tests/faults; here are the promises one by one.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.disk import EXCHANGE_SWITCH
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import RefusedError, StaleError
from aos_upgrade_plugin.models.journal import SetAside, Undone
from tests.effects.installs import Install, KilledError, kill_at
from tests.faults.trees import Nodes, fifo, file, folder, link

OLD, NEW, USERS = file(b"old"), file(b"new"), b"the user's"
_ODD_NAME = b"new\nline" if sys.platform == "darwin" else b"new\nline\xff"


@pytest.fixture(params=["on", "off"], autouse=True)
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Take the paths for systems with an atomic exchange, and for those without one."""
    switch = str(request.param)
    monkeypatch.setenv(EXCHANGE_SWITCH, switch)
    return switch


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Lay down an installation in which one file changes, one goes, and one comes."""
    return Install.laid(
        tmp_path,
        before={b"VERSION": OLD, b"gone": OLD, b"mine": file(USERS), b"a": folder()},
        after={b"VERSION": NEW, b"comes": NEW, b"mine": file(USERS), b"a": folder(), b"a/b": NEW},
    )


CHANGES: dict[str, tuple[Nodes, Nodes]] = {
    "create": ({}, {b"a": folder(), b"a/b": NEW}),
    "replace": ({b"a": OLD}, {b"a": NEW}),
    "delete": ({b"a": folder(), b"a/b": OLD}, {}),
    "mode-of-file": ({b"a": file(b"same", 0o644)}, {b"a": file(b"same", 0o755)}),
    "mode-of-folder": ({b"a": folder(0o755)}, {b"a": folder(0o500)}),
    "setuid": ({b"a": file(b"same", 0o755)}, {b"a": file(b"same", 0o4755)}),
    "link": ({b"a": link(b"here")}, {b"a": link(b"there"), b"dangling": link(b"nowhere")}),
    "link-becomes-file": ({b"a": link(b"here")}, {b"a": NEW}),
    "file-becomes-link": ({b"a": OLD}, {b"a": link(b"here")}),
    "pipe": ({b"a": fifo(0o600)}, {b"b": fifo(0o640)}),
    "file-becomes-folder": ({b"a": OLD}, {b"a": folder(), b"a/b": folder(), b"a/b/c": NEW}),
    "folder-becomes-file": ({b"a": folder(), b"a/b": folder(), b"a/b/c": OLD}, {b"a": NEW}),
    "folder-becomes-link": ({b"a": folder(), b"a/b": OLD}, {b"a": link(b"elsewhere")}),
    "link-becomes-folder": ({b"a": link(b"elsewhere")}, {b"a": folder(), b"a/b": NEW}),
    "case-only": ({b"README": OLD, b"Dir": folder(), b"Dir/x": OLD},
                  {b"readme": OLD, b"dir": folder(), b"dir/x": OLD}),
    "odd-names": ({b" a b ": OLD, _ODD_NAME: OLD}, {b" a b ": NEW, _ODD_NAME: NEW}),
    "long-name": ({}, {b"n" * 255: NEW}),
    "closed-folder": ({b"a": folder(0o555), b"a/b": OLD}, {b"a": folder(0o555), b"a/b": NEW}),
    "empty-files": ({b"a": file(b"")}, {b"b": file(b"")}),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("end", ["commit", "undo"])
def test_every_kind_of_change_is_made_and_taken_back(
    tmp_path: Path, before: Nodes, after: Nodes, end: str
) -> None:
    """Content, mode and link are as planned, or as they were, and nothing of ours is left."""
    install = Install.laid(tmp_path, before=before, after=after)
    was, wanted = install.tree(), read_tree(install.wanted)
    transaction = install.apply()
    if end == "commit":
        assert transaction.commit() == ()
    else:
        assert transaction.undo() == Undone()
    assert install.tree() == (wanted if end == "commit" else was)
    assert not (install.path / ".upgrades").exists()


def test_nothing_changes_while_it_is_prepared(install: Install) -> None:
    """What the installation uses is as it was: all that is new waits beside it."""
    before = install.tree()
    transaction = install.prepare()
    assert install.tree() == before
    transaction.undo()
    assert not (install.path / ".upgrades").exists()


def test_new_content_that_is_not_as_planned_is_never_put_in_place(install: Install) -> None:
    """The source moved after the plan: said before anything changed, and nothing is left."""
    before, header = install.tree(), install.header()
    (install.wanted / "comes").write_bytes(b"moved")
    with pytest.raises(StaleError, match="comes is not what was planned"):
        Transaction.prepare(install.path, header, install.content_of)
    assert install.tree() == before


@pytest.mark.parametrize("name", ["VERSION", "gone"])
def test_a_save_between_plan_and_exchange_is_kept_and_named(install: Install, name: str) -> None:
    """The run stops there; what was changed before it goes back, the save stays in its place."""
    before, transaction = install.tree(), install.prepare()
    (install.path / name).write_bytes(USERS)
    with pytest.raises(StaleError, match=f"^{name} changed after the plan was made") as stale:
        transaction.apply()
    assert stale.value.cure
    assert (install.path / name).read_bytes() == USERS
    assert transaction.undo().set_aside == ()
    assert (install.path / name).read_bytes() == USERS
    assert {path for path, entry in install.tree().items() if before.get(path) != entry} == {name}


def test_a_file_that_came_where_a_new_one_goes_is_kept_and_named(install: Install) -> None:
    """Nothing is ever created over something."""
    transaction = install.prepare()
    (install.path / "comes").write_bytes(USERS)
    with pytest.raises(StaleError, match=r"^comes changed"):
        transaction.apply()
    transaction.undo()
    assert (install.path / "comes").read_bytes() == USERS


def test_what_the_user_made_since_is_set_aside_and_listed(install: Install) -> None:
    """Edited, made again, added to a new folder: going back overwrites and deletes none of it."""
    before, transaction = install.tree(), install.apply()
    for name in ("VERSION", "gone", "comes", "a/own"):
        (install.path / name).write_bytes(USERS + name.encode())
    undone = transaction.undo()
    kept = {each.path: (install.path / each.kept_at).read_bytes() for each in undone.set_aside}
    assert kept == {name: USERS + name.encode() for name in ("VERSION", "gone", "comes")}
    assert (install.path / "a" / "own").read_bytes() == USERS + b"a/own"
    now = install.tree()
    assert {path: entry for path, entry in now.items() if path in before} == before


def test_a_new_folder_that_the_user_fills_stays(tmp_path: Path) -> None:
    """With what the user put into it, and it is named."""
    install = Install.laid(tmp_path, before={}, after={b"dir": folder(), b"dir/ours": NEW})
    transaction = install.apply()
    (install.path / "dir" / "users").write_bytes(USERS)
    assert transaction.undo() == Undone(kept_folders=("dir",))
    assert os.listdir(install.path / "dir") == ["users"]


def test_what_is_written_late_into_an_old_file_is_kept(install: Install) -> None:
    """Somebody had it open: what was written after the exchange is set aside and listed."""
    with (install.path / "VERSION").open("ab") as late:
        transaction = install.apply()
        late.write(USERS)
    (aside,) = transaction.commit()
    assert (aside.path, (install.path / aside.kept_at).read_bytes()) == ("VERSION", b"old" + USERS)
    assert (install.path / "VERSION").read_bytes() == b"new"


def test_a_second_undo_finds_nothing_to_do(install: Install) -> None:
    """Also after the first one was killed at any of its effects."""
    before = install.tree()
    for transaction in _undone_but_killed(install):
        transaction.undo()
        assert install.tree() == before


def test_an_undo_that_is_repeated_sets_nothing_of_its_own_aside(install: Install) -> None:
    """Both sides were written to: old and edit are told apart after a kill anywhere."""
    for transaction in _undone_but_killed(install, late=b" and late", edit=USERS):
        undone = transaction.undo()
        assert (install.path / "VERSION").read_bytes() == b"old and late"
        assert _kept(install, undone.set_aside, "VERSION") == [USERS]


def test_what_the_user_does_to_a_restored_file_survives_the_repeated_undo(
    install: Install,
) -> None:
    """Killed after the old file was back: the next edit is the user's, and stays in its place."""
    for transaction in _undone_but_killed(install, edit=USERS):
        version = install.path / "VERSION"
        restored = version.exists() and version.read_bytes() == b"old"
        if restored:
            version.write_bytes(b"edited again")
        undone = transaction.undo()
        assert version.read_bytes() == (b"edited again" if restored else b"old")
        assert _kept(install, undone.set_aside, "VERSION") == [USERS]


def _undone_but_killed(
    install: Install, *, late: bytes = b"", edit: bytes = b""
) -> Iterator[Transaction]:
    """Apply, write, and begin to undo; killed at the first effect, then at the second, and on."""
    for number in count(1):
        (install.path / "VERSION").write_bytes(b"old")
        with (install.path / "VERSION").open("ab") as stream:
            transaction = install.apply()
            stream.write(late)
        if edit:
            (install.path / "VERSION").write_bytes(edit)
        with pytest.MonkeyPatch.context() as patch, suppress(KilledError):
            kill_at(number, patch)
            transaction.undo()
            return
        if not transaction.folder.joinpath("journal.jsonl").exists():
            return  # nothing is left that could be repeated
        yield transaction
        for path in (install.path / ".upgrades").glob("*/set-aside/*/VERSION"):
            path.unlink()


def _kept(install: Install, aside: tuple[SetAside, ...], path: str) -> list[bytes]:
    return [(install.path / each.kept_at).read_bytes() for each in aside if each.path == path]


def _lead_away(install: Install) -> None:
    """Put the folder elsewhere, and a link to it in its place."""
    (install.path / "a").rename(install.path.with_name("elsewhere"))
    (install.path / "a").symlink_to(install.path.with_name("elsewhere"))


def test_nothing_is_prepared_behind_a_link(install: Install, tmp_path: Path) -> None:
    """What a folder that became a link names is not this installation's."""
    header = install.header()
    _lead_away(install)
    before = read_tree(tmp_path)
    with pytest.raises(RefusedError, match="the folder a is a link"):
        Transaction.prepare(install.path, header, install.content_of)
    assert read_tree(tmp_path) == before


def test_nothing_is_undone_behind_a_link(install: Install, tmp_path: Path) -> None:
    """Said before the first step back; with the folder in its place again, the way is free."""
    was, transaction = install.tree(), install.apply()
    _lead_away(install)
    before = read_tree(tmp_path)
    with pytest.raises(RefusedError, match="the folder a is a link"):
        transaction.undo()
    assert read_tree(tmp_path) == before
    (install.path / "a").unlink()
    (tmp_path / "elsewhere").rename(install.path / "a")
    transaction.undo()
    assert install.tree() == was
