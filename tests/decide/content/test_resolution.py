"""What stands where after a content upgrade: nothing of the user's is ever lost."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.models.conflict import Settled
from aos_upgrade_plugin.models.plan import Choice, Conflict, PlannedChange
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation, Target
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath
from tests.decide.three_sides import (
    FOLDER,
    Contents,
    above,
    apply,
    entry,
    plan,
    target,
    text,
)

FAIL, KEEP, TAKE = OnConflict.FAIL, OnConflict.KEEP, OnConflict.TAKE


def _shapes(changes: tuple[PlannedChange, ...]) -> dict[TreePath, tuple[str | None, str | None]]:
    return {one.change.path: (_kind(one.change.before), _kind(one.change.after)) for one in changes}


def _kind(entry: Entry | None) -> str | None:
    return entry.kind.value if entry else None


@pytest.mark.parametrize(
    ("on_conflict", "choice", "left"),
    [(FAIL, None, 2), (KEEP, Choice.KEEP, 2), (TAKE, Choice.TAKE, 3)],
)
def test_a_conflict_is_decided_by_the_option(
    on_conflict: OnConflict, choice: Choice | None, left: int
) -> None:
    """Fail leaves it open and untouched, keep keeps mine, take takes theirs; flags are named."""
    planned = plan({"a": 1}, {"a": 2}, {"a": 3}, on_conflict=on_conflict)
    (conflict,) = planned.resolution.conflicts
    assert conflict == Conflict(path="a", relation=Relation.EDIT_EDIT, choice=choice)
    assert conflict.flags == ("--on-conflict keep", "--on-conflict take")
    assert apply((one.change for one in planned.changes), target({"a": 2}))["a"] == entry(left)


def test_edits_that_upstream_did_not_meet_are_listed_as_kept() -> None:
    """The user reads that an edit and a removal of theirs stay, though nothing is asked."""
    planned = plan({"a": 1, "b": 1}, {"a": 2}, {"a": 1, "b": 1})
    assert planned.changes == ()
    assert [(kept.path, kept.relation) for kept in planned.resolution.kept] == [
        ("a", Relation.EDITED_LOCALLY),
        ("b", Relation.REMOVED_LOCALLY),
    ]


def test_new_folders_come_and_emptied_folders_go() -> None:
    """A folder comes with its first file and goes with its last."""
    planned = plan({"old/a": 1}, {"old/a": 1}, {"new/deep/a": 1})
    assert _shapes(planned.changes) == {
        "new": (None, "directory"),
        "new/deep": (None, "directory"),
        "new/deep/a": (None, "file"),
        "old": ("directory", None),
        "old/a": ("file", None),
    }


@pytest.mark.parametrize(
    "standing",
    [
        pytest.param(target({"a/x": 1, "a/mine": 9}), id="a-file-of-the-user"),
        pytest.param(target({"a/x": 1}, folders=["a/mine"]), id="an-empty-folder-of-the-user"),
        pytest.param(target({"a/x": 1}, unread=["a/__pycache__"]), id="something-never-read"),
        pytest.param(target({"a/x": 1, "a/b/mine": 9}), id="deeper"),
    ],
)
def test_a_folder_with_something_of_the_users_stays(standing: Target) -> None:
    """What upstream removed goes; the folder stays with what the user put into it."""
    planned = plan({"a/x": 1}, standing, {})
    assert _shapes(planned.changes) == {"a/x": ("file", None)}


def test_a_file_becomes_a_folder_and_a_folder_a_file() -> None:
    """Upstream exchanged them, and nobody touched them: one change a path."""
    base = {"a": 1, "b/x": 1}
    planned = plan(base, base, {"a/x": 1, "b": 1})
    assert planned.resolution.conflicts == ()
    assert _shapes(planned.changes) == {
        "a": ("file", "directory"),
        "a/x": (None, "file"),
        "b": ("directory", "file"),
        "b/x": ("file", None),
    }
    left = apply((one.change for one in planned.changes), target(base))
    assert left == {"a": FOLDER, "a/x": entry(1), "b": entry(1)}


@pytest.mark.parametrize("on_conflict", [FAIL, TAKE])
@pytest.mark.parametrize(
    ("standing", "incoming", "path"),
    [
        pytest.param(target({"a": 9}), {"a/x": 1, "a/y": 1}, "a", id="a-file-where-a-folder-comes"),
        pytest.param(target({"a/x": 9}), {"a": 1}, "a", id="a-folder-where-a-file-comes"),
        pytest.param(target({}, folders=["a"]), {"a": 1}, "a", id="an-empty-folder"),
        pytest.param(target({}, unread=["a"]), {"a": 1}, "a", id="a-socket"),
        pytest.param(target({}, unread=["a"]), {"a/x": 1}, "a", id="a-socket-above"),
    ],
)
def test_what_only_the_user_has_stays_where_its_place_is_wanted(
    standing: Target, incoming: Contents, path: TreePath, on_conflict: OnConflict
) -> None:
    """It can only be kept: no option takes away what the product never had."""
    planned = plan({}, standing, incoming, on_conflict=on_conflict)
    (conflict,) = planned.resolution.conflicts
    assert (conflict.path, conflict.relation) == (path, Relation.IN_THE_WAY)
    assert conflict.blocks == tuple(sorted(incoming))
    assert (conflict.choice, conflict.flags) == (None, ("--on-conflict keep",))
    assert planned.changes == ()


def test_what_is_in_the_way_may_be_kept() -> None:
    """Then the rest is laid down, and what it blocks is not."""
    planned = plan({}, {"a": 9}, {"a/x": 1, "b": 1}, on_conflict=OnConflict.KEEP)
    assert [conflict.choice for conflict in planned.resolution.conflicts] == [Choice.KEEP]
    assert _shapes(planned.changes) == {"b": (None, "file")}


def test_an_edited_file_in_the_way_is_one_conflict() -> None:
    """Upstream made a folder of a file that the user edited: one question, not one a file."""
    sides = ({"a": 1}, {"a": 2}, {"a/x": 1, "a/y": 1})
    (conflict,) = plan(*sides).resolution.conflicts
    assert (conflict.path, conflict.relation) == ("a", Relation.EDIT_DELETE)
    assert conflict.blocks == ("a/x", "a/y")
    assert conflict.flags == ("--on-conflict keep", "--on-conflict take")
    taken = plan(*sides, on_conflict=TAKE)
    assert _shapes(taken.changes)["a"] == ("file", "directory")


def test_the_name_changes_its_case_only() -> None:
    """An old name goes and a new one comes; the transaction makes the removal first."""
    planned = plan({"Readme": 1}, {"Readme": 1}, {"README": 1})
    assert _shapes(planned.changes) == {"README": (None, "file"), "Readme": ("file", None)}


@pytest.mark.parametrize(
    ("root_mode", "mode", "folder_mode"),
    [(0o755, 0o644, 0o755), (0o775, 0o664, 0o775), (0o700, 0o600, 0o700), (0o2770, 0o660, 0o770)],
)
def test_what_is_new_is_as_open_as_the_folder_it_comes_into(
    root_mode: int, mode: int, folder_mode: int
) -> None:
    """A shared installation stays shared, a private one private."""
    standing = target({})._replace(root_mode=root_mode)
    planned = plan({}, standing, {"a/x": 1})
    modes = [one.change.after.mode for one in planned.changes if one.change.after]
    assert modes == [folder_mode, mode]


@pytest.mark.parametrize(("mode", "runs"), [(0o644, 0o755), (0o640, 0o750), (0o600, 0o700)])
def test_an_update_keeps_the_mode_but_for_what_upstream_changed(mode: int, runs: int) -> None:
    """Who may read a file is the user's choice; whether it can be run is upstream's."""
    standing = target({"a": 1, "b": 1}, mode=mode)
    planned = plan(
        {"a": 1, "b": 1},
        standing,
        {"a": 2, "b": 2},
        executable=["b"],
    )
    modes = [one.change.after.mode for one in planned.changes if one.change.after]
    assert modes == [mode, runs]


def test_only_the_mode_changes() -> None:
    """The content stays what it is here, so nothing is read from the source for it."""
    (planned,) = plan({"a": 1}, {"a": 1}, {"a": 1}, executable=["a"]).changes
    assert planned.relation is Relation.MODE_UPDATED
    assert planned.blob is None
    assert planned.change.after == entry(1, mode=0o755)


def test_a_file_that_nobody_may_read_is_not_made_runnable() -> None:
    """Who may read it may run it: where that is nobody, there is nothing to change."""
    standing = target({"a": 1}, mode=0)
    assert plan({"a": 1}, standing, {"a": 1}, executable=["a"]).changes == ()


# ---- any three trees -----------------------------------------------------------------------

_PATHS = ("a", "a/x", "a/y", "a/x/k", "b", "b/x", "B", "c/d/e", "c/d")
_CONTENTS = st.integers(min_value=1, max_value=3)


def _possible(contents: dict[TreePath, int]) -> dict[TreePath, int]:
    """Leave out what lies below a file."""
    return {
        path: content
        for path, content in contents.items()
        if not any(folder in contents for folder in above(path))
    }


_sides = st.dictionaries(st.sampled_from(_PATHS), _CONTENTS, max_size=6).map(_possible)
_things = st.sets(st.sampled_from(("a", "a/x", "b", "c/d", "c/d/f", "z")), max_size=2)


@st.composite
def _standing(draw: st.DrawFn) -> tuple[dict[TreePath, int], Target]:
    """Draw an installation with empty folders and things that are never read."""
    local = draw(_sides)
    free = [path for path in draw(_things) if not _taken(path, local)]
    folders, unread = free[:1], [path for path in free[1:] if not _taken(path, {free[0]: 0})]
    return local, target(local, folders=folders, unread=unread)


def _taken(path: TreePath, contents: dict[TreePath, int]) -> bool:
    return any(
        path == other or other.startswith(f"{path}/") or path.startswith(f"{other}/")
        for other in contents
    )


@settings(max_examples=500)
@given(_sides, _standing(), _sides, st.sampled_from(list(OnConflict)))
def test_no_byte_that_only_the_user_had_is_lost(
    base: dict[TreePath, int],
    standing: tuple[dict[TreePath, int], Target],
    incoming: dict[TreePath, int],
    on_conflict: OnConflict,
) -> None:
    """Whatever differs from what was laid down stands there afterwards, unless it was given up.

    Given up is what a listed conflict takes. What upstream changed alone has arrived.
    """
    local, here = standing
    planned = plan(base, here, incoming, on_conflict=on_conflict)
    left = apply((one.change for one in planned.changes), here)
    conflicts = {conflict.path: conflict for conflict in planned.resolution.conflicts}
    given_up = {path for path, one in conflicts.items() if one.choice is Choice.TAKE}
    blocked = {path for one in conflicts.values() for path in one.blocks}
    for path, content in local.items():
        if content != base.get(path) and path not in given_up:
            assert left[path] == entry(content)
    for path, entry_ in here.tree.items():
        if entry_.kind is Kind.DIRECTORY and not any(
            other.startswith(f"{path}/") for other in base
        ):
            assert left[path] == entry_
    for path in {*base, *incoming} - blocked:
        if local.get(path) == base.get(path) and path not in conflicts:
            expected = incoming.get(path)
            arrived = left.get(path)
            if expected is not None:
                assert arrived == entry(expected)
            else:
                assert arrived is None or arrived.kind is Kind.DIRECTORY


@settings(max_examples=500)
@given(_sides, _standing(), _sides, st.sampled_from([KEEP, TAKE]))
def test_the_second_time_there_is_nothing_to_do(
    base: dict[TreePath, int],
    standing: tuple[dict[TreePath, int], Target],
    incoming: dict[TreePath, int],
    on_conflict: OnConflict,
) -> None:
    """Applied, and what came recorded as the base: planning again gives no operation."""
    _, here = standing
    first = plan(base, here, incoming, on_conflict=on_conflict)
    if any(conflict.choice is None for conflict in first.resolution.conflicts):
        return
    tree = apply((one.change for one in first.changes), here)
    contents = {entry(content).digest: content for content in (1, 2, 3)}
    now = {path: contents[each.digest] for path, each in tree.items() if each.digest}
    again = target(now)._replace(tree=tree, unread=here.unread)
    second = plan(incoming, again, incoming, on_conflict=on_conflict)
    assert second.changes == ()
    assert second.resolution.conflicts == ()


_OWN = 5


@settings(max_examples=300)
@given(_sides, _standing(), _sides, st.data())
def test_each_conflict_is_decided_by_itself(
    base: dict[TreePath, int],
    standing: tuple[dict[TreePath, int], Target],
    incoming: dict[TreePath, int],
    data: st.DataObject,
) -> None:
    """Whatever is decided for which path comes true there, and nothing else is given up."""
    local, here = standing
    decided: dict[TreePath, Settled] = {}
    for conflict in plan(base, here, incoming).resolution.conflicts:
        can_take = conflict.relation is not Relation.IN_THE_WAY
        choices = [Choice.KEEP, *([Choice.TAKE] if can_take else [])]
        choices += [Choice.OWN] if can_take and conflict.path in local else []
        choice = data.draw(st.sampled_from(choices))
        decided[conflict.path] = Settled(choice, text(_OWN) if choice is Choice.OWN else None)
    planned = plan(base, here, incoming, decided=decided)
    left = apply((one.change for one in planned.changes), here)
    conflicts = {conflict.path: conflict for conflict in planned.resolution.conflicts}
    for path, content in local.items():
        choice_there = conflicts[path].choice if path in conflicts else None
        if choice_there is Choice.OWN:
            assert left[path] == entry(_OWN)
        elif content != base.get(path) and choice_there is not Choice.TAKE:
            assert left[path] == entry(content)
    blocked = {path for one in conflicts.values() for path in one.blocks}
    for path, conflict in conflicts.items():
        if conflict.choice is Choice.TAKE and path in incoming.keys() - blocked:
            assert left[path] == entry(incoming[path])
    assert {path for path, one in conflicts.items() if one.choice is None} <= {
        path for path, one in conflicts.items() if one.relation is Relation.IN_THE_WAY
    }


def test_a_content_of_its_own_may_stand_in_the_way() -> None:
    """Upstream made a folder of an edited file: it stays a file, and is written into."""
    own = {"a": Settled(Choice.OWN, text(_OWN))}
    planned = plan({"a": 1}, {"a": 2}, {"a/x": 1, "b": 1}, decided=own)
    (conflict,) = planned.resolution.conflicts
    assert (conflict.choice, conflict.blocks) == (Choice.OWN, ("a/x",))
    assert _shapes(planned.changes) == {"a": ("file", "file"), "b": (None, "file")}


def test_what_cannot_go_to_its_new_place_is_not_merged_there() -> None:
    """A folder of the user's is there: it is in the way, and the text stays where it was."""
    merged = {"new": Settled(Choice.MERGE, text(_OWN))}
    standing = target({"old": 2}, folders=["new"])
    planned = plan({"old": 1}, standing, {"new": 3}, renames={"old": "new"}, decided=merged)
    assert planned.changes == ()
    assert [(one.path, one.relation, one.choice) for one in planned.resolution.conflicts] == [
        ("new", Relation.IN_THE_WAY, None)
    ]
