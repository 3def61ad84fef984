"""The event log: nothing of it can be changed, left out or put in another order unnoticed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.gate.event_log import EventLog, verify
from aos_upgrade_plugin.errors import DamagedError, DiskError
from aos_upgrade_plugin.models.chain import START, Head
from aos_upgrade_plugin.models.event import Ended, Event, Fact, Started
from aos_upgrade_plugin.models.gate import Outcome

EVENTS: list[Event] = [
    Started(check="TT-1"),
    Fact(check="TT-1", name="words", value='a "quoted"\nline, \u2028 é'),
    Ended(check="TT-1", outcome=Outcome.FAILED, message="no", output="\x1b[31m red"),
    Started(check="TT-2"),
    Ended(check="TT-2", outcome=Outcome.PASSED),
]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log of five events."""
    path = tmp_path / "evidence" / "events.jsonl"
    with EventLog(path) as open_log:
        for event in EVENTS:
            open_log.append(event)
    return path


def test_what_was_written_is_read(log: Path) -> None:
    """The events come back, numbered, each bound to the one before."""
    records = verify(log)
    assert [one.event for one in records] == EVENTS
    assert [one.seq for one in records] == [1, 2, 3, 4, 5]
    assert [one.previous for one in records] == [START.sha256, *(r.sha256 for r in records[:-1])]


def test_a_log_is_private(log: Path) -> None:
    """Evidence may hold what checks printed."""
    assert log.stat().st_mode & 0o777 == 0o600


def test_every_changed_byte_is_found(log: Path) -> None:
    """Each byte of the log, changed alone, makes it damaged."""
    content = log.read_bytes()
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 0x01
        log.write_bytes(changed)
        with pytest.raises(DamagedError):
            verify(log)


def test_every_cut_is_found_with_the_head(log: Path) -> None:
    """Whatever is missing at the end, half a line or many, the kept head tells."""
    *_, last = verify(log)
    head = Head(last.seq, last.sha256)
    assert verify(log, head=head)
    content = log.read_bytes()
    for length in range(len(content)):
        log.write_bytes(content[:length])
        with pytest.raises(DamagedError):
            verify(log, head=head)


@pytest.mark.parametrize(
    ("order", "at"),
    [
        pytest.param([0, 1, 3, 4], 3, id="one-removed"),
        pytest.param([1, 2, 3, 4], 1, id="the-first-removed"),
        pytest.param([0, 2, 1, 3, 4], 2, id="two-exchanged"),
        pytest.param([0, 0, 1, 2, 3, 4], 2, id="one-twice"),
        pytest.param([0, 1, 2, 3, 4, 4], 6, id="the-last-twice"),
    ],
)
def test_lines_keep_their_order(log: Path, order: list[int], at: int) -> None:
    """The first record that does not follow is named."""
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join(lines[index] for index in order))
    with pytest.raises(DamagedError, match=f"at record {at}: it does not follow"):
        verify(log)


def test_another_logs_lines_do_not_fit(log: Path, tmp_path: Path) -> None:
    """A record that was well in another log is not well in this one."""
    with EventLog(tmp_path / "other.jsonl") as other:
        for event in EVENTS:
            other.append(event)
    ours = log.read_bytes().splitlines(keepends=True)
    theirs = (tmp_path / "other.jsonl").read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*ours[:2], theirs[2], *ours[3:]]))
    with pytest.raises(DamagedError, match="at record 3"):
        verify(log)


def test_a_log_is_continued(log: Path) -> None:
    """A resumed run writes behind what is there, in one chain."""
    with EventLog(log) as again:
        before = again.head
        again.append(EVENTS[0])
    records = verify(log, head=again.head)
    assert before == Head(5, records[4].sha256)
    assert len(records) == 6


def test_half_a_line_of_a_power_cut_is_cut_off(log: Path) -> None:
    """What was whole is kept, and the chain goes on from there."""
    whole = log.read_bytes()
    log.write_bytes(whole[:-20])
    with pytest.raises(DamagedError, match="at record 5: it is not a whole record"):
        verify(log)
    with EventLog(log) as again:
        assert again.head.seq == 4
        again.append(EVENTS[4])
    assert [one.event for one in verify(log)] == EVENTS


def test_a_changed_log_is_not_continued(log: Path) -> None:
    """New evidence is not put on top of false evidence."""
    log.write_bytes(log.read_bytes().replace(b'"failed"', b'"passed"'))
    with pytest.raises(DamagedError, match="at record 3: it was changed"):
        EventLog(log)


def test_a_log_survives_the_killing_of_its_writer(tmp_path: Path) -> None:
    """Events are in the file when they were appended, not when the log is closed."""
    path = tmp_path / "events.jsonl"
    code = (
        "import os, sys\nfrom pathlib import Path\n"
        "from aos_upgrade_plugin.effects.gate.event_log import EventLog\n"
        "from aos_upgrade_plugin.models.event import Started\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        "for number in range(100): log.append(Started(check=f'TT-{number}'))\n"
        f"os.kill(os.getpid(), {signal.SIGKILL.value})\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == -signal.SIGKILL
    assert len(verify(path)) == 100


def test_a_full_disk_leaves_whole_records(tmp_path: Path) -> None:
    """What does not fit is not there in half."""
    path = tmp_path / "events.jsonl"
    code = (
        "import resource, sys\nfrom pathlib import Path\n"
        "from aos_upgrade_plugin.effects.gate.event_log import EventLog\n"
        "from aos_upgrade_plugin.errors import DiskError\n"
        "from aos_upgrade_plugin.models.event import Started\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))\n"
        "log = EventLog(Path(sys.argv[1]))\n"
        "try:\n"
        "    for number in range(100): log.append(Started(check=f'TT-{number}'))\n"
        "except DiskError: sys.exit(7)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, path], check=False)
    assert done.returncode == 7
    assert 3 < len(verify(path)) < 20


def test_a_log_that_cannot_be_written_is_a_disk_error(tmp_path: Path) -> None:
    """A folder in its place is one line with a cure."""
    (tmp_path / "events.jsonl").mkdir()
    with pytest.raises(DiskError, match="writing the event log"):
        EventLog(tmp_path / "events.jsonl")
    with pytest.raises(DiskError, match="reading the event log"):
        verify(tmp_path / "nothing.jsonl")
    assert os.listdir(tmp_path) == ["events.jsonl"]
