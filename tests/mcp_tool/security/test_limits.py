"""How much a client may send, and how deep."""

import json
from typing import Any

import pytest

from aos_upgrade_plugin.decide.workflow.checkpoint import DEEPEST, MOST_EVIDENCE_BYTES
from tests.mcp_tool.door import Door
from tests.mcp_tool.security.conftest import refused


def test_ten_megabytes_and_one_byte_more(door: Door, session: str) -> None:
    """The limit is allowed and not a byte more."""
    most = {"x": "a" * (MOST_EVIDENCE_BYTES - len('{"x":""}'))}
    more = {"x": most["x"] + "a"}
    words = refused(door.ask("complete_phase", session_id=session, phase=0, evidence=more))
    assert (
        words
        == f"evidence is too large: {MOST_EVIDENCE_BYTES + 1} bytes, and 10485760 are the limit"
    )
    done = door.ask("complete_phase", session_id=session, phase=0, evidence=most)
    assert done["checkpoint_passed"] is True
    assert len(json.dumps(door.ask("get_state", session_id=session))) < 10_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("options", {"x": "a" * 100_001}),
        ("target_file", "a" * 1_001),
        ("workflow_type", "a" * 81),
    ],
)
def test_other_parameters_have_limits(door: Door, name: str, value: object) -> None:
    """Nothing that a session keeps can be made large by them."""
    given = {"workflow_type": "review_v1", "target_file": "src", name: value}
    assert name in refused(door.ask("start", **given))


@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "pause", "checkpoint_note": "a" * 10_001},
        {"action": "delete_session", "reason": "a" * 10_001},
        {"action": "retry_phase", "phase": 10_001},
        {"action": "rollback", "to_phase": -1},
        {"action": "get_task", "phase": 0, "task_number": 1.5},
        {"action": "get_task", "phase": True, "task_number": 1},
    ],
)
def test_notes_and_numbers_have_limits(door: Door, session: str, arguments: dict[str, Any]) -> None:
    """Too long, too large, below nothing, or no whole number."""
    refused(door.call({**arguments, "session_id": session}))


def _nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_has_a_limit(door: Door, session: str) -> None:
    """What is deeper than a session may be is refused before anything looks at it."""
    ask = {"session_id": session, "phase": 0}
    deep = {"x": _nested(DEEPEST - 1)}
    assert "levels deep" in refused(door.ask("complete_phase", **ask, evidence=deep))
    kept = {"x": _nested(DEEPEST - 2)}
    assert door.ask("complete_phase", **ask, evidence=kept)["checkpoint_passed"] is True


@pytest.mark.parametrize("levels", [300, 100_000])
@pytest.mark.parametrize("order", ["first", "last"])
def test_nesting_that_no_reader_follows_is_answered(door: Door, levels: int, order: str) -> None:
    """The call that carries it fails at once, whichever way its client writes a request."""
    value = "[" * levels + "]" * levels
    carried = f'{{"name":"aos_workflow","arguments":{{"id":1,"x":{value}}}}}'
    call = f'"method":"tools/call","params":{carried}'
    told = '"jsonrpc":"2.0","id":4711'
    door.say(f"{{{told},{call}}}".encode() if order == "first" else f"{{{call},{told}}}".encode())
    answer = door.hear()
    assert (answer["id"], answer["error"]["code"]) == (4711, -32700)


def test_wide_evidence(door: Door, session: str) -> None:
    """Very many fields, and names that mean something elsewhere, are only data."""
    odd = dict.fromkeys(
        ("__proto__", "__class__", "constructor", "", "a\0b", "../x", "é" * 1_000), 1
    )
    wide = {**odd, **{f"field {number}": number for number in range(10_000)}}
    done = door.ask("complete_phase", session_id=session, phase=0, evidence=wide)
    assert done["checkpoint_passed"] is True


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_numbers_that_are_none(door: Door, session: str, number: str) -> None:
    """They could not be kept, so they are refused."""
    call = {
        "name": "aos_workflow",
        "arguments": {"action": "complete_phase", "session_id": session},
    }
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    door.say(line.replace('"action"', f'"phase":0,"evidence":{{"x":{number}}},"action"').encode())
    answer = door.hear()
    assert answer["result"]["structuredContent"]["error_type"] == "ValueError"
