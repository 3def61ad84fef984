"""Definitions of workflows completed in the text that somebody wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.migration.workflow_metadata import completed, workflow_metadata
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.layout import WorkflowFormat
from aos_upgrade_plugin.models.tree import unescape
from tests.decide.migration_facts import facts

FORM = WorkflowFormat(workflow={"outputs": []}, phase={"purpose": "", "effort": "unknown"})


def _completed(text: str) -> str:
    return completed(text.encode(), folder="mine_v1", form=FORM).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(
            '{\n  "phases": [\n    {\n      "purpose": "p"\n    }\n  ]\n}\n',
            '{\n  "phases": [\n    {\n      "purpose": "p",\n      "effort": "unknown"\n    }\n  ],'
            '\n  "workflow_type": "mine_v1",\n  "total_phases": 1,\n  "outputs": []\n}\n',
            id="two-spaces",
        ),
        pytest.param(
            '{"outputs": [1],\r\n\t"total_phases": 7, "workflow_type": "x",\r\n\t"phases": '
            '[{"purpose":1}]}',
            '{"outputs": [1],\r\n\t"total_phases": 7, "workflow_type": "x",\r\n\t"phases": '
            '[{"purpose":1, "effort": "unknown"}]}',
            id="crlf-tabs-and-one-line",
        ),
        pytest.param(
            '\ufeff{ "phases" :[ {}, { "effort": {"a": "}"} } ] }',
            '\ufeff{ "phases" :[ {"purpose": "", "effort": "unknown"}, '
            '{ "effort": {"a": "}"}, "purpose": "" } ], "workflow_type": "mine_v1", '
            '"total_phases": 2, "outputs": [] }',
            id="byte-order-mark-empty-and-nested",
        ),
    ],
)
def test_only_what_is_missing_is_added(before: str, after: str) -> None:
    """Order, indentation, line ends and values of others stay as they were written."""
    assert _completed(before) == after
    assert _completed(after) == after


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(st.text() | st.sampled_from(["purpose", "effort"]), _VALUES, max_size=4)


@given(
    st.lists(_OBJECTS, max_size=3),
    _OBJECTS,
    st.sampled_from([None, 0, 2, "\t"]),
    st.booleans(),
)
def test_what_was_said_is_said_still(
    phases: list[dict[str, object]],
    rest: dict[str, object],
    indent: int | str | None,
    ascii_only: bool,
) -> None:
    """Any JSON, laid out in any way: it reads as before, with what was missing."""
    told = {**rest, "phases": phases}
    text = json.dumps(told, indent=indent, ensure_ascii=ascii_only)
    after = json.loads(completed(text.encode("utf-8", "surrogatepass"), folder="f", form=FORM))
    wanted = {"workflow_type": "f", "total_phases": len(phases), **FORM.workflow}
    assert after == {**wanted, **told, "phases": [{**FORM.phase, **each} for each in phases]}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"phases": {}}', '{"phases": [1]}', "\xff"])
def test_what_is_no_definition_is_left_alone(text: str) -> None:
    """Broken text is the user's, and said elsewhere to be broken."""
    content = text.encode("latin-1")
    with pytest.raises(ValueError):
        completed(content, folder="f", form=FORM)
    assert workflow_metadata(facts(local={"workflows/f/metadata.json": content})) is None


def test_only_the_users_own_workflows_are_rewritten() -> None:
    """The product's are upstream's to mend; and deeper files are no definitions."""
    old = b'{"phases": []}'
    local = {
        "workflows/mine_v1/metadata.json": old,
        "workflows/theirs_v1/metadata.json": old,
        "workflows/mine_v1/deep/metadata.json": old,
        "workflows/metadata.json": old,
    }
    theirs = {"workflows/theirs_v1/metadata.json": old}
    found = workflow_metadata(facts(base=theirs, local=local, incoming=theirs))
    assert found is not None
    (operation,) = found.operations
    assert operation.path == "workflows/mine_v1/metadata.json"
    told = json.loads(unescape(operation.text or ""))
    assert {*known()[0].workflow_format.workflow} <= {*told}
    again = facts(local={operation.path: unescape(operation.text or "")})
    assert workflow_metadata(again) is None
