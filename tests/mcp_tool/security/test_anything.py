"""Any arguments at all: always an answer of the contract, and nothing changes but sessions."""

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.models.session import SessionStatus
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.actions.workflow_places import EVIDENCE
from tests.mcp_tool.door import Door

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
_LIKELY: Mapping[str, st.SearchStrategy[Any]] = {
    "session_id": st.sampled_from(["x", "not_there", "../x", "SESSION"]),
    "workflow_type": st.sampled_from(["review_v1", "loose_v1", "../x", "null", "hostile_v1"]),
    "target_file": st.sampled_from(["src", "../x", "/x", "null", "[1]", "a/../b", "."]),
    "options": st.just({}) | st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    "phase": st.integers(-1, 3),
    "task_number": st.integers(-1, 3),
    "evidence": st.just({}) | st.just(EVIDENCE) | st.just("{}"),
    "category": st.sampled_from(["review", "null", ""]),
    "status": st.sampled_from([*SessionStatus, "asleep"]),
    "reason": st.text(max_size=5),
    "checkpoint_note": st.text(max_size=5),
    "reset_evidence": st.booleans() | st.none(),
    "to_phase": st.integers(-1, 3),
}
_CALLS = st.tuples(
    st.sampled_from([*Action]) | _JSON,
    st.fixed_dictionaries({}, optional={name: each | _JSON for name, each in _LIKELY.items()}),
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), _JSON, max_size=1),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=_CALLS)
def test_any_arguments_at_all(door: Door, session: str, call: tuple[Any, Any, Any]) -> None:
    """Every call is answered as the contract says, and nothing but sessions changes."""
    action, arguments, more = call
    if arguments.get("session_id") == "SESSION":
        arguments = {**arguments, "session_id": session}
    answer = door.call({**more, **arguments, "action": action})
    assert "failed: " not in answer.get("error", ""), answer


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(action=st.sampled_from([*Action]), data=st.data())
def test_calls_that_are_nearly_right(
    door: Door, session: str, action: Action, data: st.DataObject
) -> None:
    """With just the parameters that an action takes, each likely or anything."""
    fields = REQUESTS[action].model_fields
    known = {"session_id": st.just(session)}
    likely = {name: known.get(name, _LIKELY[name]) | _JSON for name in fields}
    answer = door.call({**data.draw(st.fixed_dictionaries(likely)), "action": action})
    assert "failed: " not in answer.get("error", ""), answer
