"""Backups of every kind of file: made, listed, verified, removed."""

import errno
import hashlib
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.backup import backup_making, backups
from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.effects.backup.backup_making import Wanted, make
from aos_upgrade_plugin.effects.backup.backups import Backup
from aos_upgrade_plugin.errors import DamagedError, DiskError, NotFoundError, RefusedError
from aos_upgrade_plugin.models.backup import BACKUPS, MANIFEST, REQUIREMENTS, Fault
from aos_upgrade_plugin.models.tree import unescape
from tests.oddities import add_oddities, add_socket, ordinary_user, snapshot

NOW = datetime(2025, 11, 21, 12, 30, 5, tzinfo=UTC)


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with one file of every kind, at the top and further down."""
    folder = tmp_path / ".praxis-os"
    for name in ("mcp_server/server.py", "standards/universal/a.md", "specs/review/mine.md"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(f"{name}\n" * 9)
    (folder / "specs/large.bin").write_bytes(os.urandom(300_000))
    add_oddities(folder)
    (folder / "specs/odd").mkdir()
    add_oddities(folder / "specs/odd")
    return folder


def _wanted(*, now: datetime = NOW, keeps: Callable[[str], bool] = lambda _: True) -> Wanted:
    return Wanted(created_at=now, layout="praxis_os", keeps=keeps, requirements="mcp==1.19.0\n")


def _content(backup: Backup) -> dict[bytes, tuple[object, ...]]:
    """Tell what a backup holds, under the paths of the installation."""
    assert backup.manifest is not None
    taken = {unescape(each.stored_at): unescape(each.path) for each in backup.manifest.entries}
    told = snapshot(backup.path)
    return {path: told[stored] for stored, path in taken.items()}


def test_everything_is_held_as_it_is(install: Path) -> None:
    """Content, modes, links, pipes, empty folders and times, whatever the names are."""
    before = snapshot(install)
    backup = make(install, _wanted())
    assert _content(backup) == before
    assert verify(backup.path) == ()
    assert snapshot(install, leave_out=lambda path: path == b".backups") == before


def test_copies_are_real(install: Path) -> None:
    """No file of a backup is the live file: damage to one is not damage to the other."""
    backup = make(install, _wanted())
    held = {path.lstat().st_ino for path in backup.path.rglob("*")}
    everything = [path for path in install.rglob("*") if backup.path not in path.parents]
    assert not held & {path.lstat().st_ino for path in everything}


def test_it_lies_where_people_look_for_it(install: Path) -> None:
    """Named after its moment in UTC, content directly below, for nobody else to read."""
    backup = make(install, _wanted(now=datetime(2025, 11, 21, 5, 0, 1, tzinfo=UTC)))
    assert backup.path == install / ".backups" / "2025-11-21-050001"
    assert (backup.path / "specs/review/mine.md").read_text().startswith("specs/review/mine.md")
    assert (backup.path / REQUIREMENTS).read_text() == "mcp==1.19.0\n"
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o700
    assert stat.S_IMODE((install / BACKUPS).stat().st_mode) == 0o700


def test_the_manifest_tells_each_entry(install: Path) -> None:
    """What was written down is what is read, and what was asked for is in it."""
    made = make(install, _wanted()._replace(session="upgrade_1", includes_environment=True))
    (listed,) = backups.listed(install)
    assert listed.manifest == made.manifest
    assert listed.manifest is not None
    assert (listed.manifest.session, listed.manifest.install_name) == ("upgrade_1", ".praxis-os")
    assert listed.manifest.includes_environment
    entries = {each.path: each for each in listed.manifest.entries}
    mine = entries["specs/review/mine.md"]
    assert (mine.size_bytes, mine.mode) == (189, 0o644)
    assert listed.manifest.files["specs/review/mine.md"] == mine.digest
    assert entries["dangling"].link_target == "nowhere/at all"
    assert listed.manifest.file_count == len(listed.manifest.files)
    assert listed.manifest.size_bytes > 300_000


@pytest.mark.parametrize("kind", ["link", "dangling link", "file"])
def test_backups_are_made_and_removed_in_a_folder_of_the_installation(
    install: Path, tmp_path: Path, kind: str
) -> None:
    """Behind a link they could be another installation's, and old ones are removed."""
    other, held = tmp_path / "other", None
    if kind == "link":
        other.mkdir()
        held = make(install, _wanted()).path.rename(other / "2025-01-01-000000")
        (install / BACKUPS).rmdir()
    if kind == "file":
        (install / BACKUPS).touch()
    else:
        (install / BACKUPS).symlink_to(other)
    assert len(backups.listed(install)) == (kind == "link"), "who only looks may follow a link"
    for use in (lambda: make(install, _wanted()), lambda: backups.clean(install)):
        with pytest.raises(RefusedError, match="is no folder of its own") as refused:
            use()
        assert refused.value.cure
    assert held is None or verify(held) == ()


def test_what_vanishes_meanwhile_is_not_held_and_all_beside_it_is(install: Path) -> None:
    """Editors and servers make files and remove them again, also while a backup is made."""
    before = snapshot(install)
    (install / "specs/review/.#mine.md").touch()

    def keeps(path: str) -> bool:
        if path == "specs/review/.#mine.md":
            (install / path).unlink()
        return True

    backup = make(install, _wanted(keeps=keeps))
    assert {*_content(backup)} == {*before}
    assert verify(backup.path) == ()


def test_a_users_manifest_is_held_too(install: Path) -> None:
    """What has one of the backup's own names is stored under another, which nothing else has."""
    backup = make(install, _wanted())
    assert backup.manifest is not None
    stored = {each.path: each.stored_at for each in backup.manifest.entries}
    assert stored["MANIFEST.json"] == "MANIFEST.json.yours1"
    assert stored["MANIFEST.json.yours"] == "MANIFEST.json.yours"
    assert stored[REQUIREMENTS] == f"{REQUIREMENTS}.yours"
    assert (backup.path / f"{REQUIREMENTS}.yours").read_bytes() == REQUIREMENTS.encode()


def test_a_folder_may_have_that_name(tmp_path: Path) -> None:
    """All that is below it is stored below the other name."""
    install = tmp_path / ".praxis-os"
    (install / "manifest.JSON/deep").mkdir(parents=True)
    (install / "manifest.JSON/deep/a.md").write_text("a")
    backup = make(install, _wanted())
    assert (backup.path / "manifest.JSON.yours/deep/a.md").read_text() == "a"
    assert verify(backup.path) == ()


def test_what_is_not_kept_is_left_out(install: Path) -> None:
    """A folder that is not kept is not even looked into."""
    (install / "venv/secret").mkdir(parents=True)
    (install / "venv/secret").chmod(0)
    with ordinary_user():
        backup = make(install, _wanted(keeps=lambda path: path != "venv"))
    assert not (backup.path / "venv").exists()
    assert not (backup.path / BACKUPS).exists()


def test_a_socket_is_left_out_and_listed(install: Path) -> None:
    """It holds nothing that could be kept."""
    add_socket(install / "specs/socket")
    backup = make(install, _wanted())
    assert backup.manifest is not None
    assert [(each.path, each.reason) for each in backup.manifest.left_out] == [
        ("specs/socket", "a socket")
    ]
    assert not (backup.path / "specs/socket").exists()


def test_a_link_that_vanishes_is_not_held(install: Path) -> None:
    """An editor's lock, for example: it is gone between being found and being read."""

    def keeps(path: str) -> bool:
        if path == "specs":  # by then "dangling" was found
            (install / "dangling").unlink()
        return True

    backup = make(install, _wanted(keeps=keeps))
    assert backup.manifest is not None
    assert "dangling" not in backup.manifest.tree
    assert verify(backup.path) == ()


def test_everything_unreadable_is_named_at_once(install: Path) -> None:
    """All of it in one error, and nothing half-made is left; the next one succeeds."""
    closed = [install / "specs/review/mine.md", install / "mcp_server", install / "specs/large.bin"]
    for path in closed:
        path.chmod(0)
    with ordinary_user(), pytest.raises(DiskError) as caught:
        make(install, _wanted())
    said = str(caught.value)
    assert all(os.fspath(path.relative_to(install)) in said for path in closed)
    assert "3 cannot be read" in said
    assert os.listdir(install / BACKUPS) == []
    for path in closed:
        path.chmod(0o755)
    with ordinary_user():
        assert verify(make(install, _wanted()).path) == ()


def test_a_full_disk_leaves_nothing(install: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to do; the earlier backup is still the latest."""
    earlier = make(install, _wanted())
    write, written = disk.write, 0

    def full(descriptor: int, data: bytes | memoryview) -> int:
        nonlocal written
        written += 1
        if written > 20:
            raise OSError(28, "No space left on device")
        return write(descriptor, data)

    monkeypatch.setattr(disk, "write", full)
    with pytest.raises(DiskError, match="No space left on device") as caught:
        make(install, _wanted(now=NOW + timedelta(days=1)))
    assert caught.value.cure.startswith("free some disk space")
    assert os.listdir(install / BACKUPS) == [earlier.name]


def test_two_in_one_second(install: Path) -> None:
    """The later one gets a number, and is the newer one, also after the ninth."""
    names = [make(install, _wanted(keeps=lambda _: False)).name for _ in range(11)]
    assert names[:3] == ["2025-11-21-123005", "2025-11-21-123005-2", "2025-11-21-123005-3"]
    assert [each.name for each in backups.listed(install)] == names[::-1]


def test_what_vanishes_meanwhile_is_not_held(install: Path) -> None:
    """An editor's temporary file may go at any moment; nobody misses it."""

    def keeps(path: str) -> bool:
        if path == "specs/review/mine.md":
            (install / "mcp_server/server.py").unlink(missing_ok=True)
            (install / "specs/review/mine.md").unlink()
            (install / "specs/review").rmdir()
        return True

    backup = make(install, _wanted(keeps=keeps))
    assert backup.manifest is not None
    assert "specs/large.bin" in backup.manifest.tree
    assert not {"mcp_server/server.py", "specs/review/mine.md"} & set(backup.manifest.tree)
    assert verify(backup.path) == ()


# ---- the second backup ------------------------------------------------------------------------


@pytest.fixture
def settled(install: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the installation as if nobody had touched it for a while."""
    monkeypatch.setattr(backup_making, "_COARSEST_CLOCK_NS", 0)
    newest = max(os.lstat(path).st_ctime_ns for path in install.rglob("*"))
    probe = install.parent / "probe"
    while not probe.exists() or probe.stat().st_ctime_ns == newest:
        probe.write_text("until the file system's clock has gone on")
    return install


def test_an_unchanged_file_is_linked_to_the_earlier_backup(settled: Path) -> None:
    """What changed is copied, everything else costs no space; both are whole without the other."""
    first = make(settled, _wanted())
    (settled / "specs/review/mine.md").write_text("changed")
    (settled / "specs/large.bin").chmod(0o600)
    second = make(settled, _wanted(), find_earlier=lambda: first)
    assert _shares(first, second, "mcp_server/server.py")
    assert _shares(first, second, "MANIFEST.json.yours1")
    assert not _shares(first, second, "specs/review/mine.md")
    assert not _shares(first, second, "specs/large.bin")
    assert _content(second) == snapshot(settled, leave_out=lambda path: path == b".backups")
    third = make(settled, _wanted(), find_earlier=lambda: second)
    assert _shares(first, third, "mcp_server/server.py")
    for backup in (first, second):
        shutil.rmtree(backup.path)
    assert verify(third.path) == ()


WITH_TWO_PROCESSES = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.backup import second_process
from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.effects.backup.backup_making import Wanted, make
from aos_upgrade_plugin.errors import DiskError

install, made_here, make_directory = Path(sys.argv[1]), [], disk.make_directory
wanted = Wanted(datetime.now(UTC), "agent-os-1", lambda path: path != ".backups", "")
first = make(install, wanted)
disk.make_directory = lambda path, mode: (made_here.append(path), make_directory(path, mode))
second_process._WORTH_US = 0
second = make(install, wanted, find_earlier=lambda: first)
assert len(made_here) == 1, "the folders were not made by the second process"
assert verify(second.path) == ()
assert second.manifest.tree == first.manifest.tree

def closed(path, mode):
    if Path(os.fsdecode(path)).parent.name.startswith(".partial-"):
        raise PermissionError(13, "closed", path)
    make_directory(path, mode)

disk.make_directory = closed
try:
    make(install, wanted, find_earlier=lambda: first)
except DiskError as error:
    assert "closed" in str(error)
    assert len([*(install / ".backups").iterdir()]) == 2
else:
    raise AssertionError("what the second process ran into was not told")
"""


@pytest.mark.skipif(
    sys.platform != "linux" or os.cpu_count() == 1, reason="a process may not copy itself here"
)
def test_a_second_process_makes_the_folders(install: Path) -> None:
    """Nobody can tell from the backup; and what goes wrong there goes wrong here."""
    command = [sys.executable, "-c", WITH_TWO_PROCESSES, str(install)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_a_change_with_an_old_time_is_seen(settled: Path) -> None:
    """Neither the size nor the time of modification need to differ."""
    path = settled / "specs/review/mine.md"
    first, before = make(settled, _wanted()), path.stat()
    path.write_text(path.read_text().swapcase())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    second = make(settled, _wanted(), find_earlier=lambda: first)
    assert (second.path / "specs/review/mine.md").read_text() == path.read_text()


def test_a_file_that_changed_just_now_is_read_again(install: Path) -> None:
    """Within one tick of the clock a second change would leave the same times."""
    first = make(install, _wanted())
    second = make(install, _wanted(), find_earlier=lambda: first)
    assert not _shares(first, second, "specs/review/mine.md")


@pytest.mark.parametrize("number", [errno.EMLINK, errno.EPERM, errno.EXDEV])
def test_where_no_link_can_be_made_a_copy_is(
    settled: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A file system may have no hard links, or no more of them for this file."""

    def refuses(existing: bytes, path: bytes) -> None:
        raise OSError(number, os.strerror(number), existing, None, path)

    first = make(settled, _wanted())
    monkeypatch.setattr(disk, "make_hard_link", refuses)
    second = make(settled, _wanted(), find_earlier=lambda: first)
    assert not _shares(first, second, "specs/review/mine.md")
    assert verify(second.path) == ()


def test_a_full_disk_is_no_reason_to_copy(settled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every other refusal ends the backup."""

    def refuses(existing: bytes, path: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", existing, None, path)

    first = make(settled, _wanted())
    monkeypatch.setattr(disk, "make_hard_link", refuses)
    with pytest.raises(DiskError, match="No space left on device"):
        make(settled, _wanted(), find_earlier=lambda: first)
    assert os.listdir(settled / BACKUPS) == [first.name]


@pytest.mark.parametrize("damage", ["gone", "cut", "a link"])
def test_a_copy_that_looks_damaged_is_not_linked_to(settled: Path, damage: str) -> None:
    """A new backup repairs what can be seen to be wrong with an old one."""
    first = make(settled, _wanted())
    stored = first.path / "specs/review/mine.md"
    stored.unlink()
    if damage == "cut":
        stored.write_text("cut")
    elif damage == "a link":
        stored.symlink_to(settled / "specs/review/mine.md")
    second = make(settled, _wanted(), find_earlier=lambda: first)
    assert verify(second.path) == ()
    assert verify(first.path) != ()


def test_unseen_damage_is_shared_until_a_full_backup(settled: Path) -> None:
    """A linked copy is one file: every backup that has it names it; a full one does not."""
    first = make(settled, _wanted())
    second = make(settled, _wanted(), find_earlier=lambda: first)
    stored = first.path / "specs/review/mine.md"
    times = stored.stat().st_mtime_ns
    stored.write_text(stored.read_text().swapcase())
    os.utime(stored, ns=(times, times))
    third = make(settled, _wanted(), find_earlier=lambda: second)
    assert all(
        [(each.path, each.fault) for each in verify(backup.path)]
        == [("specs/review/mine.md", Fault.CHANGED)]
        for backup in (first, second, third)
    )
    assert verify(make(settled, _wanted()).path) == ()


def _shares(one: Backup, other: Backup, name: str) -> bool:
    return (one.path / name).samefile(other.path / name)


# ---- what is wrong with one -------------------------------------------------------------------


def _flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def _relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("elsewhere")


def _become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _become_link(path: Path) -> None:
    path.rename(path.with_name("other"))
    path.symlink_to("other")


DAMAGE: dict[str, tuple[str, Callable[[Path], object], list[tuple[str, Fault]]]] = {
    "a-bit": ("specs/large.bin", _flip, [("specs/large.bin", Fault.CHANGED)]),
    "a-bit-of-a-small-one": ("-rf", _flip, [("-rf", Fault.CHANGED)]),
    "longer": (
        "empty",
        lambda path: path.write_text("no more"),
        [("empty", Fault.CHANGED)],
    ),
    "gone": ("pipe", Path.unlink, [("pipe", Fault.MISSING)]),
    "a-folder-gone": (
        "specs/review",
        shutil.rmtree,
        [("specs/review", Fault.MISSING), ("specs/review/mine.md", Fault.MISSING)],
    ),
    "mode": ("mode-600", lambda path: path.chmod(0o644), [("mode-600", Fault.MODE)]),
    "mode-of-a-folder": ("specs", lambda path: path.chmod(0o700), [("specs", Fault.MODE)]),
    "link": ("dangling", _relink, [("dangling", Fault.LINK)]),
    "kind": ("mode-600", _become_folder, [("mode-600", Fault.KIND)]),
    "kind-to-link": (
        "mode-600",
        _become_link,
        [("mode-600", Fault.KIND), ("other", Fault.EXTRA)],
    ),
    "extra": (
        "specs/review/new",
        lambda path: (path / "deep").mkdir(parents=True),
        [("specs/review/new", Fault.EXTRA)],
    ),
    "requirements": (REQUIREMENTS, _flip, [(REQUIREMENTS, Fault.CHANGED)]),
    "no-requirements": (REQUIREMENTS, Path.unlink, [(REQUIREMENTS, Fault.MISSING)]),
    "manifest": (MANIFEST, _flip, [(MANIFEST, Fault.MANIFEST)]),
    "manifest-cut": (MANIFEST, lambda path: os.truncate(path, 900), [(MANIFEST, Fault.MANIFEST)]),
    "no-manifest": (MANIFEST, Path.unlink, [(MANIFEST, Fault.MANIFEST)]),
}


@pytest.mark.parametrize(("name", "damage", "expected"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named_file_by_file(
    install: Path,
    name: str,
    damage: Callable[[Path], object],
    expected: list[tuple[str, Fault]],
) -> None:
    """What is wrong, where, and nothing else."""
    backup = make(install, _wanted())
    damage(backup.path / name)
    assert [(each.path, each.fault) for each in verify(backup.path)] == expected


def test_all_damage_is_named(install: Path) -> None:
    """Not only the first."""
    for number in range(20):
        (install / f"large-{number:02}").write_bytes(os.urandom(60_000))
    backup = make(install, _wanted())
    for number in range(20):
        _flip(backup.path / f"large-{number:02}")
    _flip(backup.path / "specs/review/mine.md")
    assert [each.path for each in verify(backup.path)] == [
        *(f"large-{number:02}" for number in range(20)),
        "specs/review/mine.md",
    ]


def test_what_cannot_be_read_is_damaged(install: Path) -> None:
    """A backup that nobody can read cannot be restored."""
    backup = make(install, _wanted())
    (backup.path / "mode-600").chmod(0)
    (backup.path / "specs/review").chmod(0)
    with ordinary_user():
        problems = [str(each) for each in verify(backup.path)]
    assert "mode-600: cannot be read (Permission denied)" in problems
    assert "specs/review: mode changed" in problems
    assert "specs/review/mine.md: cannot be read (Permission denied)" in problems


# ---- many -------------------------------------------------------------------------------------


def test_a_list_passes_over_what_is_no_backup(install: Path) -> None:
    """Half-made ones, half-removed ones, and whatever else somebody put there."""
    assert backups.listed(install) == ()
    one = make(install, _wanted())
    two = make(install, _wanted(now=NOW + timedelta(hours=1)))
    for name in (".partial-2025-11-21-123006", ".removing-2025-01-01-000000", "mine", "2025-11-21"):
        (install / BACKUPS / name).mkdir()
    (install / BACKUPS / "2025-11-21-999999").write_text("no folder")
    _flip(two.path / MANIFEST)
    assert [each.name for each in backups.listed(install)] == [two.name, one.name]
    newest, older = backups.listed(install)
    assert (newest.manifest, older.problem) == (None, None)
    assert "its digest does not fit" in str(newest.problem)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(b'"schema_version":1', b'"schema_version":9', id="another-version"),
        pytest.param(b'"link_target":"nowhere/', rb'"link_target":"a\\xzz', id="no-link-target"),
        pytest.param(b'"path":"specs/large.bin"', b'"path":"mode-600"', id="one-path-twice"),
    ],
)
def test_what_this_version_does_not_write_is_told_from_damage(
    install: Path, before: bytes, after: bytes
) -> None:
    """It may be good; this version cannot say, and neither verifies nor restores it."""
    backup = make(install, _wanted())
    path = backup.path / MANIFEST
    assert before in path.read_bytes()
    body, _, _ = path.read_bytes().replace(before, after).rpartition(b'"digest"')
    digest = hashlib.sha256(body).hexdigest().encode()
    path.write_bytes(body + b'"digest":"' + digest + b'"\n}\n')
    with pytest.raises(DamagedError, match="another version of this tool"):
        backups.read_manifest(backup.path)
    assert [each.fault for each in verify(backup.path)] == [Fault.MANIFEST]


def test_a_backup_is_found_by_its_name(install: Path) -> None:
    """Whoever mistypes is told the names that there are."""
    with pytest.raises(NotFoundError, match="there is no backup 'x'") as caught:
        backups.find(install, "x")
    assert caught.value.cure == "make one: aos-upgrade backups create"
    backup = make(install, _wanted())
    assert backups.find(install, backup.name) == backup.path
    for name in ("2025-11-21-123006", "../.backups/2025-11-21-123005", ""):
        with pytest.raises(NotFoundError) as caught:
            backups.find(install, name)
        assert caught.value.cure == f"name one of these: {backup.name}"


def test_removal_begins_with_the_name(install: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Interrupted, it is no backup any more; the next one who holds the lock ends it."""
    backup, remove = make(install, _wanted()), disk.remove

    def fails(path: bytes) -> None:
        raise OSError(errno.EIO, "Input/output error", path)

    monkeypatch.setattr(disk, "remove", fails)
    with pytest.raises(DiskError, match="Input/output error"):
        backups.remove(backup.path)
    assert backups.listed(install) == ()
    monkeypatch.setattr(disk, "remove", remove)
    assert backups.clean(install) == (f".removing-{backup.name}",)
    assert os.listdir(install / BACKUPS) == []


def test_removal_takes_closed_folders_and_leaves_shared_files(settled: Path) -> None:
    """The newer backup, which shares its files, is as it was, modes too."""
    first = make(settled, _wanted())
    second = make(settled, _wanted(), find_earlier=lambda: first)
    before = snapshot(second.path)
    with ordinary_user():
        backups.remove(first.path)
    assert snapshot(second.path) == before
    assert verify(second.path) == ()
