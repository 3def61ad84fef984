"""An installation in the layer of a container image, where a folder cannot be moved."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.run.recovery import Move
from aos_upgrade_plugin.effects.disk import EXCHANGE_SWITCH
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.models.journal import Undone
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.recovery import recover
from tests.effects.installs import Install, KilledError, kill_at
from tests.faults.trees import Nodes, file, folder, link
from tests.mounts import mounted

pytestmark = [pytest.mark.mount]

OLD, NEW = file(b"old"), file(b"new")
_BEFORE: Nodes = {
    b"same": folder(),
    b"same/a": OLD,
    b"gone": folder(0o750),
    b"gone/deeper": folder(),
    b"gone/deeper/a": OLD,
    b"to-file": folder(),
    b"to-file/a": OLD,
    b"to-link": folder(),
}
_AFTER: Nodes = {
    b"same": folder(0o700),
    b"same/a": NEW,
    b"to-file": NEW,
    b"to-link": link(b"same"),
    b"new": folder(),
    b"new/a": NEW,
}


@pytest.fixture(params=["on", "off"], autouse=True)
def exchange(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the paths for systems with an atomic exchange, and for those without one."""
    monkeypatch.setenv(EXCHANGE_SWITCH, str(request.param))


@contextmanager
def _in_image(work: Path) -> Iterator[Install]:
    """Lay an installation down in a lower layer, as an image that was built has it."""
    for name in ("upper", "work", "seen"):
        (work / name).mkdir(parents=True)
    laid = Install.laid(work / "lower", before=_BEFORE, after=_AFTER)
    layers = f"lowerdir={work / 'lower'},upperdir={work / 'upper'},workdir={work / 'work'}"
    with mounted("-t", "overlay", "overlay", "-o", layers, at=work / "seen"):
        yield Install(work / "seen" / laid.path.name, laid.wanted)


@pytest.mark.parametrize("end", ["commit", "undo"])
def test_folders_of_an_image_go_and_come_back(tmp_path: Path, end: str) -> None:
    """The kernel refuses to move them, so they are made anew where they are kept."""
    with _in_image(tmp_path) as install:
        was, wanted = install.tree(), read_tree(install.wanted)
        transaction = install.apply()
        assert install.tree() == wanted
        if end == "commit":
            assert transaction.commit() == ()
        else:
            assert transaction.undo() == Undone()
        assert install.tree() == (wanted if end == "commit" else was)
        assert not (install.path / ".upgrades").exists()


def test_killed_anywhere_it_goes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also between the making anew and the removal."""
    was = _killed_at(tmp_path / "never", 10_000, monkeypatch)[0]
    for number in range(1, 200):
        old, found, is_whole = _killed_at(tmp_path / str(number), number, monkeypatch)
        assert (old, found) == (was, was), f"killed at {number}"
        if is_whole:
            return
    pytest.fail("it never came to its end")


def test_killed_anywhere_it_goes_back_beside_what_a_user_does_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that was about to go, or came back: the way back is never blocked by that."""
    for number in range(1, 60):
        work = tmp_path / str(number)
        _, found, is_whole = _killed_at(work, number, monkeypatch, then=_use_folders)
        if is_whole:
            return
        assert {"gone", "gone/deeper", "gone/deeper/a", "to-file/a", "to-link"} <= found.keys()
    pytest.fail("it never came to its end")


def _use_folders(install: Install) -> None:
    for name in ("gone/deeper", "to-file", "to-link"):
        if (install.path / name).is_dir():
            (install.path / name / "mine").write_text("the user's")
            (install.path / name).chmod(0o711)


def _killed_at(
    work: Path,
    number: int,
    patch: pytest.MonkeyPatch,
    *,
    then: Callable[[Install], object] = lambda _: None,
) -> tuple[Tree, Tree, bool]:
    with _in_image(work) as install:
        was, transaction = install.tree(), install.prepare()
        with patch.context() as killing:
            kill_at(number, killing)
            is_whole = _is_done(transaction.apply)
        if not is_whole:
            then(install)
        left = [] if is_whole else [each.move for each in recover(install.path)]
        if is_whole or Move.LEAVE in left:
            transaction.undo()
        assert then is _use_folders or not (install.path / ".upgrades").exists()
        return was, install.tree(), is_whole


def _is_done(work: Callable[[], object]) -> bool:
    try:
        work()
    except KilledError:
        return False
    return True


def test_what_a_user_put_into_such_a_folder_stays(tmp_path: Path) -> None:
    """It is no empty folder any more, so the run stops with its name and goes back."""
    with _in_image(tmp_path) as install:
        transaction = install.prepare()
        (install.path / "to-link" / "mine").write_text("the user's")
        with pytest.raises(Exception, match=r"^to-link changed after the plan was made"):
            transaction.apply()
        transaction.undo()
        assert (install.path / "to-link" / "mine").read_text() == "the user's"
        assert (install.path / "gone" / "deeper" / "a").read_text() == "old"
