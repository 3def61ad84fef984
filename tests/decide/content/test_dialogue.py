"""What somebody who decides a conflict gets to see."""

from aos_upgrade_plugin.decide.content.dialogue import (
    changes_of,
    help_lines,
    introduction,
    letters,
    side_lines,
    to_edit,
)
from aos_upgrade_plugin.models.conflict import Merge, OpenConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind
from tests.decide.conflicts import conflict, side

OPEN = conflict(b"a\n", b"b\n", b"c\n")


def _lines(one: OpenConflict) -> list[str]:
    return list(introduction(one, number=2, of=3))


def test_only_what_can_be_chosen_is_offered() -> None:
    """No letter leads to a refusal."""
    in_the_way = conflict(None, b"b", None, relation=Relation.IN_THE_WAY)
    removed = conflict(b"a", None, b"c", relation=Relation.DELETE_EDIT)
    merges = OPEN.model_copy(update={"merge": Merge(content=b"both")})
    assert [*letters(in_the_way).choices] == ["k"]
    assert [*letters(removed).choices] == ["k", "t"]
    assert [*letters(OPEN).choices] == ["k", "t", "e"]
    assert [*letters(merges).choices] == ["k", "t", "m", "e"]
    assert "merge" not in letters(OPEN).prompt
    told = " ".join(help_lines())
    assert all(f"{letter}  " in told for letter in letters(merges).choices)


def test_both_changes_are_shown_from_where_both_began() -> None:
    """What was laid down, yours, what comes; without a beginning, how yours differs."""
    shown = _lines(OPEN)
    assert shown[0] == "[2/3] a.md: you changed it, and so did the new version"
    assert shown[1].startswith("  laid down  2 bytes, sha256 ")
    assert [line for line in shown if line[:1] in "+-"] == [
        *("--- laid down", "+++ yours", "-a", "+b"),
        *("--- laid down", "+++ incoming", "-a", "+c"),
    ]
    added = conflict(None, b"b\n", b"c\n", relation=Relation.ADD_ADD)
    assert [*changes_of(added)][:2] == ["--- yours", "+++ incoming"]
    assert "  laid down  nothing" in _lines(added)


def test_a_hostile_text_does_nothing_to_the_terminal() -> None:
    """Escape sequences are shown, and what is no text is only measured."""
    hostile = conflict(b"a\n", b"\x1b[2J\n", b"\0\0")
    assert [*side_lines(hostile, "y")] == ["\\x1b[2J"]
    assert [*side_lines(hostile, "i")] == ["2 bytes that are no text"]
    assert all(line.isprintable() for line in _lines(hostile))
    assert [*side_lines(conflict(None, b"", b""), "b")] == ["nothing"]
    linked = OPEN.model_copy(update={"local": side(b"x", kind=Kind.LINK)})
    assert "  yours      a link" in _lines(linked)


def test_a_long_diff_is_cut_and_says_so() -> None:
    """The prompt stays in sight; d shows all."""
    many = b"".join(b"%d\n" % number for number in range(200))
    cut = _lines(conflict(b"", many, b"c\n"))
    assert "d shows all" in cut[-1]
    assert len(cut) < 70


def test_editing_begins_with_what_is_nearest_to_an_answer() -> None:
    """The merged text, the one with markers, or the user's own."""
    assert to_edit(OPEN) == b"b\n"
    assert to_edit(OPEN.model_copy(update={"merge": Merge(marked=b"<<<")})) == b"<<<"
    both = Merge(content=b"both", marked=b"<<<")
    assert to_edit(OPEN.model_copy(update={"merge": both})) == b"both"
