"""A plan's diff shows every change, and can do nothing to a terminal."""

import pytest

from aos_upgrade_plugin.decide.content.diff import unified
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.tree import Entry, Kind

FILE = Entry(kind=Kind.FILE, mode=0o644, digest="0" * 64)
OTHER = FILE.model_copy(update={"digest": "1" * 64})


def test_an_update_is_a_unified_diff() -> None:
    """Old and new lines with their surroundings, as every tool shows them."""
    shown = unified(
        Change(path="a.md", before=FILE, after=OTHER), before=b"1\n2\n", after=b"1\n3\n"
    )
    assert shown == "diff a.md\n--- a/a.md\n+++ b/a.md\n@@ -1,2 +1,2 @@\n 1\n-2\n+3\n"


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (None, FILE, "new file 0644"),
        (FILE, None, "removed file 0644"),
        (FILE, FILE.model_copy(update={"mode": 0o755}), "mode 0644 becomes 0755"),
        (None, Entry(kind=Kind.LINK, link_target="b"), "new link -> b"),
        (FILE, Entry(kind=Kind.LINK, link_target="b"), "file becomes link -> b"),
        (
            Entry(kind=Kind.LINK, link_target="a"),
            Entry(kind=Kind.LINK, link_target="b"),
            "link -> a becomes link -> b",
        ),
        (Entry(kind=Kind.DIRECTORY, mode=0o755), FILE, "directory becomes file"),
    ],
)
def test_what_is_not_content_has_a_line(
    before: Entry | None, after: Entry | None, line: str
) -> None:
    """Coming, going, modes, links and kinds are said in words."""
    shown = unified(Change(path="a", before=before, after=after), before=b"", after=b"")
    assert shown.splitlines() == ["diff a", line]


def test_what_was_renamed_is_compared_with_its_old_place() -> None:
    """The old name, and only what is different beside it."""
    change = Change(path="new.md", before=FILE, after=OTHER)
    shown = unified(change, before=b"1\n", after=b"2\n", renamed_from="old.md")
    assert shown.splitlines()[:4] == [
        "diff new.md",
        "renamed from old.md",
        "--- a/old.md",
        "+++ b/new.md",
    ]
    same = unified(change, before=b"1\n", after=b"1\n", renamed_from="old.md")
    assert same.splitlines() == ["diff new.md", "renamed from old.md"]


def test_a_path_beside_the_installation_is_shown_so() -> None:
    """The project's own file is not taken for one of the installation."""
    change = Change(path=".gitignore", place=Place.PROJECT, before=None, after=FILE)
    assert unified(change, before=b"", after=b"x\n").startswith("diff ../.gitignore\n")


@pytest.mark.parametrize("content", [b"\0\1\2", b"x" * (1 << 20) + b"x"])
def test_bytes_and_giants_are_only_said_to_differ(content: bytes) -> None:
    """They would be unreadable, or take minutes."""
    shown = unified(Change(path="a", before=FILE, after=OTHER), before=b"a\n", after=content)
    assert shown.endswith(f"Contents differ: 2 bytes before, {len(content)} after\n")


def test_nothing_reaches_the_terminal_but_text() -> None:
    """Escapes, bidirectional marks, carriage returns and stray bytes are shown, not obeyed."""
    hostile = "\x1b[2Jgone \u202eback\r\n\ttab \\ kept\n".encode() + b"\xff\n"
    shown = unified(Change(path="a", before=FILE, after=OTHER), before=b"", after=hostile)
    assert shown.replace("\n", "").replace("\t", "").isprintable()
    assert "+\ttab \\ kept\n" in shown
    assert "+\\xff\n" in shown


def test_a_missing_line_end_is_a_difference() -> None:
    """So two texts that differ only in it do not look alike."""
    shown = unified(Change(path="a", before=FILE, after=OTHER), before=b"1", after=b"1\n")
    assert "-1 (no line end)\n+1\n" in shown
