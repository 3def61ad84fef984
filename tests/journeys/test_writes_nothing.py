"""Before a run begins nothing is written to the installation, its project or the source.

Seen from two sides: no entry's times or inode move, and, where ``strace`` is there, no process of
the command makes a system call that could write there, not even one that fails.
"""

import os
import re
import shutil
from pathlib import Path

import pytest

from aos_upgrade_plugin.sample import variants
from tests.journeys.trips import Trip

pytestmark = pytest.mark.usefixtures("unmeasured")

STRACE = shutil.which("strace")
_WRITING = (
    *("rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
    *("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "link", "linkat"),
    *("symlink", "symlinkat", "truncate", "ftruncate", "fallocate", "mknod", "mknodat"),
    *("utime", "utimes", "utimensat", "futimesat", "setxattr", "lsetxattr", "fsetxattr"),
    *("removexattr", "lremovexattr", "fremovexattr"),
)
_OPENING = ("open", "openat", "creat")
_OPENS_TO_WRITE = re.compile(r"\bcreat\(|O_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)")
_CALL = re.compile(r"^\d+ +(?P<name>\w+)\(")
_IRRELEVANT_FOLDER = re.compile(r'\w+<[^>]*>, (?="/)')
_RELATIVE = re.compile(r'\w\("[^/]')

COMMANDS = [
    pytest.param(("plan", "WHAT"), "", 0, id="plan"),
    pytest.param(("plan", "WHAT", "--diff"), "", 0, id="plan-diff"),
    pytest.param(("run", "WHAT", "--dry-run"), "", 0, id="dry-run"),
    pytest.param(("run", "WHAT", "--dry-run", "--jobs", "2"), "", 0, id="dry-run-in-parallel"),
    pytest.param(("check", "pre-flight", "WHAT"), "", 0, id="check-pre-flight"),
    pytest.param(("check", "0", "WHAT"), "fail@gate:pre-flight", 1, id="check-that-fails"),
    pytest.param(("run", "WHAT"), "fail@gate:pre-flight", 1, id="blocked-run"),
    pytest.param(("run", "WHAT"), "die@gate:pre-flight", 1, id="run-with-a-killed-gate"),
    pytest.param(("status",), "", 0, id="status"),
]


@pytest.mark.parametrize(("command", "sabotage", "exit_code"), COMMANDS)
def test_looking_writes_nothing(
    trip: Trip, command: tuple[str, ...], sabotage: str, exit_code: int
) -> None:
    """Plan, dry run, pre-flight and a run that they block: everything stays as it was."""
    words = [word for name in command for word in (trip.what if name == "WHAT" else (name,))]
    assert_writes_nothing(trip, *words, sabotage=sabotage, exit_code=exit_code)


def test_a_run_that_waits_for_a_decision_writes_nothing(trip: Trip) -> None:
    """An undecided conflict is found before anything begins."""
    variants.edit(trip.install, variants.CHANGED)
    assert_writes_nothing(trip, "run", *trip.what, exit_code=3)


def test_a_run_with_nothing_to_do_writes_nothing(tmp_path: Path) -> None:
    """A fresh install that is asked to become what it is stays as it is."""
    trip = Trip(tmp_path, version="1.1.0")
    assert_writes_nothing(trip, "run", *trip.what, exit_code=0)


@pytest.mark.skipif(STRACE is None, reason="there is no strace here")
def test_what_is_written_would_be_seen(trip: Trip) -> None:
    """Without this the other promises of this page would mean nothing."""
    made = "\n".join(_writing_calls(trip, "backups", "create", sabotage="", exit_code=0))
    for name in (".upgrade-lock", ".backups", "MANIFEST.json"):
        assert name in made


def assert_writes_nothing(
    trip: Trip, *command: str, sabotage: str = "", exit_code: int = 0
) -> None:
    """Assert that a command leaves project and source alone."""
    before = _moments(trip)
    assert _writing_calls(trip, *command, sabotage=sabotage, exit_code=exit_code) == []
    assert _moments(trip) == before


def _moments(trip: Trip) -> dict[str, tuple[int, ...]]:
    """Return what the system notes of every change, of content, mode, name or times."""
    found: dict[str, tuple[int, ...]] = {}
    for root in (trip.project, trip.source):
        for folder, folders, files in os.walk(root):
            for path in (folder, *(os.path.join(folder, name) for name in (*folders, *files))):
                status = os.lstat(path)
                found[path] = (
                    status.st_ino,
                    status.st_mode,
                    status.st_mtime_ns,
                    status.st_ctime_ns,
                )
    return found


def _writing_calls(trip: Trip, *command: str, sabotage: str, exit_code: int) -> list[str]:
    """Call a command and return what it, or a child, did that could write where we look."""
    trace = trip.folder / "trace"
    if STRACE is not None:
        calls = ",".join((*_OPENING, *_WRITING))
        watched = ("-f", "--seccomp-bpf", "-y", "-s", "4096", "-e", f"trace={calls}")
        trip.wrapper = (STRACE, "-qq", *watched, "-o", str(trace))
    done = trip.call(*command, sabotage=sabotage)
    assert done.exit_code == exit_code, done
    lines = trace.read_text().splitlines() if STRACE is not None else []
    lines = [_IRRELEVANT_FOLDER.sub("", line) for line in lines if _may_write(line)]
    roots = (str(trip.project), str(trip.source))
    return [line for line in lines if any(root in line for root in roots) or _RELATIVE.search(line)]


def _may_write(line: str) -> bool:
    call = _CALL.match(line)
    if call is None:
        return False
    return call["name"] in _WRITING or _OPENS_TO_WRITE.search(line) is not None
