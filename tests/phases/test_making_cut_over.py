"""A cut-over made and taken back: all or nothing, and never over what a user changed since."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from inspect import isfunction
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.run.recovery import Move
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree.files import entry_at
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import (
    DamagedError,
    NotFoundError,
    RefusedError,
    StaleError,
    UpgradeError,
)
from aos_upgrade_plugin.models.cut_over import ChangedFile
from aos_upgrade_plugin.models.journal import Change, JournalHeader, Place
from aos_upgrade_plugin.models.tree import Entry, Kind
from aos_upgrade_plugin.phases.cutting_over import Edit
from aos_upgrade_plugin.phases.holding import holding
from aos_upgrade_plugin.phases.making_cut_over import make, take_back

NOW = datetime(2025, 11, 21, 12, tzinfo=UTC)
CLIENT = ".cursor/mcp.json"


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with a client's file beside it."""
    folder = tmp_path / "project/.praxis-os"
    (folder / "mcp_server").mkdir(parents=True)
    (folder.parent / ".cursor").mkdir()
    (folder.parent / CLIENT).write_bytes(b"old")
    (folder.parent / CLIENT).chmod(0o600)
    return folder


def edits(install: Path, content: bytes = b"new") -> list[Edit]:
    """Return one file that changes in the project, and one that comes in the installation."""
    found = []
    for root, path, place in (
        (install, "config.json", Place.INSTALL),
        (install.parent, CLIENT, Place.PROJECT),
    ):
        before = entry_at(root, path)
        after = Entry(
            kind=Kind.FILE,
            mode=before.mode if before else 0o644,
            size_bytes=len(content),
            digest=hashlib.sha256(content).hexdigest(),
        )
        change = Change(path=path, before=before, after=after, place=place)
        held = (root / path).read_bytes() if before else b""
        found.append(Edit(ChangedFile(change=change), held, content))
    return found


def state(install: Path) -> dict[str, bytes]:
    """Return every file that is not of the lock."""
    files = (each for each in install.parent.rglob("*") if each.is_file())
    return {
        str(each.relative_to(install.parent)): each.read_bytes()
        for each in files
        if each.name != ".upgrade-lock"
    }


def test_there_and_back(install: Path) -> None:
    """What was made is unmade, mode and all, and no trace is left; twice, one after the other."""
    before = state(install)
    make(install, edits(install), now=NOW)
    assert (install / "config.json").read_bytes() == b"new"
    assert (install.parent / CLIENT).stat().st_mode & 0o777 == 0o600
    middle = state(install)
    make(install, edits(install, b"newer"), now=NOW + timedelta(seconds=1))
    assert take_back(install, now=NOW) == (".praxis-os/config.json", CLIENT)
    assert state(install) == middle
    take_back(install, now=NOW)
    assert state(install) == before
    with pytest.raises(NotFoundError):
        take_back(install, now=NOW)


def test_what_was_changed_since_is_never_overwritten(install: Path) -> None:
    """It is named, nothing at all is taken back, and the old content can be found."""
    make(install, edits(install), now=NOW)
    (install.parent / CLIENT).write_bytes(b"mine")
    before = state(install)
    with pytest.raises(StaleError, match=r"\.cursor/mcp\.json was changed") as refused:
        take_back(install, now=NOW)
    assert state(install) == before
    kept = refused.value.cure.split(", ")[2]
    assert (install.parent / kept).read_bytes() == b"old"
    (install.parent / CLIENT).write_bytes(b"old")  # the user did it by hand
    (install.parent / CLIENT).chmod(0o600)
    assert take_back(install, now=NOW) == (".praxis-os/config.json",)


def test_a_file_that_moved_since_the_plan_stops_it_all(install: Path) -> None:
    """The first change is taken back, too, and no record stays."""
    planned = edits(install)
    (install.parent / CLIENT).write_bytes(b"mine")
    before = state(install)
    with pytest.raises(StaleError):
        make(install, planned, now=NOW)
    assert state(install) == before


_STRIDE = 4
"""Not every effect, for the time it takes; all of them were tried once."""


class _Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("act", ["make", "take_back"])
def test_killed_anywhere_it_is_made_or_not(
    install: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    """Whatever effect is the last, the next command finds one of the two states, and goes on."""
    old = state(install)
    make(install, edits(install), now=NOW)
    new = {path: held for path, held in state(install).items() if ".upgrades" not in path}
    if act == "make":
        take_back(install, now=NOW)
    last = 0
    while _acts_until_killed(install, monkeypatch, act, last):
        with holding(install, session=None, command="x") as held:
            moves = {each.move for each in held.recovered}
        assert moves <= {Move.UNDO, Move.DISCARD, Move.CLEAR, Move.COMMIT}
        stands = {path: held for path, held in state(install).items() if ".upgrades" not in path}
        assert stands in (old, new), last
        _finish(install, act, is_new=stands == new)
        last += _STRIDE
    assert last > 20


def _finish(install: Path, act: str, *, is_new: bool) -> None:
    """Bring it back to where the act begins, with the commands themselves."""
    if act == "make":
        if is_new:
            take_back(install, now=NOW)
        else:
            with pytest.raises(NotFoundError):
                take_back(install, now=NOW)
    elif not is_new:
        make(install, edits(install), now=NOW)


def _acts_until_killed(install: Path, monkeypatch: pytest.MonkeyPatch, act: str, last: int) -> bool:
    """Say whether the act was killed before its effect of that number."""
    done = 0

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def effect(*arguments: object, **named: object) -> object:
            nonlocal done
            if done >= last:
                raise _Killed
            done += 1
            return real(*arguments, **named)

        return effect

    with monkeypatch.context() as patch:
        for name in _EFFECTS:
            patch.setattr(disk, name, counted(getattr(disk, name)))
        try:
            if act == "make":
                make(install, edits(install), now=NOW)
            else:
                take_back(install, now=NOW)
        except _Killed:
            return True
        except UpgradeError:
            return True
    return False


_EFFECTS = tuple(
    name
    for name, each in vars(disk).items()
    if isfunction(each) and each.__module__ == disk.__name__ and not name.startswith("_")
)


def test_an_upgrade_in_the_middle_comes_first(install: Path) -> None:
    """Its plan knows these files: it is named, and nothing is changed."""
    planned = edits(install)
    change = planned[0].file.change
    header = JournalHeader(owner="a_run", purpose="content", created_at=NOW, changes=(change,))
    Transaction.prepare(install, header, lambda _: b"new").apply()
    with pytest.raises(RefusedError, match="a_run stands in the middle"):
        make(install, planned[1:], now=NOW)
    with pytest.raises(RefusedError, match="a_run stands in the middle"):
        take_back(install, now=NOW)


def test_a_record_that_somebody_wrote_is_refused(install: Path) -> None:
    """Nonsense, and one that leads out of the project."""
    make(install, edits(install), now=NOW)
    (record,) = install.glob(".upgrades/*/cut-over.json")
    told = record.read_text()
    for text in ("{", told.replace(CLIENT, "../../x"), told.replace(CLIENT, ".git/hooks/x")):
        record.write_text(text)
        with pytest.raises(DamagedError):
            take_back(install, now=NOW)
