"""What upstream renamed is followed, and an edit goes along to the new place."""

import pytest

from aos_upgrade_plugin.decide.content.renames import chain, fitting
from aos_upgrade_plugin.models.plan import Choice, Conflict
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation, Renames, Target
from aos_upgrade_plugin.models.tree import Entry, TreePath
from tests.decide.three_sides import (
    FOLDER,
    Contents,
    Planned,
    apply,
    entry,
    laid,
    plan,
    target,
    versions,
)

MOVE: Renames = {"old/a": "new/a"}
KEEP, TAKE = OnConflict.KEEP, OnConflict.TAKE


def _after(planned: Planned, standing: Contents | Target) -> dict[TreePath, Entry]:
    here = standing if isinstance(standing, Target) else target(standing)
    return apply((one.change for one in planned.changes), here)


@pytest.mark.parametrize(
    ("local", "incoming", "left"),
    [
        pytest.param(1, 1, 1, id="only-moved"),
        pytest.param(1, 2, 2, id="moved-and-changed"),
        pytest.param(9, 1, 9, id="an-edit-goes-along"),
        pytest.param(2, 2, 2, id="the-same-edit-on-both-sides"),
    ],
)
def test_a_renamed_file_moves_without_a_question(local: int, incoming: int, left: int) -> None:
    """It is at its new place, with the user's edit; its old folder goes when it was the last."""
    planned = plan({"old/a": 1}, {"old/a": local}, {"new/a": incoming}, renames=MOVE)
    assert planned.resolution.conflicts == ()
    assert _after(planned, {"old/a": local}) == {"new": FOLDER, "new/a": entry(left)}
    (came,) = (one for one in planned.changes if one.change.path == "new/a")
    assert (came.relation, came.renamed_from) == (Relation.MOVED, "old/a")
    assert came.stands_at == "old/a"
    (went,) = (one for one in planned.changes if one.change.path == "old/a")
    assert went.relation is Relation.MOVED_AWAY


def test_what_an_edited_file_holds_is_read_where_it_stands() -> None:
    """Its content is the user's, so it is nowhere in the source; an updated one's is."""
    edited = plan({"old/a": 1}, {"old/a": 9}, {"new/a": 1}, renames=MOVE)
    updated = plan({"old/a": 1}, {"old/a": 1}, {"new/a": 2}, renames=MOVE)
    for planned, blob in ((edited, None), (updated, laid(2).blob)):
        assert [one.blob for one in planned.changes if one.change.path == "new/a"] == [blob]


@pytest.mark.parametrize(
    ("on_conflict", "choice", "left"),
    [
        (OnConflict.FAIL, None, {"old": FOLDER, "old/a": entry(9)}),
        (KEEP, Choice.KEEP, {"new": FOLDER, "new/a": entry(9)}),
        (TAKE, Choice.TAKE, {"new": FOLDER, "new/a": entry(2)}),
    ],
)
def test_both_sides_changed_what_was_renamed(
    on_conflict: OnConflict, choice: Choice | None, left: dict[TreePath, Entry]
) -> None:
    """One question, about the new place; undecided nothing moves, decided it is there."""
    sides = ({"old/a": 1}, {"old/a": 9}, {"new/a": 2})
    planned = plan(*sides, on_conflict=on_conflict, renames=MOVE)
    assert planned.resolution.conflicts == (
        Conflict(path="new/a", relation=Relation.EDIT_EDIT, choice=choice, renamed_from="old/a"),
    )
    assert _after(planned, {"old/a": 9}) == left


def test_who_may_read_a_file_goes_along() -> None:
    """The user's mode is kept at the new place; whether it can be run is upstream's."""
    standing = target({"old/a": 9}, mode=0o600)
    for executable, mode in (((), 0o600), (("new/a",), 0o700)):
        planned = plan({"old/a": 1}, standing, {"new/a": 1}, renames=MOVE, executable=executable)
        assert _after(planned, standing)["new/a"] == entry(9, mode=mode)


@pytest.mark.parametrize(("incoming", "conflicts"), [(1, []), (2, [Relation.DELETE_EDIT])])
def test_a_file_that_the_user_removed_does_not_come_back_renamed(
    incoming: int, conflicts: list[Relation]
) -> None:
    """It is compared at its new place: removed here, and changed upstream or not."""
    planned = plan({"old/a": 1}, {}, {"new/a": incoming}, renames=MOVE)
    assert [one.relation for one in planned.resolution.conflicts] == conflicts
    assert planned.changes == ()


@pytest.mark.parametrize(("local", "incoming", "left"), [(1, 2, 2), (9, 1, 9), (1, 1, 1)])
def test_a_file_that_the_user_moved_already_is_known(local: int, incoming: int, left: int) -> None:
    """What upstream changed arrives, and an edit stays, as if it always had been there."""
    planned = plan({"old/a": 1}, {"new/a": local}, {"new/a": incoming}, renames=MOVE)
    assert planned.resolution.conflicts == ()
    assert _after(planned, {"new/a": local})["new/a"] == entry(left)


def test_something_of_the_users_at_the_new_place_is_no_move() -> None:
    """Both are compared with what upstream has at their own places; nothing is written over."""
    local = {"old/a": 9, "new/a": 8}
    planned = plan({"old/a": 1}, local, {"new/a": 1}, renames=MOVE)
    assert {one.path: one.relation for one in planned.resolution.conflicts} == {
        "old/a": Relation.EDIT_DELETE,
        "new/a": Relation.ADD_ADD,
    }
    assert planned.changes == ()


@pytest.mark.parametrize("on_conflict", list(OnConflict))
def test_a_file_that_cannot_go_to_its_new_place_stays_at_the_old(on_conflict: OnConflict) -> None:
    """The user has a file where its new folder comes: that is the conflict, and it blocks."""
    local = {"old/a": 9, "new": 8}
    planned = plan({"old/a": 1}, local, {"new/a": 1}, on_conflict=on_conflict, renames=MOVE)
    (conflict,) = planned.resolution.conflicts
    assert (conflict.path, conflict.relation) == ("new", Relation.IN_THE_WAY)
    assert conflict.blocks == ("new/a",)
    assert _after(planned, local) == target(local).tree


def test_a_file_goes_into_a_folder_of_its_own_name_and_back() -> None:
    """An edited file that becomes ``a/index``, and one that comes out of its folder."""
    inwards = plan({"a": 1}, {"a": 9}, {"a/index": 1, "a/b": 2}, renames={"a": "a/index"})
    assert _after(inwards, {"a": 9}) == {"a": FOLDER, "a/index": entry(9), "a/b": entry(2)}
    outwards = plan({"a/index": 1}, {"a/index": 9}, {"a": 1}, renames={"a/index": "a"})
    assert _after(outwards, {"a/index": 9}) == {"a": entry(9)}


def test_a_folder_stays_while_something_waits_in_it() -> None:
    """Two renamed files, one undecided: the other moves and the old folder keeps the first."""
    base, local = {"old/a": 1, "old/b": 1}, {"old/a": 9, "old/b": 1}
    renames = {"old/a": "new/a", "old/b": "new/b"}
    planned = plan(base, local, {"new/a": 2, "new/b": 1}, renames=renames)
    assert _after(planned, local) == {
        "new": FOLDER,
        "new/b": entry(1),
        "old": FOLDER,
        "old/a": entry(9),
    }


def test_a_name_changes_its_case_only_and_the_edit_stays() -> None:
    """The old name goes before the new one comes, so that one file has both where that is so."""
    planned = plan({"Readme": 1}, {"Readme": 9}, {"README": 1}, renames={"Readme": "README"})
    assert _after(planned, {"Readme": 9}) == {"README": entry(9)}


def test_only_what_was_laid_down_and_what_comes_can_be_renamed() -> None:
    """A name that still comes, one that was there before, and configuration: none is followed."""
    base, incoming = versions({"a": 1, "b": 1, "c": 1, "config": 1}), {"b", "x", "y", "z", "c2"}
    renames = {"a": "x", "b": "y", "none": "z", "c": "x", "config": "c2"}
    follow = fitting(renames, base=base, incoming=incoming, config={"config"})
    assert follow == {"a": "x"}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        pytest.param([[("a", "b")], [("b", "c")]], {"a": "c"}, id="twice"),
        pytest.param([[("a", "b")], [("b", "a")]], {}, id="and-back"),
        pytest.param([[("a", "b")], [("b", None)]], {}, id="removed-later"),
        pytest.param([[("a", None)], [("a", "b")]], {}, id="another-file-of-that-name"),
        pytest.param([[("a", "b")], [("a", "c")]], {"a": "b"}, id="and-one-that-came-after"),
        pytest.param([[("a", "b"), ("b", "a")]], {"a": "b", "b": "a"}, id="exchanged"),
        pytest.param([[("a", "b"), ("b", "c")]], {"a": "b", "b": "c"}, id="one-after-another"),
    ],
)
def test_names_are_followed_through_skipped_versions(
    steps: list[list[tuple[TreePath, TreePath | None]]], expected: Renames
) -> None:
    """Each step is small enough for git to see it, where the whole way is not."""
    assert chain(steps) == expected
