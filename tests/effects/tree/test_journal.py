"""The journal: what was written durably is read back, and a torn line is as good as none."""

import hashlib
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.journal import Change, JournalHeader, JournalState
from aos_upgrade_plugin.models.tree import Entry, Kind
from tests.effects.installs import NOW

HEADER = JournalHeader(
    owner="a_session",
    purpose="content",
    created_at=NOW,
    changes=(Change(path=r"odd\x0aname", before=None, after=Entry(kind=Kind.DIRECTORY)),),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder of a transaction whose journal is begun."""
    folder = tmp_path / ".praxis-os" / ".upgrades" / "a_session" / "transactions" / "content"
    folder.mkdir(parents=True)
    journal.begin(folder, HEADER)
    return folder


def test_what_was_begun_is_prepared(folder: Path) -> None:
    """A header alone: everything is meant, and nothing has to have happened."""
    assert journal.read(folder) == (HEADER, JournalState.PREPARED)


def test_the_last_state_counts(folder: Path) -> None:
    """Each is appended; none is ever overwritten."""
    for state in (JournalState.APPLIED, JournalState.UNDOING):
        journal.record(folder, state, NOW)
        assert journal.read(folder) == (HEADER, state)


def test_a_torn_line_is_as_if_it_was_never_written(folder: Path) -> None:
    """Cut anywhere by a power cut: what was before it stands, and what is written after it."""
    journal.record(folder, JournalState.APPLIED, NOW)
    path = folder / journal.JOURNAL
    whole = path.read_bytes()
    journal.record(folder, JournalState.UNDOING, NOW)
    longer = path.read_bytes()
    for length in range(len(whole), len(longer) - 1):
        path.write_bytes(longer[:length])
        assert journal.read(folder) == (HEADER, JournalState.APPLIED)
    journal.record(folder, JournalState.COMMITTED, NOW)
    assert journal.read(folder) == (HEADER, JournalState.COMMITTED)


def test_a_line_that_was_altered_is_no_line(folder: Path) -> None:
    """Its digest does not fit any more."""
    journal.record(folder, JournalState.APPLIED, NOW)
    path = folder / journal.JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"applied"', b'"undone" '))
    assert journal.read(folder) == (HEADER, JournalState.PREPARED)


@pytest.mark.parametrize("kept_bytes", [0, 1, 100])
def test_a_header_that_is_not_whole_is_damaged(folder: Path, kept_bytes: int) -> None:
    """The folder had another name until it was, so something may have come out of its place."""
    path = folder / journal.JOURNAL
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(DamagedError, match="lost its first line") as damaged:
        journal.read(folder)
    assert "backups restore" in damaged.value.cure


def test_a_header_of_which_one_byte_changed_is_damaged(folder: Path) -> None:
    """Nothing is thrown away because of a bad sector."""
    path = folder / journal.JOURNAL
    whole = bytearray(path.read_bytes())
    whole[80] ^= 1
    path.write_bytes(whole)
    with pytest.raises(DamagedError, match="lost its first line"):
        journal.read(folder)


def test_no_journal_is_none(tmp_path: Path) -> None:
    """Neither in an empty folder nor where a file stands in the folder's place."""
    folder = tmp_path / ".praxis-os" / ".upgrades" / "one" / "transactions" / "two"
    folder.parent.mkdir(parents=True)
    folder.write_text("a file")
    assert journal.read(folder) is None
    folder.unlink()
    folder.mkdir()
    assert journal.read(folder) is None


def test_a_folder_that_lost_its_journal_is_damaged(folder: Path) -> None:
    """What came out of its places may be in there, and nowhere else."""
    (folder / "stage").mkdir()
    (folder / journal.JOURNAL).unlink()
    with pytest.raises(DamagedError, match="lost its journal") as damaged:
        journal.read(folder)
    assert "backups restore" in damaged.value.cure


def test_a_journal_without_its_first_line_is_damaged(folder: Path) -> None:
    """Something was done, and nobody knows what: said with what to do."""
    journal.record(folder, JournalState.APPLIED, NOW)
    _, _, rest = (folder / journal.JOURNAL).read_bytes().partition(b"\n")
    (folder / journal.JOURNAL).write_bytes(rest)
    with pytest.raises(DamagedError, match="lost its first line") as damaged:
        journal.read(folder)
    assert "backups restore" in damaged.value.cure


def test_what_another_version_wrote_is_not_guessed_at(folder: Path) -> None:
    """An unknown state might mean what we would not do."""
    content = b'{"state":"half-way","at":"2025-11-21T12:00:00Z"}'
    seal = hashlib.sha256(content).hexdigest().encode()
    with (folder / journal.JOURNAL).open("ab") as file:
        file.write(seal + b" " + content + b"\n")
    with pytest.raises(DamagedError, match="not one that this version writes") as damaged:
        journal.read(folder)
    assert "version of aos-upgrade that began it" in damaged.value.cure
