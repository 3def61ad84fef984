"""strace sees the same system calls as the interposer counts: nothing changes a disk around it."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.running import unmeasured
from tests.faults.traced import MARK

TRACED = Path(__file__).with_name("traced.py")

# Which effect makes a call; one that may make several, or none that is ours, is told by arguments.
EFFECT_OF = {
    "ftruncate": "truncate",
    "fallocate": "allocate",
    "fsync": "sync",
    "syncfs": "sync_filesystem",
    "chmod": "set_mode",
    "fchmodat": "set_mode",
    "fchmodat2": "set_mode",
    "fchmod": "set_open_mode",
    "mkdir": "make_directory",
    "mkdirat": "make_directory",
    "symlink": "make_link",
    "symlinkat": "make_link",
    "mknod": "make_fifo",
    "mknodat": "make_fifo",
    "link": "make_hard_link",
    "linkat": "make_hard_link",
    "unlink": "remove",
    "rmdir": "remove_directory",
    "rename": "rename",
    "renameat": "rename",
    "write": "write",
}
BY_ARGUMENTS = (
    ("openat", "O_EXCL", "create"),
    ("openat", "O_APPEND", "open_append"),
    ("openat", "O_RDWR|O_CREAT", "open_lock"),
    ("renameat2", "RENAME_EXCHANGE", "exchange"),
    ("renameat2", "RENAME_NOREPLACE", "rename_new"),
    ("renameat2", "", "rename"),
    ("unlinkat", "AT_REMOVEDIR", "remove_directory"),
    ("unlinkat", "", "remove"),
    ("utimensat", "AT_SYMLINK_NOFOLLOW", "set_times"),
    ("utimensat", "", "set_open_times"),
    ("ioctl", "CLONE", "clone"),
)
# Nothing of ours makes these, so that one of them would be seen.
NEVER_OURS = """
    open openat2 creat writev pwrite64 pwritev pwritev2 sendfile copy_file_range splice truncate
    fdatasync sync sync_file_range chown fchown lchown fchownat utime utimes futimesat setxattr
    lsetxattr fsetxattr removexattr lremovexattr fremovexattr mount umount2
"""
# A question mark: not every architecture has each of them.
CALLS = sorted({*EFFECT_OF, *(call for call, _, _ in BY_ARGUMENTS), *NEVER_OURS.split()})
STRACE = ("strace", "-f", "-y", "-s", "0", "-e", "trace=" + ",".join(f"?{call}" for call in CALLS))

LINE = re.compile(r"(?:\d+ +)?(?P<call>\w+)\((?P<arguments>.*)\) += .*")
TO_NO_FILE = re.compile(r"\d+<(?!/)|\d+</dev/")
READS = re.compile(r"open(at|at2)?\((?!.*O_(WRONLY|RDWR|CREAT|TRUNC))")


def seen_effects(trace: str) -> Iterator[str]:
    """Name the effect of each call between the marks that can change a disk, in their order."""
    _, act, _ = re.split(rf"^.*{MARK}.*\n", trace, flags=re.MULTILINE)
    for line in act.splitlines():
        found = LINE.fullmatch(line)
        if found is None:
            yield line
        elif not _changes_nothing(found["call"], found["arguments"]):
            yield _effect(found["call"], found["arguments"])


def _changes_nothing(call: str, arguments: str) -> bool:
    if call == "ioctl":
        return "CLONE" not in arguments
    return bool(TO_NO_FILE.match(arguments) or READS.match(f"{call}({arguments})"))


def _effect(call: str, arguments: str) -> str:
    for name, words, effect in BY_ARGUMENTS:
        if call == name and words in arguments:
            return effect
    return EFFECT_OF.get(call, f"{call}({arguments})")


@pytest.fixture(scope="module")
def strace() -> tuple[str, ...]:
    """Return the command that traces; skip where nothing can be traced."""
    try:
        tried = subprocess.run([*STRACE, "true"], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("there is no strace here")
    if tried.returncode:
        pytest.skip(f"strace cannot trace here: {tried.stderr.strip()}")
    return STRACE


@pytest.mark.parametrize("scenario", ["apply", "undo-edited", "backup", "restore", "session"])
def test_nothing_changes_a_disk_around_the_effects(
    scenario: str, strace: tuple[str, ...], tmp_path: Path
) -> None:
    """The number and the order of the changing calls are those that the faults are numbered by."""
    trace, root = tmp_path / "trace", tmp_path / "root"
    root.mkdir()
    run = subprocess.run(
        [*strace, "-o", trace, sys.executable, TRACED, scenario, root],
        env={**unmeasured(), "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    counted = json.loads(run.stdout)
    assert counted
    assert [*seen_effects(trace.read_text(errors="surrogateescape"))] == counted


def test_a_change_around_the_effects_is_seen(strace: tuple[str, ...], tmp_path: Path) -> None:
    """What opens a file in another way than ours is no effect."""
    trace = tmp_path / "trace"
    code = (
        "import os, pathlib, sys; root = pathlib.Path(sys.argv[1]);"
        f"mark = root / '{MARK}'; mark.mkdir(); (root / 'file').write_text('text'); mark.rmdir()"
    )
    subprocess.run([*strace, "-o", trace, sys.executable, "-c", code, tmp_path], check=True)
    opened, written = seen_effects(trace.read_text(errors="surrogateescape"))
    assert opened.startswith("openat(")
    assert written == "write"
