"""A backup brought back: byte by byte, and nothing lost that somebody made since."""

import errno
import inspect
import itertools
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.transaction import Transaction
from aos_upgrade_plugin.errors import (
    DamagedError,
    DiskError,
    NotFoundError,
    RefusedError,
    StaleError,
)
from aos_upgrade_plugin.models.journal import Change, JournalHeader
from aos_upgrade_plugin.models.tree import Entry
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import Installation, find
from aos_upgrade_plugin.phases.recovery import recover
from aos_upgrade_plugin.phases.restore import Restored, restore
from tests.oddities import Snapshot, add_oddities, add_socket, ordinary_user, snapshot

NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)
CONTROL = (b".backups", b".upgrades", b".venv-stage")


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    """Make an installation with one file of every kind, and an environment."""
    install = tmp_path / ".praxis-os"
    for name in ("mcp_server/server.py", "standards/universal/a.md", "specs/mine.md", "venv/one"):
        (install / name).parent.mkdir(parents=True)
        (install / name).write_text(f"{name}\n")
    add_oddities(install / "specs")
    add_oddities(install)
    return find(tmp_path)


def _told(install: Path) -> Snapshot:
    """Tell everything but what is ours."""
    return snapshot(install, leave_out=lambda path: path in CONTROL)


def _texts(folder: Path) -> set[str]:
    return {path.read_text() for path in folder.rglob("*") if path.is_file()}


def _aside(restored: Restored) -> dict[str, str]:
    """Return what was set aside, by its path."""
    return {each.path: (restored.install / each.kept_at).read_text() for each in restored.set_aside}


def _entry(install: Path, path: str) -> Entry:
    entry = files.read_entry(files.locate(install, path))
    assert entry is not None
    return entry


def _empty(install: Path) -> None:
    """Remove everything but the backups and the environment."""
    for path in install.iterdir():
        if path.name in {".backups", "venv"}:
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()


def test_an_emptied_installation_comes_back_byte_by_byte(installation: Installation) -> None:
    """Content, modes, links, pipes, empty folders, and the times of files."""
    install = installation.path
    before = _told(install)
    backup = back_up(installation, now=NOW)
    _empty(install)
    restored = restore(install, now=NOW)
    assert _told(install) == before
    assert (restored.backup, restored.set_aside, restored.stays) == (backup.name, (), ())
    assert not (install / ".upgrades").exists()


def test_everything_swapped_for_something_else_comes_back(installation: Installation) -> None:
    """Files for folders, folders for links, links for pipes; what was there is kept."""
    install = installation.path
    back_up(installation, now=NOW)
    before = _told(install)
    shutil.rmtree(install / "specs")
    (install / "specs").write_text("a file where a folder was")
    shutil.rmtree(install / "mcp_server")
    (install / "mcp_server").symlink_to("specs")
    for name in ("dangling", ".hidden"):
        (install / name).unlink()
        (install / name).mkdir()
        (install / name / "inside").write_text(f"inside {name}")
    (install / "pipe").unlink()
    (install / "pipe").write_text("no pipe")
    (install / "a name with spaces.md").unlink()
    os.mkfifo(install / "a name with spaces.md")
    restored = restore(install, now=NOW)
    assert _told(install) == before
    assert {each.path for each in restored.set_aside} == {
        ".hidden/inside",
        "a name with spaces.md",
        "dangling/inside",
        "mcp_server",
        "pipe",
        "specs",
    }


def test_nothing_to_do_does_nothing(installation: Installation) -> None:
    """The same restore twice: the second one changes no file and leaves no trace."""
    install = installation.path
    back_up(installation, now=NOW)
    before = {path: path.lstat() for path in install.rglob("*")}
    restored = restore(install, now=NOW)
    assert (restored.changed, restored.set_aside) == ((), ())
    assert {path: path.lstat().st_ctime_ns for path in install.rglob("*")} == {
        path: status.st_ctime_ns for path, status in before.items()
    }


@pytest.mark.parametrize("name", [".git", ".GIT", "git~1"])
def test_a_repository_in_it_is_no_obstacle(installation: Installation, name: str) -> None:
    """Under whatever name some file system takes for one: it is neither held nor touched."""
    install = installation.path
    hook = install / "specs" / name / "hooks" / "pre-commit"
    hook.parent.mkdir(parents=True)
    hook.write_text("before")
    backup = back_up(installation, now=NOW)
    assert not (backup.path / "specs" / name).exists()
    hook.write_text("after")
    (install / "specs/mine.md").write_text("edited")
    assert restore(install, now=NOW).changed == ("specs/mine.md",)
    assert hook.read_text() == "after"


def test_what_was_made_since_stays(installation: Installation) -> None:
    """Wherever it is, also in folders that the backup does not know."""
    install = installation.path
    back_up(installation, now=NOW)
    for name in ("specs/new.md", "new/deep/mine.md", "mcp_server/extra.py"):
        (install / name).parent.mkdir(parents=True, exist_ok=True)
        (install / name).write_text(f"new {name}")
    (install / "mcp_server/server.py").unlink()
    restored = restore(install, now=NOW)
    assert (install / "specs/new.md").read_text() == "new specs/new.md"
    assert (install / "new/deep/mine.md").read_text() == "new new/deep/mine.md"
    assert (install / "mcp_server/extra.py").read_text() == "new mcp_server/extra.py"
    assert restored.changed == ("mcp_server/server.py",)
    assert restored.stays == (
        "mcp_server/extra.py",
        "new",
        "new/deep",
        "new/deep/mine.md",
        "specs/new.md",
    )


def test_an_edit_is_replaced_and_kept(installation: Installation) -> None:
    """With its own mode and time, under the path it had."""
    install = installation.path
    back_up(installation, now=NOW)
    edited = install / "specs/mine.md"
    edited.write_text("edited since")
    edited.chmod(0o640)
    os.utime(edited, ns=(1, 1_234_567_890))
    restored = restore(install, now=NOW)
    assert edited.read_text() == "specs/mine.md\n"
    assert _aside(restored) == {"specs/mine.md": "edited since"}
    (one,) = restored.set_aside
    assert one.kept_at.startswith(".upgrades/restore_20251121_123005_")
    assert one.kept_at.endswith("/set-aside/install/specs/mine.md")
    kept = (install / one.kept_at).stat()
    assert (kept.st_mode & 0o7777, kept.st_mtime_ns) == (0o640, 1_234_567_890)


def test_what_an_upgrade_laid_down_goes_without_a_word(installation: Installation) -> None:
    """Its edits since are kept; its new folders go, with the caches in them."""
    install = installation.path
    before = _told(install)
    back_up(installation, now=NOW)
    laid = {
        "mcp_server/server.py": "the new server",
        "standards/universal/a.md": "the new standard",
        "mcp_server/new/module.py": "a new module",
        "standards/universal/b.md": "another standard",
    }
    for path, text in laid.items():
        (install / path).parent.mkdir(exist_ok=True)
        (install / path).write_text(text)
    known = {path: _entry(install, path) for path in (*laid, "mcp_server/new")}
    (install / "standards/universal/a.md").write_text("my edit of the new standard")
    (install / "standards/universal/b.md").write_text("my edit of the other standard")
    (install / "mcp_server/new/__pycache__").mkdir()
    (install / "mcp_server/new/__pycache__/module.pyc").write_bytes(b"bytecode")
    restored = restore(install, known=known, now=NOW)
    assert _told(install) == before
    assert _aside(restored) == {
        "standards/universal/a.md": "my edit of the new standard",
        "standards/universal/b.md": "my edit of the other standard",
    }


def test_the_environment_is_not_touched(installation: Installation) -> None:
    """Nor is what is made again, nor what is ours."""
    install = installation.path
    back_up(installation, now=NOW)
    for name in ("venv/two", ".cache/index", "state/workflows/one.json"):
        (install / name).parent.mkdir(parents=True, exist_ok=True)
        (install / name).write_text(f"since {name}")
    (install / "specs/mine.md").unlink()
    restore(install, now=NOW)
    for name in ("venv/two", ".cache/index", "state/workflows/one.json"):
        assert (install / name).read_text() == f"since {name}"


def test_an_environment_that_was_backed_up_comes_back_whole(installation: Installation) -> None:
    """A package that came since would make it neither the one nor the other."""
    install = installation.path
    add_oddities(install / "venv")
    before = _told(install)
    back_up(installation, now=NOW, include_environment=True)
    (install / "venv/since").write_text("a package")
    (install / "venv/one").unlink()
    (install / "specs/mine.md").unlink()
    restored = restore(install, now=NOW)
    assert _told(install) == before
    assert restored.changed == ("specs/mine.md", "venv")
    shutil.rmtree(install / "venv")
    restore(install, now=NOW)
    assert _told(install) == before
    assert not (install / ".venv-stage").exists()


def test_the_folder_gets_its_old_name_back(installation: Installation, tmp_path: Path) -> None:
    """An upgrade that renamed the installation is gone back behind."""
    install = installation.path.rename(tmp_path / ".agent-os")
    before = _told(install)
    old = find(tmp_path)
    backup = back_up(old, now=NOW)
    renamed = install.rename(tmp_path / ".praxis-os")
    (renamed / "specs/mine.md").unlink()
    restored = restore(renamed, backup.name, now=NOW)
    assert restored.install == install
    assert _told(install) == before
    assert not renamed.exists()


def test_another_installation_of_the_old_name_is_not_overwritten(
    installation: Installation, tmp_path: Path
) -> None:
    """Nothing is changed then."""
    install = installation.path.rename(tmp_path / ".agent-os")
    back_up(find(tmp_path), now=NOW)
    renamed = install.rename(tmp_path / ".praxis-os")
    install.mkdir()
    with pytest.raises(RefusedError, match="another one is there now"):
        restore(renamed, now=NOW)
    assert renamed.is_dir()


def test_a_damaged_backup_is_never_restored(installation: Installation) -> None:
    """Every damaged file is named, the newest older good one is offered, nothing is changed."""
    install = installation.path
    good = back_up(installation, now=NOW)
    names = [back_up(installation, now=NOW + timedelta(hours=h), full=True).name for h in (1, 2)]
    for name in names:
        (install / ".backups" / name / "specs/mine.md").write_text("damaged")
        (install / ".backups" / name / ".hidden").unlink()
    (install / "specs/mine.md").unlink()
    before = _told(install)
    with pytest.raises(DamagedError) as caught:
        restore(install, now=NOW)
    assert f"{names[1]} is damaged" in str(caught.value)
    assert ".hidden: missing; specs/mine.md: content changed" in str(caught.value)
    assert f"aos-upgrade backups restore {good.name}" in caught.value.cure
    assert _told(install) == before
    assert restore(install, good.name, now=NOW).changed == ("specs/mine.md",)


def test_what_somebody_put_beside_its_content_is_no_damage(installation: Installation) -> None:
    """A file manager leaves its notes where somebody looked; the way back stays open."""
    before = _told(installation.path)
    made = back_up(installation, now=NOW)
    (made.path / "specs" / ".DS_Store").write_text("notes")
    (installation.path / "specs/mine.md").unlink()
    restored = restore(installation.path, made.name, now=NOW)
    assert restored.changed == ("specs/mine.md",)
    assert _told(installation.path) == before


def test_where_no_good_one_is_left_it_is_said(installation: Installation) -> None:
    """There is still something to be done by hand."""
    backup = back_up(installation, now=NOW)
    (backup.path / ".hidden").unlink()
    with pytest.raises(DamagedError) as caught:
        restore(installation.path, now=NOW)
    assert caught.value.cure.startswith("there is no older one that is good")


def test_there_has_to_be_a_backup(installation: Installation) -> None:
    """And it is said how to make one, or what they are called."""
    with pytest.raises(NotFoundError, match="there is no backup of"):
        restore(installation.path, now=NOW)
    back_up(installation, now=NOW)
    with pytest.raises(NotFoundError, match="there is no backup 'yesterday'"):
        restore(installation.path, "yesterday", now=NOW)


def test_a_backup_of_an_unknown_layout_is_refused(installation: Installation) -> None:
    """What is the user's and what is not cannot be told then."""
    layout = installation.layout.model_copy(update={"name": "next_os"})
    back_up(installation._replace(layout=layout), now=NOW)
    with pytest.raises(RefusedError, match="has the layout next_os"):
        restore(installation.path, now=NOW)


def test_a_socket_in_the_way_is_named(installation: Installation) -> None:
    """It cannot be kept, so it is not moved; elsewhere it does not matter."""
    install = installation.path
    back_up(installation, now=NOW)
    add_socket(install / "standards/socket")
    (install / "specs/mine.md").unlink()
    add_socket(install / "specs/mine.md")
    with pytest.raises(RefusedError, match=r"socket or device: specs/mine\.md"):
        restore(install, now=NOW)
    (install / "specs/mine.md").unlink()
    assert restore(install, now=NOW).changed == ("specs/mine.md",)
    assert (install / "standards/socket").is_socket()


def test_closed_folders_are_no_obstacle(installation: Installation) -> None:
    """A folder in which nobody may write is opened for the moment and closed again."""
    install = installation.path
    before = _told(install)
    back_up(installation, now=NOW)
    (install / "closed/inside.md").chmod(0o644)
    (install / "closed").chmod(0o755)
    (install / "closed/inside.md").write_text("edited")
    (install / "closed").chmod(0o555)
    with ordinary_user():
        restored = restore(install, now=NOW)
    assert _told(install) == before
    assert _aside(restored) == {"closed/inside.md": "edited"}


def test_a_run_in_the_middle_is_ended_first(installation: Installation) -> None:
    """Its own way back knows more than a backup does."""
    back_up(installation, now=NOW)
    change = Change(path="new.md", before=None, after=_entry(installation.path, "specs/mine.md"))
    header = JournalHeader(owner="upgrade_1", purpose="content", created_at=NOW, changes=(change,))
    Transaction.prepare(installation.path, header, lambda _: b"specs/mine.md\n").apply()
    recover(installation.path)
    with pytest.raises(RefusedError, match="upgrade_1 stands in the middle"):
        restore(installation.path, now=NOW)


# ---- what comes in between --------------------------------------------------------------------


def _damaged(installation: Installation) -> Snapshot:
    """Back up, then change a few things; return the tree as it is then."""
    install = installation.path
    back_up(installation, now=NOW)
    (install / "mcp_server/server.py").unlink()
    (install / "specs/mine.md").write_text("edited since")
    (install / "standards/universal/a.md").write_text("also edited")
    return _told(install)


def test_a_save_in_the_middle_is_kept(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is found in its place, everything else is as it was, and the file is named."""
    install, prepare = installation.path, Transaction.prepare
    before = _damaged(installation)
    edited = install / "standards/universal/a.md"

    def save_in_between(*arguments: object) -> Transaction:
        transaction = prepare(*arguments)  # type: ignore[arg-type]  # passed on as they came
        edited.write_text("saved in between")
        return transaction

    monkeypatch.setattr(Transaction, "prepare", save_in_between)
    with pytest.raises(StaleError, match=r"standards/universal/a\.md changed"):
        restore(install, now=NOW)
    assert edited.read_text() == "saved in between"
    del before[b"standards/universal/a.md"]
    after = _told(install)
    del after[b"standards/universal/a.md"]
    assert after == before
    assert not (install / ".upgrades").exists()


def test_a_save_after_the_exchange_is_taken_back_too(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is compared at the end is read from the disk; the save is set aside."""
    install, apply = installation.path, Transaction.apply
    before = _damaged(installation)

    def apply_and_save(self: Transaction) -> None:
        apply(self)
        (install / "mcp_server/server.py").write_text("saved in between")

    monkeypatch.setattr(Transaction, "apply", apply_and_save)
    with pytest.raises(StaleError, match=r"changed while it was restored: mcp_server/server\.py"):
        restore(install, now=NOW)
    assert _told(install) == before
    assert "saved in between" in _texts(install / ".upgrades")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO])
@pytest.mark.parametrize("call", ["create", "exchange", "rename_new", "sync"])
def test_a_disk_that_refuses_changes_nothing(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    """Wherever it refuses for the first time: the tree is the old one, nothing is left over."""
    install, real = installation.path, getattr(disk, call)
    before = _damaged(installation)
    refused = False

    def refuses(*arguments: object) -> object:
        nonlocal refused
        if not refused:
            refused = True
            raise OSError(number, os.strerror(number))
        return real(*arguments)

    monkeypatch.setattr(disk, call, refuses)
    with pytest.raises(DiskError, match="restoring failed"):
        restore(install, now=NOW)
    assert _told(install) == before
    assert not (install / ".upgrades").exists()


class _KilledError(BaseException):
    """From now on nothing that we do changes anything, as after SIGKILL."""


def _killed_at(number: int, patch: pytest.MonkeyPatch) -> None:
    """Let no call change anything any more, from the one of that number on."""
    calls = 0

    def until_then(call: Callable[..., object]) -> Callable[..., object]:
        def instead(*arguments: object, **named: object) -> object:
            nonlocal calls
            calls += 1
            if calls >= number:
                raise _KilledError
            return call(*arguments, **named)

        return instead

    for name, call in [*vars(disk).items()]:
        if inspect.isfunction(call) and name[0] != "_":
            patch.setattr(disk, name, until_then(call))


def _true(descriptor: int) -> bool:
    return descriptor >= 0


def _small(project: Path) -> Installation:
    """Make a small installation, back it up and change it: in all the ways, for many rounds."""
    install = project / ".praxis-os"
    for name in ("mcp_server/server.py", "specs/mine.md", "specs/deep/old.md", "venv/one"):
        (install / name).parent.mkdir(parents=True, exist_ok=True)
        (install / name).write_text(f"{name}\n")
    installation = find(project)
    back_up(installation, now=NOW, include_environment=True)
    (install / "venv/two").write_text("a package")
    (install / "mcp_server/server.py").unlink()
    (install / "specs/mine.md").write_text("edited since")
    shutil.rmtree(install / "specs/deep")
    (install / "specs/deep").write_text("a file since")
    return installation


def test_killed_anywhere_it_is_the_old_tree_or_the_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next command that holds the lock leaves no trace of an attempt that did not succeed."""
    for name in ("sync", "sync_filesystem"):  # no power is cut here: it only has to be counted
        monkeypatch.setattr(disk, name, _true)
    ends = set()
    for number in itertools.count(1, 3):  # tests/faults take every one
        install = _small(tmp_path / str(number)).path
        before = _told(install)
        with pytest.MonkeyPatch.context() as patch, suppress(_KilledError):
            _killed_at(number, patch)
            restore(install, now=NOW)
            break
        recover(install)
        after = _told(install)
        if after == before:
            ends.add("old")
            assert not (install / ".upgrades").exists()
        else:
            ends.add("new")
            assert (install / "specs/mine.md").read_text() == "specs/mine.md\n"
            assert sorted(_texts(install / ".upgrades")) == ["a file since", "edited since"]
        again = restore(install, now=NOW)
        assert bool(again.changed) is (after == before)
        assert not (install / ".venv-stage").exists()
        shutil.rmtree(install)
    assert ends == {"old", "new"}
