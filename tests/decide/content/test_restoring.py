"""The way back to a backup, decided."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.content.restoring import in_the_way, shelved, way_back
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath

FOLDER = Entry(kind=Kind.DIRECTORY, mode=0o755)


def _file(content: str) -> Entry:
    return Entry(kind=Kind.FILE, mode=0o644, digest=content * 64, size_bytes=1)


def _tree(text: str) -> dict[TreePath, Entry]:
    """Make a tree of words: ``a/`` is a folder, ``a/b:1`` a file with content 1."""
    words = [word.partition(":") for word in text.split()]
    return {path.rstrip("/"): _file(content) if content else FOLDER for path, _, content in words}


def _applied(tree: Tree, changes: object) -> dict[TreePath, Entry]:
    result = dict(tree)
    for change in changes:  # type: ignore[attr-defined]  # a tuple of changes
        assert result.get(change.path) == change.before
        result.pop(change.path, None)
        if change.after is not None:
            result[change.path] = change.after
    return result


@pytest.mark.parametrize(
    ("wanted", "tree", "known", "after", "aside"),
    [
        pytest.param("a:1", "a:1", "", "a:1", "", id="nothing-to-do"),
        pytest.param("a:1", "", "", "a:1", "", id="deleted-since"),
        pytest.param("a:1", "a:2", "", "a:1", "a", id="an-edit-is-set-aside"),
        pytest.param("a:1", "a:2", "a:2", "a:1", "", id="what-an-upgrade-laid-down-is-not"),
        pytest.param("a:1", "a:3", "a:2", "a:1", "a", id="an-edit-of-it-is"),
        pytest.param("a:1", "a:1 b:2", "", "a:1 b:2", "", id="made-since-stays"),
        pytest.param("a:1", "a:1 b:2", "b:2", "a:1", "", id="laid-down-since-goes"),
        pytest.param("a:1", "a:1 b:3", "b:2", "a:1", "b", id="laid-down-and-edited-is-set-aside"),
        pytest.param("", "d/ d/x:1", "d/ d/x:1", "", "", id="a-laid-down-folder-goes"),
        pytest.param("", "d/ d/x:1 d/u:2", "d/ d/x:1", "d/ d/u:2", "", id="not-if-it-is-used"),
        pytest.param("d:1", "d/ d/u:2", "", "d:1", "d d/u", id="a-folder-in-the-way"),
        pytest.param("d:1", "d/ d/u:2", "d/ d/u:2", "d:1", "", id="a-known-folder-in-the-way"),
        pytest.param("d/ d/x:1", "d:2", "", "d/ d/x:1", "d", id="a-file-in-the-way"),
        pytest.param("d/", "d/ d/e/ d/e/u:1", "", "d/ d/e/ d/e/u:1", "", id="in-a-new-folder"),
    ],
)
def test_way_back(wanted: str, tree: str, known: str, after: str, aside: str) -> None:
    """What the backup holds comes back; what only the user has stays, or is set aside."""
    way = way_back(wanted=_tree(wanted), tree=_tree(tree), known=_tree(known))
    assert _applied(_tree(tree), way.changes) == _tree(after)
    assert way.set_aside == tuple(aside.split())
    assert way.stays == tuple(sorted(set(_tree(after)) - set(_tree(wanted))))


def test_a_mode_comes_back_in_place() -> None:
    """The mode of a folder is no content: nothing is set aside for it."""
    closed = FOLDER.model_copy(update={"mode": 0o500})
    way = way_back(wanted={"d": closed}, tree={"d": FOLDER}, known={})
    assert (len(way.changes), way.set_aside) == (1, ())


def test_the_folder_of_a_socket_stays() -> None:
    """A laid-down folder that holds a socket cannot go; where it must, it is said."""
    tree, strange = _tree("d/ d/x:1"), {"d/socket"}
    way = way_back(wanted={}, tree=tree, known=tree, strange=strange)
    assert [change.path for change in way.changes] == ["d/x"]
    assert in_the_way(wanted={}, strange=strange) == ()
    assert in_the_way(wanted=_tree("d:1"), strange=strange) == ("d/socket",)
    assert in_the_way(wanted=_tree("d/ d/socket:1"), strange=strange) == ("d/socket",)


def test_a_shelf_has_its_folders() -> None:
    """Each copy lies under the path it had; only folders that are not there yet are made."""
    changes = shelved(
        ["d", "d/u", "e"],
        tree=_tree("d/ d/u:2 e/"),
        shelf="o/aside/install",
        standing="o",
    )
    assert {change.path: change.after and change.after.kind for change in changes} == {
        "o/aside": Kind.DIRECTORY,
        "o/aside/install": Kind.DIRECTORY,
        "o/aside/install/d": Kind.DIRECTORY,
        "o/aside/install/d/u": Kind.FILE,
        "o/aside/install/e": Kind.DIRECTORY,
    }


@st.composite
def trees(draw: st.DrawFn) -> dict[TreePath, Entry]:
    """Draw a small tree in which every path has its folders."""
    entries: dict[TreePath, Entry] = {}
    for path in draw(st.lists(st.sampled_from(["a", "a/b", "a/b/c", "d", "d/e", "f"]), max_size=6)):
        if any(entries.get(folder) not in {None, FOLDER} for folder in _above(path)):
            continue
        content = draw(st.sampled_from(["1", "2", "3", ""]))
        if content and any(each.startswith(f"{path}/") for each in entries):
            continue
        entries |= dict.fromkeys(_above(path), FOLDER)
        entries[path] = _file(content) if content else FOLDER
    return entries


def _above(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


@given(trees(), trees(), trees())
def test_nothing_is_lost(
    wanted: dict[TreePath, Entry], tree: dict[TreePath, Entry], known: dict[TreePath, Entry]
) -> None:
    """Afterwards the backup's paths are as they were, and every content of the user's is left."""
    way = way_back(wanted=wanted, tree=tree, known=known)
    after = _applied(tree, way.changes)
    assert {path: after.get(path) for path in wanted} == wanted
    assert all(after.get(folder) == FOLDER for path in after for folder in _above(path))
    for path, entry in tree.items():
        if entry.kind is Kind.FILE and entry != known.get(path):
            assert after.get(path) == entry or path in way.set_aside
