"""What a call is counted as."""

import pytest

from aos_upgrade_plugin.decide.workflow.workflow_counting import counted_as

DONE = {"status": "success"}
UPGRADE_SESSION = "agent_os_upgrade_v1_mcp_server_20251121123000_ab12cd34"


@pytest.mark.parametrize(
    ("arguments", "action", "kind"),
    [
        ({"action": "get_state", "session_id": "review_v1_a_x"}, "get_state", "call"),
        ({"action": "resume", "session_id": "review_v1_a_x"}, "resume", "call"),
        ({"action": "resume", "session_id": UPGRADE_SESSION}, "resume", "upgrade"),
        ({"action": "get_state", "session_id": UPGRADE_SESSION}, "get_state", "call"),
        ({"action": "start", "workflow_type": "agent_os_upgrade_v1"}, "start", "upgrade"),
        ({"action": "start", "workflow_type": "praxis_os_upgrade_v1"}, "start", "upgrade"),
        ({"action": "start", "workflow_type": "agent_os_upgrade_v10"}, "start", "call"),
        ({"action": "start", "workflow_type": ["agent_os_upgrade_v1"]}, "start", "call"),
        ({"action": "fly", "session_id": UPGRADE_SESSION}, "unknown", "call"),
        ({"action": ["resume"]}, "unknown", "call"),
        ({}, "unknown", "call"),
    ],
)
def test_the_labels_of_a_call(arguments: dict[str, object], action: str, kind: str) -> None:
    """An action that there is not is unknown; what may work on an upgrade is of another kind."""
    told = counted_as(arguments=arguments, answer=DONE)
    assert (told.action, told.kind) == (action, kind)


def test_the_labels_of_an_answer() -> None:
    """A success has no type of error."""
    error = {"status": "error", "error_type": "StateError"}
    told = [counted_as(arguments={}, answer=each) for each in (DONE, error)]
    assert [each[2:] for each in told] == [("success", ""), ("error", "StateError")]
