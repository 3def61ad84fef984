"""What is written about an upgrade: added once, and everybody else's lines stay."""

import fnmatch
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.content.bookkeeping import (
    Passage,
    ignore_text,
    ignored_lines,
    log_text,
    summary_text,
    version_text,
)
from aos_upgrade_plugin.decide.content.version import version_in
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.three_way import Relation

AGENT_OS = next(layout for layout in known() if layout.folder == ".agent-os")
PASSAGE = Passage(
    at=datetime(2025, 11, 21, 4, 5, 6, tzinfo=UTC),
    tool="aos-upgrade 1.0",
    product="Agent OS",
    from_version="1.4.0",
    from_commit="1" * 40,
    to_version="1.5.0",
    to_commit="2" * 40,
    counts={Relation.NEW: 3, Relation.UPDATED: 2},
    decided=1,
)


def test_the_version_file_says_what_is_installed_now() -> None:
    """A program and a person both find version, commit and time in it."""
    text = version_text(b"", PASSAGE)
    assert version_in(text) == "1.5.0"
    assert b"Source Commit: " + b"2" * 40 in text
    assert b"Last Updated: 2025-11-21 04:05:06Z\n" in text
    assert b"Previous Version: 1.4.0\n" in text


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_lines_of_others_in_the_version_file_stay(end: bytes) -> None:
    """What the product or we wrote before is said anew, once; a note of the user's stays."""
    old = end.join(
        [
            b"Agent OS Content Version",
            b"",
            b"Current Version: v1.4.0",
            b"Notes: we keep this one until spring",
            b"version_updated=2025-10-09T02:31:09Z",
            b"commit=2b02a66",
            b"1.4.0",
            b"not UTF-8: \xff",
        ]
    )
    text = version_text(old, PASSAGE)
    assert text.count(b"Current Version:") == 1
    assert b"commit=" not in text
    assert text.endswith(b"Notes: we keep this one until spring" + end + b"not UTF-8: \xff" + end)
    assert version_text(text, PASSAGE) == text


@pytest.mark.parametrize("write", [log_text, summary_text])
@pytest.mark.parametrize("old", [b"theirs\n", b"theirs", b"theirs\r\nmore\r\n", b"\xff\n"])
def test_the_log_and_the_summary_only_grow(write: object, old: bytes) -> None:
    """Every byte of the old text is there, then a line end, then ours with the same line ends."""
    assert callable(write)
    text = write(old, PASSAGE)
    assert text.startswith(old)
    assert b"1.4.0" in text.removeprefix(old)
    ends = text.count(b"\r\n") if b"\r\n" in old else text.count(b"\n") - text.count(b"\r\n")
    assert ends == text.count(b"\n")
    assert text.endswith(b"\n")


def test_the_log_has_a_line_for_each_upgrade() -> None:
    """Time, commit, from, to and what changed, on one line."""
    text = log_text(log_text(b"", PASSAGE), PASSAGE)
    line = b"2025-11-21 04:05:06Z | 222222222222 | 1.4.0 -> 1.5.0: 3 new, 2 updated, 0 removed"
    assert [each for each in text.splitlines() if b"|" in each] == [line + b", 1 decided"] * 2


# ---- .gitignore ----------------------------------------------------------------------------

_old_ignores = st.lists(
    st.sampled_from(
        [b"*.pyc", b"!keep.pyc", b"# a comment", b"", b".agent-os/venv/", b"!.agent-os/.cache/"]
    ),
    max_size=6,
)


@given(_old_ignores, st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_lines_to_ignore_are_appended_once(lines: list[bytes], end: bytes, ended: bool) -> None:
    """Nothing of the user's moves or changes, and the second time nothing is added."""
    old = end.join(lines) + (end if ended else b"")
    once = ignore_text(old, AGENT_OS)
    assert once.startswith(old)
    assert ignore_text(once, AGENT_OS) == once
    added = once.removeprefix(old)
    assert b".agent-os/venv" not in added or b".agent-os/venv/" not in lines
    assert b".agent-os/.cache" not in added or b"!.agent-os/.cache/" not in lines


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("last", [b"", b"*.log"])
def test_added_lines_end_as_the_others_do(end: bytes, last: bytes) -> None:
    """A file with CRLF line ends keeps them throughout, also after a line without an end."""
    once = ignore_text(b"*.pyc" + end + last, AGENT_OS)
    assert once.splitlines()[:2] == [b"*.pyc", last]
    assert once.count(b"\n") == once.count(end)
    assert once.endswith(end)


def test_the_whole_folder_ignored_is_enough() -> None:
    """Whoever keeps the installation out of git needs no more lines."""
    assert ignore_text(b"/.agent-os/\n", AGENT_OS) == b"/.agent-os/\n"


def test_git_ignores_what_is_made_again_and_nothing_else(tmp_path: Path) -> None:
    """Asked git itself: lock, backups, caches, environment are out; the user's work is in."""
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)
    (tmp_path / ".gitignore").write_bytes(ignore_text(b"", AGENT_OS))
    out = (".upgrade-lock", ".backups/x/y", "venv/bin/python", "mcp_server/a/__pycache__/b.pyc")
    kept = ("standards/universal/a.md", "config.json", "VERSION.txt", "specs/a.md")
    asked = "\n".join(f".agent-os/{path}" for path in (*out, *kept))
    run = subprocess.run(
        ["git", "-C", tmp_path, "check-ignore", "--stdin"],
        input=asked,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.split() == [f".agent-os/{path}" for path in out]


def test_no_line_is_covered_by_another() -> None:
    """What a wider line already covers is not said again."""
    lines = ignored_lines(AGENT_OS)
    assert not any(
        fnmatch.fnmatch(line, f"{other}/*") for line in lines for other in lines if line != other
    )
