"""Every change has its turn: each step is possible, and backwards too."""

import stat
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.content.steps import difference, ordered
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath

_NAMES = st.sampled_from(["a", "b", "A"])
_FILES = st.builds(
    Entry,
    kind=st.just(Kind.FILE),
    mode=st.sampled_from([0o644, 0o755]),
    digest=st.sampled_from(["0" * 64, "1" * 64]),
)
_FOLDERS = st.builds(Entry, kind=st.just(Kind.DIRECTORY), mode=st.sampled_from([0o755, 0o555, 0]))
_Nested = dict[str, tuple[Entry, "_Nested"]]


def _trees() -> st.SearchStrategy[Tree]:
    """Return trees in which every path has its folders."""
    leaf: st.SearchStrategy[tuple[Entry, _Nested]] = st.tuples(_FILES, st.just({}))
    inner = st.recursive(
        st.dictionaries(_NAMES, leaf, max_size=3),
        lambda deeper: st.dictionaries(_NAMES, leaf | st.tuples(_FOLDERS, deeper), max_size=3),
        max_leaves=12,
    )
    return inner.map(lambda nested: dict(_flat(nested, "")))


def _flat(nested: _Nested, prefix: str) -> Iterable[tuple[TreePath, Entry]]:
    for name, (entry, inside) in nested.items():
        yield prefix + name, entry
        yield from _flat(inside, f"{prefix}{name}/")


def _make(tree: dict[TreePath, Entry], change: Change) -> None:
    """Make a change as a file system would allow it to somebody whom modes bind."""
    path, folder = change.path, change.path.rpartition("/")[0]
    assert tree.get(path) == change.before, "it is not as the step expects it"
    above = tree.get(folder)
    assert not folder or (above and above.kind is Kind.DIRECTORY), "there is no folder for it"
    if not change.in_place:
        writable = above is None or above.mode & stat.S_IRWXU == stat.S_IRWXU
        assert writable, "the folder around it is closed"
        if change.before and change.before.kind is Kind.DIRECTORY:
            assert not any(each.startswith(f"{path}/") for each in tree), "it is not empty"
    if change.after is None:
        del tree[path]
    else:
        tree[path] = change.after


@given(_trees(), _trees())
def test_each_step_is_possible_and_leads_there(before: Tree, after: Tree) -> None:
    """Files become folders, closed folders are opened and closed again, names change their case."""
    tree = dict(before)
    for change in ordered(difference(before=before, after=after), folders=before):
        _make(tree, change)
    assert tree == after


@given(_trees(), _trees())
def test_the_list_backwards_leads_back(before: Tree, after: Tree) -> None:
    """Undo needs no list of its own."""
    tree = dict(after)
    for change in reversed(ordered(difference(before=before, after=after), folders=before)):
        _make(tree, change.reversed())
    assert tree == before


@given(_trees())
def test_nothing_differs_from_itself(tree: Tree) -> None:
    """No change is planned, and so no folder is opened."""
    assert ordered(difference(before=tree, after=tree), folders=tree) == ()


@given(_trees(), _trees())
def test_what_does_not_differ_is_not_mentioned(before: Tree, after: Tree) -> None:
    """But for folders that have to be opened for what is in them."""
    mentioned = {change.path for change in difference(before=before, after=after)}
    assert mentioned == {path for path in {*before, *after} if before.get(path) != after.get(path)}
