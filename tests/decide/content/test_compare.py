"""The table of relations, as docs/explanation/three-way.md shows it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.content.compare import compare, relation
from aos_upgrade_plugin.models.source import blob_id, blob_names
from aos_upgrade_plugin.models.three_way import Relation, Version
from aos_upgrade_plugin.models.tree import Kind

PAGE = Path(__file__).parents[3] / "docs" / "explanation" / "three-way.md"
R = Relation


def _file(text: str | None, *, executable: bool = False) -> Version | None:
    if text is None:
        return None
    return Version(Kind.FILE, executable, blob_names(text.encode(), "sha1"))


@pytest.mark.parametrize(
    ("base", "local", "incoming", "expected"),
    [
        ("1", "1", "1", R.UNCHANGED),
        ("1", "1", "2", R.UPDATED),
        ("1", "2", "1", R.EDITED_LOCALLY),
        ("1", "2", "2", R.SAME_CHANGE),
        ("1", "2", "3", R.EDIT_EDIT),
        ("1", "1", None, R.REMOVED_UPSTREAM),
        ("1", "2", None, R.EDIT_DELETE),
        ("1", None, "1", R.REMOVED_LOCALLY),
        ("1", None, "2", R.DELETE_EDIT),
        ("1", None, None, R.BOTH_REMOVED),
        (None, None, "1", R.NEW),
        (None, "1", "1", R.SAME_CHANGE),
        (None, "1", "2", R.ADD_ADD),
        (None, "1", None, R.LOCAL_ONLY),
    ],
)
def test_relation(
    base: str | None, local: str | None, incoming: str | None, expected: Relation
) -> None:
    """Each way in which three versions can differ has one name, and the page says it."""
    assert relation(_file(base), _file(local), _file(incoming)) is expected
    row = " | ".join(text or "-" for text in (base, local, incoming))
    page = PAGE.read_text(encoding="utf-8")
    assert re.search(rf"^\| {re.escape(row)} \| `{expected}` \|", page, re.MULTILINE)


def test_a_link_is_not_a_file_with_the_same_content() -> None:
    """A file that upstream made a link is an update, though git's name of both is the same."""
    file = _file("elsewhere.md")
    assert file is not None
    link = file._replace(kind=Kind.LINK)
    assert relation(file, file, link) is R.UPDATED
    assert relation(file, link, file) is R.EDITED_LOCALLY


@pytest.mark.parametrize(
    ("base", "local", "expected"),
    [
        pytest.param("one\ntwo\n", "one\r\ntwo\r\n", R.UNCHANGED, id="converted"),
        pytest.param("one\ntwo\n", "one\r\ntwo\r\nmine\r\n", R.EDITED_LOCALLY, id="edited-too"),
        pytest.param("one\r\n", "one\r\n", R.UNCHANGED, id="stored-so"),
        pytest.param("one\r\ntwo\r\n", "one\ntwo\n", R.UNCHANGED, id="normalised-by-a-commit"),
        pytest.param("\0one\ntwo\n", "\0one\r\ntwo\r\n", R.EDITED_LOCALLY, id="no-text"),
        pytest.param("", "", R.UNCHANGED, id="empty"),
    ],
)
def test_converted_line_ends_are_no_edit(base: str, local: str, expected: Relation) -> None:
    """A checkout that wrote CRLF line ends changed nothing that the user had to say."""
    assert relation(_file(base), _file(local), _file(base)) is expected


@pytest.mark.parametrize(("before", "after"), [("a\r\n", "a\n"), ("a\n", "a\r\n")])
@pytest.mark.parametrize("here", ["a\n", "a\r\n"])
def test_line_ends_that_upstream_corrected_arrive(before: str, after: str, here: str) -> None:
    """A script with the wrong ones does not run: they are a change like any, if nobody edited."""
    sides = [
        Version(Kind.FILE, executable=False, blobs=frozenset({blob_id(each.encode(), "sha1")}))
        for each in (before, after)
    ]
    assert relation(sides[0], _file(here), sides[1]) is R.UPDATED


@pytest.mark.parametrize(
    ("base", "local", "incoming", "expected", "runs"),
    [
        pytest.param(False, False, True, R.MODE_UPDATED, True, id="upstream-set-it"),
        pytest.param(True, True, False, R.MODE_UPDATED, False, id="upstream-took-it"),
        pytest.param(False, True, False, R.UNCHANGED, True, id="the-user-set-it"),
        pytest.param(True, False, True, R.UNCHANGED, False, id="the-user-took-it"),
        pytest.param(False, True, True, R.UNCHANGED, True, id="both-did"),
        pytest.param(None, True, False, R.SAME_CHANGE, True, id="no-base"),
    ],
)
def test_the_mode_is_merged_by_itself(
    base: bool | None, local: bool, incoming: bool, expected: Relation, runs: bool
) -> None:
    """Whoever changed whether a file can be run is followed; two who did cannot disagree."""
    (compared,) = compare(
        base={} if base is None else {"a": _made("1", base)},
        local={"a": _made("1", local)},
        incoming={"a": _made("1", incoming)},
    )
    assert (compared.relation, compared.executable) == (expected, runs)


def test_a_new_mode_reaches_an_edited_file() -> None:
    """Upstream made a script runnable that the user edited: it runs, and the edit is there."""
    (compared,) = compare(
        base={"a": _made("1", runs=False)},
        local={"a": _made("mine", runs=False)},
        incoming={"a": _made("1", runs=True)},
    )
    assert (compared.relation, compared.executable) == (R.MODE_UPDATED, True)


@pytest.mark.parametrize(
    ("base", "local", "incoming", "expected"),
    [
        ("1", "1", "2", R.CONFIG),
        ("1", "1", None, R.CONFIG),
        ("1", "2", "1", R.EDITED_LOCALLY),
        ("1", "2", "3", R.EDIT_EDIT),
        (None, None, "1", R.NEW),
        (None, "1", "2", R.ADD_ADD),
    ],
)
def test_configuration_is_never_overwritten_unasked(
    base: str | None, local: str | None, incoming: str | None, expected: Relation
) -> None:
    """Even configuration that nobody touched is only changed by an answer."""
    before, here, comes = (
        {"config.json": version} if version else {}
        for text in (base, local, incoming)
        for version in [_file(text)]
    )
    (compared,) = compare(
        base=before, local=here, incoming=comes, config=frozenset({"config.json"})
    )
    assert compared.relation is expected


_side = st.dictionaries(st.sampled_from("abcde"), st.sampled_from("123").map(_file), max_size=5)


@given(_side, _side, _side)
def test_what_only_the_user_has_is_never_mentioned(
    base: dict[str, Version], local: dict[str, Version], incoming: dict[str, Version]
) -> None:
    """Each path of the product is compared once, in order, and no other path at all."""
    compared = compare(base=base, local=local, incoming=incoming)
    assert [one.path for one in compared] == sorted({*base, *incoming})
    assert R.LOCAL_ONLY not in {one.relation for one in compared}


def _made(text: str, runs: bool) -> Version:
    version = _file(text, executable=runs)
    assert version is not None
    return version
