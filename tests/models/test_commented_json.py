"""JSON with remarks: what is in a text is no remark."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from aos_upgrade_plugin.models.commented_json import parse_commented_json

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('/*\\",]} \nx'),
    lambda inner: st.lists(inner) | st.dictionaries(st.text('/*\\",]} '), inner),
)


@given(values, st.sampled_from([None, 1]))
def test_what_is_plain_is_read_as_it_is(value: JsonValue, indent: int | None) -> None:
    """Whatever its texts look like."""
    assert parse_commented_json(json.dumps(value, indent=indent)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1, // one\n "b": 2}', {"a": 1, "b": 2}),
        ('/* before\n*/ {"a": [1, 2, /* , */ ], }', {"a": [1, 2]}),
        ('{"a": "http://x/*y*/,]"}', {"a": "http://x/*y*/,]"}),
        (r'["\\", "\"//", ]', ["\\", '"//']),
    ],
)
def test_remarks_and_last_commas_are_passed_over(text: str, value: JsonValue) -> None:
    """As editors read their own settings."""
    assert parse_commented_json(text) == value


@pytest.mark.parametrize("text", ["", "// nothing", "{", "[1 2]", "[,,]", '{"a": "/*}'])
def test_what_is_no_json_is_none(text: str) -> None:
    """Remarks make nothing else readable."""
    with pytest.raises(ValueError, match=r"line \d+ column \d+"):
        parse_commented_json(text)
