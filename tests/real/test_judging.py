"""Results of upgrades are judged rightly: what is wrong with them is found, each by its name."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.edits import Edit, Kind, Kit
from tests.real.judging import Judgement, judge
from tests.real.sides import File

GONE = None
RIGHT = Judgement((), (), (), (), ())
TOLD = frozenset({"both.md", "dropped.md"})
"""What git cannot merge, and what the user removed and upstream changed."""
BASE = {
    "calm.md": b"1\n2\n3\n",
    "still.md": b"1\n",
    "both.md": b"1\n",
    "merges.md": b"1\n2\n3\n",
    "old/moves.md": b"1\n2\n3\n",
    "dropped.md": b"1\n",
    "linked.md": b"1\n",
    "leaves.md": b"1\n",
}
INCOMING = {
    **BASE,
    "calm.md": b"1\n2\n4\n",
    "both.md": b"2\n",
    "merges.md": b"0\n2\n3\n",
    "new/moves.md": b"1\n2\n3\n",
    "dropped.md": b"2\n",
    "comes.md": b"new\n",
}
del INCOMING["old/moves.md"], INCOMING["leaves.md"]


def _line(kind: Kind, path: str, made: bytes, owed: bytes | None, to: str = "") -> Edit:
    """Return an edit with a line that only the user has; nothing is owed where it is decided."""
    file = None if owed is None else File(_own(owed, path))
    marker = _own(b"ours", path)
    return Edit(kind, path, to or path, File(_own(made, path)), file, marker, decision=owed is None)


def _own(content: bytes, path: str) -> bytes:
    """Make what is the user's own the own of one path."""
    return content.replace(b"ours", b"ours of " + path.encode())


LINK = File(b"else", link=True)
EDITS = (
    _line(Kind.KEPT, "still.md", b"1\nours\n", b"1\nours\n"),
    _line(Kind.CONFLICTS, "both.md", b"1 ours of both.md\n", None),
    _line(Kind.MERGES, "merges.md", b"1\n2\n3\nours\n", b"0\n2\n3\nours\n"),
    _line(Kind.MOVED, "old/moves.md", b"1\n2\n3\nours\n", b"1\n2\n3\nours\n", "new/moves.md"),
    Edit(Kind.REMOVED_CHANGED, "dropped.md", "dropped.md", None, None, decision=True),
    Edit(Kind.LINKED, "linked.md", "linked.md", LINK, LINK, LINK.content),
    _line(Kind.ADDED, "mine.md", b"ours\n", b"ours\n"),
)
KIT = Kit(
    old="1",
    new="2",
    folders=("install", "install"),
    base={path: File(content) for path, content in BASE.items()},
    incoming={path: File(content) for path, content in INCOMING.items()},
    renames={"old/moves.md": "new/moves.md"},
    edits=EDITS,
)


def _put(install: Path, path: str, content: bytes | None) -> None:
    place = install / path
    place.unlink(missing_ok=True)
    if content is not None:
        place.parent.mkdir(exist_ok=True, parents=True)
        place.write_bytes(content)


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make what a right upgrade leaves, with both sides of what it asked about marked."""
    install = tmp_path / "install"
    for path, content in INCOMING.items():
        _put(install, path, content)
    for edit in EDITS:
        if edit.owed is not None and not edit.owed.link:
            _put(install, edit.stands_at, edit.owed.content)
    _put(install, "both.md", b"<<<<<<<\n1 ours of both.md\n=======\n2\n>>>>>>>\n")
    _put(install, "linked.md", GONE)
    (install / "linked.md").symlink_to("else")
    return install


def test_a_right_result_has_no_fault(install: Path) -> None:
    """Whatever the tool, and whatever it keeps for itself in folders of its own."""
    _put(install, ".upgrades/note", b"ours of still.md\n")
    assert judge(KIT, install, TOLD) == RIGHT


@pytest.mark.parametrize(
    ("path", "content", "fault"),
    [
        pytest.param("still.md", b"1\n", {"lost": ("still.md",)}, id="an edit overwritten"),
        pytest.param("mine.md", GONE, {"lost": ("mine.md",)}, id="a file of the user's deleted"),
        pytest.param("linked.md", b"1\n", {"lost": ("linked.md",)}, id="a link replaced"),
        pytest.param("both.md", b"2\n", {"lost": ("both.md",)}, id="asked, but not kept"),
        pytest.param("calm.md", BASE["calm.md"], {"missed": ("calm.md",)}, id="not updated"),
        pytest.param("comes.md", GONE, {"missed": ("comes.md",)}, id="not added"),
        pytest.param("leaves.md", b"1\n", {"missed": ("leaves.md",)}, id="not deleted"),
        pytest.param(
            "merges.md",
            b"1\n2\n3\nours of merges.md\n",
            {"missed": ("merges.md",)},
            id="only kept, not merged",
        ),
    ],
)
def test_a_planted_fault_is_found(
    install: Path, path: str, content: bytes | None, fault: dict[str, tuple[str, ...]]
) -> None:
    """A lost edit and a missed update, and nothing else is said of the rest."""
    _put(install, path, content)
    assert judge(KIT, install, TOLD) == RIGHT._replace(**fault)


def test_an_edit_left_at_the_old_place_is_found(install: Path) -> None:
    """It is not lost, but upstream's file is elsewhere now."""
    _put(install, "old/moves.md", b"1\n2\n3\nours of old/moves.md\n")
    _put(install, "new/moves.md", b"1\n2\n3\n")
    assert judge(KIT, install, TOLD) == RIGHT._replace(stranded=("old/moves.md",))


@pytest.mark.parametrize("path", ["still.md", "merges.md", "calm.md", "mine.md"])
def test_a_needless_question_is_found(install: Path, path: str) -> None:
    """What git merges, and what only one side changed, is nothing to ask about."""
    assert judge(KIT, install, TOLD | {path}) == RIGHT._replace(wrong=(path,))


def test_a_decision_made_in_silence_is_found(install: Path) -> None:
    """Where upstream's side won it is a lost edit, where the user's did it is a missed update."""
    _put(install, "both.md", b"1 ours of both.md\n")
    _put(install, "dropped.md", b"2\n")
    judged = judge(KIT, install, ())
    assert judged.unasked == ("both.md", "dropped.md")
    assert (judged.missed, judged.lost) == (("both.md",), ("dropped.md",))


def _rejected(install: Path) -> Path:
    _put(install, "both.md.rej", b"1 ours of both.md\n")
    return install


def _kept_beside(install: Path) -> Path:
    kept = install.parent / "kept"
    _put(kept, "both.md", b"1 ours of both.md\n")
    return kept


@pytest.mark.parametrize("keep", [_rejected, _kept_beside])
def test_a_side_kept_elsewhere_is_not_lost(install: Path, keep: Callable[[Path], Path]) -> None:
    """Where somebody was asked, it may lie in a file of that name or where the tool says."""
    _put(install, "both.md", b"2\n")
    assert judge(KIT, install, TOLD, beside=[keep(install)]) == RIGHT


def test_a_link_kept_elsewhere_is_not_lost(install: Path) -> None:
    """Neither is what was a link; that it was asked about is wrong all the same."""
    kept = install.parent / "kept"
    kept.mkdir()
    os.symlink("else", kept / "linked.md")
    _put(install, "linked.md", b"1\n")
    judged = judge(KIT, install, TOLD | {"linked.md"}, beside=[kept])
    assert (judged.lost, judged.wrong) == ((), ("linked.md",))
