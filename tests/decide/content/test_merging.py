"""What may be merged, what came of it, and configuration by key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.content.merging import (
    has_markers,
    merged_config,
    merged_text,
    to_be_merged,
    why_not_mergeable,
)
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind
from tests.decide.conflicts import conflict, side


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        (b"<<<<<<< yours\n", True),
        (b"a\n>>>>>>> incoming\r\n", True),
        (b"<<<<<<<\n", True),
        (b">>>>>>>", True),
        (b"Title\n=======\n", False),
        (b"  <<<<<<< indented\n", False),
        (b"<<<<<<<<< longer\n", False),
        (b"", False),
    ],
)
def test_markers_are_known(text: bytes, marked: bool) -> None:
    """Those of an unfinished merge; a line under a heading is none."""
    assert has_markers(text) is marked


def test_only_what_three_texts_tell_is_merged() -> None:
    """What stands in the way of a merge is said, and who removed what."""
    assert why_not_mergeable(conflict(b"a", b"b", b"c")) is None
    gone = conflict(b"a", b"b", None, relation=Relation.EDIT_DELETE)
    assert why_not_mergeable(gone) == "you changed it, upstream removed it"
    gone = conflict(b"a", None, b"c", relation=Relation.DELETE_EDIT)
    assert why_not_mergeable(gone) == "you removed it, upstream changed it"
    no_base = conflict(None, b"b", b"c", relation=Relation.ADD_ADD)
    assert "both started from" in (why_not_mergeable(no_base) or "")
    assert "no text" in (why_not_mergeable(conflict(b"a", b"\0", b"c")) or "")
    linked = conflict(b"a", b"b", b"c").model_copy(update={"local": side(b"b", kind=Kind.LINK)})
    assert "no file" in (why_not_mergeable(linked) or "")
    config = conflict(b"a: 1", b"a: 2", b"a: 3", is_config=True)
    assert "configuration" in (why_not_mergeable(config) or "")


@pytest.mark.parametrize(
    ("base", "local", "incoming", "end"),
    [
        pytest.param(b"\n", b"\r\n", b"\n", b"\r\n", id="a-checkout-converted-the-users"),
        pytest.param(b"\n", b"\n", b"\r\n", b"\r\n", id="upstream-converted-its-own"),
        pytest.param(b"\r\n", b"\r\n", b"\n", b"\n", id="upstream-corrected-its-own"),
        pytest.param(b"\r\n", b"\n", b"\r\n", b"\n", id="the-user-converted-theirs"),
    ],
)
def test_line_ends_are_nobodys_edit(base: bytes, local: bytes, incoming: bytes, end: bytes) -> None:
    """Who changed them is followed, and the texts are merged as if they were alike."""
    open_ = conflict(
        base.join([b"a", b"b", b""]),
        local.join([b"a", b"B", b""]),
        incoming.join([b"A", b"b", b""]),
    )
    assert to_be_merged(open_) == (b"a\nb\n", b"a\nB\n", b"A\nb\n")
    merged = merged_text(open_, content=b"A\nB\n", places=0)
    assert merged.content == end.join([b"A", b"B", b""])


def test_a_text_with_mixed_line_ends_is_merged_as_it_is() -> None:
    """They may mean something, and git sees them, too."""
    texts = to_be_merged(conflict(b"a\nb\n", b"a\r\nB\n", b"A\nb\n"))
    assert texts == (b"a\nb\n", b"a\r\nB\n", b"A\nb\n")


@pytest.mark.parametrize(
    ("path", "content", "places", "about"),
    [
        pytest.param("a.md", b"a", 2, "both changed the same lines, in 2 places", id="not-clean"),
        pytest.param("a.md", b"<<<<<<< a\n", 0, "look like markers", id="marker-in-the-text"),
        pytest.param("a.json", b'{"a": 1,, "b": 2}', 0, "no JSON any more", id="broken-json"),
        pytest.param("a.py", b"a = (\n", 0, "no Python", id="broken-python"),
    ],
)
def test_a_merge_that_is_not_good_is_none(
    path: str, content: bytes, places: int, about: str
) -> None:
    """It says why, and no content of it is ever laid down."""
    text = b'{"a": 1}' if path.endswith("json") else b"a = 1\n"
    merge = merged_text(conflict(text, text, text, path=path), content=content, places=places)
    assert merge.content is None
    assert about in merge.about[0]
    assert (merge.marked is not None) is bool(places)


# ---- configuration by key ------------------------------------------------------------------


_TWO_SPACES = """{
  "a": {
    "y": {
      "z": [
        1
      ]
    }
  },
  "n": null
}
"""


def _config(base: str | None, local: str, incoming: str) -> tuple[str | None, tuple[str, ...]]:
    merge = merged_config(
        conflict(
            None if base is None else base.encode(),
            local.encode(),
            incoming.encode(),
            is_config=True,
        )
    )
    if merge is None or merge.content is None:
        return None, ()
    return merge.content.decode(), merge.about


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        pytest.param(
            '{\n    "b": [1,  2],\n    "a": {"x": 1}\n}\n',
            '{\n    "b": [1,  2],\n    "a": {"x": 1, "y": {"z": [1]}},\n    "n": null\n}\n',
            id="four-spaces-and-an-object-on-one-line",
        ),
        pytest.param(
            '{\r\n\t"a": {\r\n\t\t"x": 1\r\n\t}\r\n}',
            '{\r\n\t"a": {\r\n\t\t"x": 1,\r\n\t\t"y": {\r\n\t\t\t"z": [\r\n\t\t\t\t1\r\n\t\t\t]\r\n'
            '\t\t}\r\n\t},\r\n\t"n": null\r\n}',
            id="tabs-and-crlf-without-a-last-line-end",
        ),
        pytest.param('{"a":{}}', '{"a":{"y":{"z":[1]}},"n":null}', id="compact"),
        pytest.param(
            '{\n  "a": {}\n}\n',
            _TWO_SPACES,
            id="an-empty-object",
        ),
        pytest.param(
            '{\n  "a": {\n  }\n}\n',
            _TWO_SPACES,
            id="an-empty-object-on-two-lines",
        ),
        pytest.param('\ufeff{ "a": 7 }', '\ufeff{ "a": 7, "n": null }', id="a-byte-order-mark"),
    ],
)
def test_new_keys_arrive_in_the_form_of_the_users_file(local: str, expected: str) -> None:
    """Indentation, order, line ends, what is on one line: nothing else moves."""
    incoming = '{"a": {"x": 9, "y": {"z": [1]}}, "n": null}'
    assert _config('{"a": {"x": 5}}', local, incoming)[0] == expected


def test_the_users_values_stay_and_what_upstream_did_is_told() -> None:
    """Changed, removed upstream, removed here: each is one line, and none is done."""
    base = '{"changed": 1, "same": 1, "gone": 1, "dropped": 1, "o": {"k": 1}}'
    local = '{"changed": 5, "same": 1, "gone": 1, "mine": 1, "o": {"k": 1}}'
    incoming = '{"changed": 2, "same": 1, "dropped": 2, "new": 3, "o": {"k": 2}}'
    merged, about = _config(base, local, incoming)
    assert merged == local[:-1] + ', "new": 3}'
    assert about == (
        "changed: upstream has 2, yours stays",
        "dropped: stays away, as you removed it",
        "new: arrives",
        "o.k: upstream has 2, yours stays",
        "gone: removed upstream, yours stays",
    )


@pytest.mark.parametrize("text", ["[]", "a: 1", '{"a": 1, "a": 2}', '{"a": NaN}', "{} // said", ""])
def test_what_is_no_plain_json_is_not_merged_by_key(text: str) -> None:
    """A comment, a key twice, a number that equals nothing: somebody has to look at it."""
    assert _config(None, text, '{"b": 1}')[0] is None


_LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.lists(st.integers())
_OBJECTS = st.recursive(
    st.dictionaries(st.sampled_from("abcd"), _LEAVES, max_size=4),
    lambda inner: st.dictionaries(st.sampled_from("abcd"), inner | _LEAVES, max_size=4),
    max_leaves=8,
)


@given(
    _OBJECTS, _OBJECTS, _OBJECTS, st.sampled_from([None, 0, 2, "\t"]), st.sampled_from(["\n", ""])
)
def test_configuration_loses_nothing_of_the_users(
    base: dict[str, Any],
    local: dict[str, Any],
    incoming: dict[str, Any],
    indent: int | str | None,
    end: str,
) -> None:
    """Every value of theirs stays, every key that only upstream has is there, and no other."""
    text = json.dumps(local, indent=indent, ensure_ascii=False) + end
    merged, _ = _config(json.dumps(base), text, json.dumps(incoming))
    assert merged is not None
    assert merged.endswith(end)
    _assert_merged(json.loads(merged), base, local, incoming)
    rest = iter(merged)
    assert all(letter in rest for letter in text), "the text is there, with others in between"


def _assert_merged(merged: Any, base: Any, local: Any, incoming: Any) -> None:  # noqa: ANN401
    new = {key for key in incoming if key not in local and key not in base}
    assert list(merged)[: len(local)] == list(local)
    assert set(merged) == set(local) | new
    for key, value in merged.items():
        if key in new:
            assert value == incoming[key]
        elif isinstance(local[key], dict) and isinstance(incoming.get(key), dict):
            was = base.get(key)
            _assert_merged(value, was if isinstance(was, dict) else {}, local[key], incoming[key])
        else:
            assert value == local[key]
