"""A plan is for one tree and one commit; whatever moved is named."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.content.staleness import stale
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.plan import Moved, Options, Origin, PlanSource, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, tree_digest
from tests.decide.three_sides import FOLDER, entry

COMMIT = "1" * 40
LINK = Entry(kind=Kind.LINK, link_target="a")
TREE = {"a": entry(1), "folder": FOLDER, "folder/b": entry(2), "link": LINK}
IGNORE = {".gitignore": entry(1)}


def _plan(tree: Tree) -> UpgradePlan:
    return UpgradePlan(
        created_at=datetime(2025, 11, 21, tzinfo=UTC),
        tool_version="1",
        layout="agent_os",
        options=Options(only=Scope.CONTENT, on_conflict=OnConflict.FAIL),
        source=PlanSource(path="/source", commit=COMMIT),
        origin=Origin(known_by="nothing"),
        target_digest=tree_digest(tree),
        target=tree,
        project=IGNORE,
        counts={},
    )


def test_what_did_not_move_may_be_changed() -> None:
    """The same tree, the same commit: the plan stands."""
    assert stale(_plan(TREE), target=TREE, project=IGNORE, commit=COMMIT) == ()


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ({"a": entry(2)}, "content: a"),
        ({"a": entry(1, mode=0o600)}, "mode: a"),
        ({"a": LINK}, "file became link: a"),
        ({"a": None}, "removed: a"),
        ({"c": entry(1)}, "added: c"),
        ({"link": Entry(kind=Kind.LINK, link_target="b")}, "link: link"),
        ({"folder": Entry(kind=Kind.DIRECTORY, mode=0o700)}, "mode: folder"),
    ],
)
def test_what_moved_is_named(now: dict[str, Entry | None], moved: str) -> None:
    """A byte, a mode, a link, something added or removed: each by its kind and path."""
    target = {path: each for path, each in (TREE | now).items() if each is not None}
    (found,) = stale(_plan(TREE), target=target, project=IGNORE, commit=COMMIT)
    assert str(found) == moved


def test_the_project_and_the_source_count_too() -> None:
    """A new commit, and a line in the project's .gitignore."""
    found = stale(_plan(TREE), target=TREE, project={".gitignore": None}, commit="2" * 40)
    assert found == (
        Moved("source", "2" * 40),
        Moved("removed", ".gitignore", Place.PROJECT),
    )


_entries = st.sampled_from([entry(1), entry(2), entry(1, mode=0o755), FOLDER, LINK])
_trees = st.dictionaries(st.sampled_from("abcd"), _entries, max_size=4)


@given(_trees, _trees)
def test_any_difference_is_found(planned: Tree, now: Tree) -> None:
    """The plan stands exactly when the trees are the same; each path that differs is named."""
    found = stale(_plan(planned), target=now, project=IGNORE, commit=COMMIT)
    assert {moved.where for moved in found} == {
        path for path in {*planned, *now} if planned.get(path) != now.get(path)
    }
