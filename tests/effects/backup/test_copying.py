"""Many files copied, also by a second process."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.backup.copying import Copied, Job, NotCopied, copy_files
from tests.oddities import ordinary_user

MANY = 3000
WITH_TWO_PROCESSES = """
import os, sys
from aos_upgrade_plugin.effects.backup import second_process
from aos_upgrade_plugin.effects.backup.copying import Copied, Job, copy_files

source, target = map(os.fsencode, sys.argv[1:])
jobs = [Job(source + b"/" + name, target + b"/" + name, 1) for name in sorted(os.listdir(source))]
assert second_process.share([60] * len(jobs)) < len(jobs), "it would do it alone"
answers = copy_files(jobs)
assert all(isinstance(answer, Copied) for answer in answers)
print(*(answer.digest for answer in answers))
"""


def _jobs(source: Path, target: Path) -> list[Job]:
    names = sorted(os.listdir(os.fsencode(source)))
    return [
        Job(os.fsencode(source) + b"/" + name, os.fsencode(target) + b"/" + name, 1)
        for name in names
    ]


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Make a folder to copy from and an empty one to copy to."""
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    return tmp_path / "source", tmp_path / "target"


def test_what_cannot_be_read_is_answered(folders: tuple[Path, Path]) -> None:
    """One unreadable file does not keep the others from being copied; the order stays."""
    source, target = folders
    for name in ("a", "b", "c"):
        (source / name).write_text(name)
    (source / "b").chmod(0)
    jobs = [*_jobs(source, target), Job(b"/nowhere/d", os.fsencode(target / "d"), 1)]
    with ordinary_user():
        one, two, three, four = copy_files(jobs)
    assert isinstance(one, Copied)
    assert two == NotCopied(errno.EACCES, "Permission denied")
    assert isinstance(three, Copied)
    assert four == NotCopied(errno.ENOENT, "No such file or directory")


def test_a_pipe_in_the_place_of_a_file_is_no_file(folders: tuple[Path, Path]) -> None:
    """It may have been a file when it was found; it is neither waited for nor copied as empty."""
    source, target = folders
    os.mkfifo(source / "a")
    (answer,) = copy_files(_jobs(source, target))
    assert answer == NotCopied(errno.EBUSY, "it is no file any more")


def test_what_cannot_be_written_ends_it(folders: tuple[Path, Path]) -> None:
    """A full or closed target is not the source's fault."""
    source, target = folders
    (source / "a").write_text("a")
    target.rmdir()
    with pytest.raises(FileNotFoundError) as caught:
        copy_files(_jobs(source, target))
    assert caught.value.filename == os.fsencode(target / "a")


@pytest.mark.skipif(sys.platform != "linux", reason="only there a process may copy itself")
def test_a_second_process_takes_its_part(folders: tuple[Path, Path]) -> None:
    """Nobody can tell from the copies and the answers that two processes made them."""
    source, target = folders
    for number in range(MANY):
        (source / f"{number:04}").write_text(str(number))
    command = [sys.executable, "-c", WITH_TWO_PROCESSES, str(source), str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    expected = [hashlib.sha256(str(number).encode()).hexdigest() for number in range(MANY)]
    assert ran.stdout.split() == expected
    for number in range(MANY):
        assert (target / f"{number:04}").read_text() == str(number)
