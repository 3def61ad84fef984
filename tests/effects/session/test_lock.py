"""The upgrade lock, between real processes."""

import errno
import fcntl
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from filelock import lock_descriptor

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.session.lock import (
    hold,
    hold_briefly,
    hold_for_the_last_gate,
    refuse_held,
    where_now,
)
from aos_upgrade_plugin.effects.session.lock_holder import LAST_GATE_LOCK, UPGRADE_LOCK, holder
from aos_upgrade_plugin.effects.tree import flock
from aos_upgrade_plugin.errors import BusyError, DiskError, RefusedError
from aos_upgrade_plugin.models.lock import Holder
from tests.oddities import ordinary_user

_HOLD = """
import sys
from pathlib import Path
from aos_upgrade_plugin.effects.session.lock import hold
with hold(Path(sys.argv[1]), session="a_session", command="a command") as held:
    {then}
    print(held.file, flush=True)
    sys.stdin.read()
"""
_WITH_CHILD = """
    import subprocess
    nap = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    child = subprocess.Popen(nap, stdin=sys.stdin, pass_fds=held.descriptors)
    print(child.pid, flush=True)
"""


@contextmanager
def _holding(install: Path, then: str = "") -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock until its standard input is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD.format(then=then.strip() or "pass"), str(install)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _line(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def _failing(number: int) -> Callable[..., None]:
    """Return a system call that the system refuses."""

    def call(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    return call


def _take(install: Path) -> None:
    with hold(install, session=None, command="another command"):
        pass


def test_a_lock_whose_file_was_removed_still_holds(tmp_path: Path) -> None:
    """``git clean`` or a person removes it, and nobody comes in for that."""
    with _holding(tmp_path) as process:
        _line(process)
        (tmp_path / UPGRADE_LOCK).unlink()
        for _ in range(2):  # the second one finds the file that the first one made
            held = holder(tmp_path)
            assert held is not None
            assert "a process that left no record" in str(held)
            with pytest.raises(BusyError, match="a run whose") as busy:
                _take(tmp_path)
            if sys.platform == "linux":
                assert held.heirs == (process.pid,)
                assert f"is locked by process {process.pid}: " in str(busy.value)
    _take(tmp_path)
    assert holder(tmp_path) is None


def test_children_hold_it_too_where_its_file_was_removed(tmp_path: Path) -> None:
    """What a killed run left at work keeps others out, whatever happens to the file."""
    with _holding(tmp_path, _WITH_CHILD) as process:
        _line(process)
        _line(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        (tmp_path / UPGRADE_LOCK).unlink()
        with pytest.raises(BusyError, match="a run whose"):
            _take(tmp_path)


def test_a_folder_that_was_renamed_is_found_without_its_file(tmp_path: Path) -> None:
    """Going back needs to know where the installation is now."""
    install, renamed = tmp_path / "old", tmp_path / "new"
    install.mkdir()
    with hold(install, session=None, command="a command") as held:
        (install / UPGRADE_LOCK).unlink()
        install.rename(renamed)
        assert where_now(install, held) == renamed


@pytest.mark.parametrize("number", [errno.EBADF, errno.ENOLCK])
def test_where_folders_have_no_locks_the_file_has_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A network file system locks what was opened for writing, and nothing else."""

    def only_files(descriptor: int, *, blocking: bool) -> bool:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, os.strerror(number))
        return lock_descriptor(descriptor, blocking=blocking)

    monkeypatch.setattr(flock, "lock_descriptor", only_files)
    with hold(tmp_path, session=None, command="a command"):
        held = holder(tmp_path)
        assert held is not None
        assert held.alive
        with pytest.raises(BusyError):
            _take(tmp_path)


def test_the_second_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    """Busy names the process, since when, and its command; the record is not harmed by trying."""
    with _holding(tmp_path) as process:
        _line(process)
        for _ in range(2):
            with pytest.raises(BusyError, match=rf"process {process.pid} since .*: a command"):
                _take(tmp_path)
        held = holder(tmp_path)
    assert held is not None
    assert held.alive
    assert held.holder is not None
    assert (held.holder.pid, held.holder.session) == (process.pid, "a_session")


def test_the_file_stays_and_says_nothing_by_itself(tmp_path: Path) -> None:
    """After release the lock is free, for looking and for taking, though its file is there."""
    assert holder(tmp_path) is None
    for _ in range(2):
        _take(tmp_path)
        assert (tmp_path / UPGRADE_LOCK).stat().st_mode & 0o777 == 0o600
        assert holder(tmp_path) is None


def test_a_killed_holder_is_no_holder(tmp_path: Path) -> None:
    """The record that a killed process leaves is neither believed nor in the way."""
    with _holding(tmp_path) as process:
        _line(process)
        process.kill()
        process.wait()
        assert str(process.pid) in (tmp_path / UPGRADE_LOCK).read_text()
        assert holder(tmp_path) is None
        _take(tmp_path)


def test_a_child_that_outlives_the_holder_is_named(tmp_path: Path) -> None:
    """What an upgrade started and left behind still keeps others out, by its process id."""
    with _holding(tmp_path, _WITH_CHILD) as process:
        child, _ = _line(process), _line(process)
        process.send_signal(signal.SIGKILL)
        process.wait()
        with pytest.raises(BusyError, match=rf"process {process.pid} .*outlived it: {child}"):
            _take(tmp_path)
        held = holder(tmp_path)
    assert held is not None
    assert not held.alive
    assert held.heirs == (child,)
    _wait_until_free(tmp_path)


def _wait_until_free(install: Path) -> None:
    while holder(install) is not None:
        time.sleep(0.01)


def test_a_process_id_that_was_given_out_again_is_not_believed(tmp_path: Path) -> None:
    """The recorded process must also have begun when the record says so."""
    with _holding(tmp_path) as process:
        descriptor = _line(process)
        assert descriptor > 2
        path = tmp_path / UPGRADE_LOCK
        record = Holder.model_validate_json(path.read_bytes())
        wrong = record.model_copy(update={"process_started_at": record.process_started_at - 9})
        path.write_text(wrong.model_dump_json() + "\n")
        held = holder(tmp_path)
    assert held is not None
    assert not held.alive
    assert held.heirs == (process.pid,)


def test_a_holder_on_another_machine_is_taken_for_alive(tmp_path: Path) -> None:
    """A process of another machine cannot be looked at from here."""
    with _holding(tmp_path) as process:
        _line(process)
        path = tmp_path / UPGRADE_LOCK
        record = Holder.model_validate_json(path.read_bytes())
        path.write_text(record.model_copy(update={"host": "elsewhere"}).model_dump_json() + "\n")
        held = holder(tmp_path)
    assert held is not None
    assert held.alive


@pytest.mark.parametrize("record", [b"", b"no json\n", b"{}\n", b"\xff" * 20000])
def test_a_record_that_cannot_be_read_does_not_free_the_lock(tmp_path: Path, record: bytes) -> None:
    """The lock alone decides; who holds it is then found by who has the file open."""
    with _holding(tmp_path) as process:
        _line(process)
        (tmp_path / UPGRADE_LOCK).write_bytes(record)
        with pytest.raises(BusyError, match=f"left no record: {process.pid}"):
            _take(tmp_path)


def test_renaming_the_install_folder_does_not_free_the_lock(tmp_path: Path) -> None:
    """The lock belongs to the file, not to its name."""
    (tmp_path / ".agent-os").mkdir()
    with _holding(tmp_path / ".agent-os") as process:
        _line(process)
        (tmp_path / ".agent-os").rename(tmp_path / ".praxis-os")
        with pytest.raises(BusyError):
            _take(tmp_path / ".praxis-os")


def test_looking_never_makes_anybody_fail(tmp_path: Path) -> None:
    """While two processes look all the time, every taking succeeds; they never see each other."""
    look = (
        "import sys; from pathlib import Path\n"
        "from aos_upgrade_plugin.effects.session.lock_holder import holder\n"
        "print(0, flush=True)\nwhile True:\n"
        "    held = holder(Path(sys.argv[1]))\n"
        "    assert held is None or held.holder is None or held.holder.command == 'another command'"
    )
    _take(tmp_path)
    lookers = [
        subprocess.Popen(
            [sys.executable, "-c", look, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    try:
        for looker in lookers:
            _line(looker)
        for _ in range(300):
            _take(tmp_path)
        assert [looker.poll() for looker in lookers] == [None, None]
    finally:
        for looker in lookers:
            looker.kill()
            looker.communicate()


def test_a_link_in_the_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    """Nobody makes us write into a file elsewhere, there or not."""
    (tmp_path / "precious").write_text("content")
    for target in ("precious", "not-there"):
        (tmp_path / UPGRADE_LOCK).symlink_to(tmp_path / target)
        with pytest.raises(RefusedError, match="no lock file"):
            _take(tmp_path)
        assert holder(tmp_path) is None
        (tmp_path / UPGRADE_LOCK).unlink()
    assert (tmp_path / "precious").read_text() == "content"
    assert not (tmp_path / "not-there").exists()


def test_a_second_name_of_another_file_is_refused(tmp_path: Path) -> None:
    """A hard link to a file is that file: it keeps its content."""
    (tmp_path / "precious").write_text("content")
    os.link(tmp_path / "precious", tmp_path / UPGRADE_LOCK)
    with pytest.raises(RefusedError, match="no lock file"):
        _take(tmp_path)
    assert (tmp_path / "precious").read_text() == "content"


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(tmp_path: Path, make: object) -> None:
    """A folder or a pipe there is named, and nothing hangs on it."""
    assert callable(make)
    make(tmp_path / UPGRADE_LOCK)
    assert holder(tmp_path) is None
    with pytest.raises(RefusedError, match="no lock file"):
        _take(tmp_path)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_there_are_no_locks_nothing_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file system without flock is refused clearly; there is no soft lock instead."""
    (tmp_path / UPGRADE_LOCK).touch()
    monkeypatch.setattr(fcntl, "flock", _failing(number))
    with pytest.raises(RefusedError, match="has no locks"):
        _take(tmp_path)
    assert holder(tmp_path) is None
    assert os.listdir(tmp_path) == [UPGRADE_LOCK]


def test_a_failing_lock_is_a_disk_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any other refusal of the system is said as it is."""
    monkeypatch.setattr(fcntl, "flock", _failing(errno.EIO))
    with pytest.raises(DiskError, match="taking the upgrade lock failed"):
        _take(tmp_path)


def test_a_lock_file_that_was_replaced_meanwhile_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who opened the file just before it was replaced tries again with the new one."""
    path, opened = tmp_path / UPGRADE_LOCK, []
    real = disk.open_lock

    def replaced_once(location: bytes) -> int:
        descriptor = real(location)
        opened.append(os.fstat(descriptor).st_ino)
        if len(opened) == 1:
            path.rename(tmp_path / "old")
        return descriptor

    monkeypatch.setattr(disk, "open_lock", replaced_once)
    with hold(tmp_path, session=None, command="c") as held:
        assert os.fstat(held.file).st_ino == path.stat().st_ino
    assert len(opened) == 2


def test_a_full_disk_does_not_keep_us_from_going_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock holds without a record when there is no space for one."""
    monkeypatch.setattr(disk, "write", _failing(errno.ENOSPC))
    with hold(tmp_path, session=None, command="c"), pytest.raises(BusyError, match="no record"):
        _take(tmp_path)


def test_a_folder_that_is_not_there_is_an_error_with_a_cure(tmp_path: Path) -> None:
    """The line names the place."""
    with pytest.raises(DiskError, match="not-there"):
        _take(tmp_path / "not-there")


def test_a_command_with_odd_bytes_is_recorded_safely(tmp_path: Path) -> None:
    """Neither bytes that are no text nor escape sequences get into the record."""
    with hold(tmp_path, session=None, command="a\udcff\x1b[31m") as held:
        assert held.holder.command == "a\\xff\\x1b[31m"
        assert b"\x1b" not in (tmp_path / UPGRADE_LOCK).read_bytes()


def test_a_brief_lock_is_waited_for(tmp_path: Path) -> None:
    """The turn comes, or the one who waits says so after a while."""
    path = tmp_path / ".lock"
    busy = pytest.raises(BusyError, match="held by another process for too long")
    with hold_briefly(path), busy, hold_briefly(path, wait_s=0):
        pass
    with hold_briefly(path, wait_s=0):
        pass


@pytest.mark.parametrize(
    "listed", [pytest.param(True, id="open"), pytest.param(False, id="closed")]
)
def test_a_renamed_installation_is_found_by_its_lock(tmp_path: Path, *, listed: bool) -> None:
    """Where it was, or beside that; where the folder above is closed, nothing better is known."""
    before, after = tmp_path / "project" / ".agent-os", tmp_path / "project" / ".praxis-os"
    before.mkdir(parents=True)
    with hold(before, session=None, command="run") as held, ordinary_user():
        before.parent.chmod(0o755 if listed else 0o311)
        assert where_now(before, held) == before
        before.rename(after)
        assert where_now(before, held) == (after if listed else before)
    after.parent.chmod(0o755)


def test_the_last_gate_keeps_everybody_out_without_the_lock(tmp_path: Path) -> None:
    """The lock itself is free and not so much as touched; who measures is told, and then nobody."""
    (tmp_path / LAST_GATE_LOCK).parent.mkdir()
    with ExitStack() as last_gate:
        with hold(tmp_path, session="a_session", command="resume") as held:
            last_gate.enter_context(hold_for_the_last_gate(tmp_path, held))
            mine = holder(tmp_path)
            assert mine is not None
            assert not mine.last_gate
        before = (tmp_path / UPGRADE_LOCK).stat()
        measures = holder(tmp_path)
        assert measures is not None
        assert measures.holder is not None
        assert (measures.last_gate, measures.holder.session) == (True, "a_session")
        for refused in (
            lambda: hold(tmp_path, session=None, command="run").__enter__(),
            lambda: refuse_held(tmp_path),
        ):
            with pytest.raises(BusyError, match=r"resume \(its last gate\)"):
                refused()
        after = (tmp_path / UPGRADE_LOCK).stat()
        assert (before.st_mtime_ns, before.st_ctime_ns) == (after.st_mtime_ns, after.st_ctime_ns)
    assert holder(tmp_path) is None
    with hold(tmp_path, session=None, command="run"):
        pass


def test_nothing_that_is_started_inherits_the_lock_of_the_last_gate(tmp_path: Path) -> None:
    """Left behind, it would keep everybody out although nothing measures any more."""
    (tmp_path / LAST_GATE_LOCK).parent.mkdir()
    with hold(tmp_path, session=None, command="run") as held, ExitStack() as last_gate:
        last_gate.enter_context(hold_for_the_last_gate(tmp_path, held))
        inherited = [int(each) for each in os.listdir("/dev/fd") if _inheritable(int(each))]
        locked = (tmp_path / LAST_GATE_LOCK).stat().st_ino
        assert locked not in [os.fstat(each).st_ino for each in inherited]
        assert (tmp_path / UPGRADE_LOCK).stat().st_ino in [
            os.fstat(each).st_ino for each in inherited
        ]


def _inheritable(descriptor: int) -> bool:
    try:
        return os.get_inheritable(descriptor)
    except OSError:
        return False
