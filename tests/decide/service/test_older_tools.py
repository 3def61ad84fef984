"""The older tools found in texts, and what to write instead."""

import pytest

from aos_upgrade_plugin.decide.service.older_tools import OLDER_TOOLS, instead_of, uses_in
from aos_upgrade_plugin.models.workflow_call import REQUESTS

SERVERS = ("agent-os-rag",)


@pytest.mark.parametrize(
    ("text", "instead"),
    [
        (
            'start_workflow("review_v1", target_file="a.py")',
            'aos_workflow(action="start", workflow_type="review_v1", target_file="a.py")',
        ),
        ("get_task(s,\n  phase=1, task_number=2)", "(s, "),
        (
            "get_current_phase(session_id)",
            'aos_workflow(action="get_phase", session_id=session_id)',
        ),
        ("start_workflow(...)", "(action="),
        ("complete_phase(a, b, c, d)", "evidence=…)"),
        ("complete_phase(**all)", "evidence=…)"),
        ("get_workflow_state(oops", 'aos_workflow(action="get_state", session_id=…)'),
        ("create_workflow('x')", "action start"),
        ("mcp__agent-os-rag__get_task", "task_number=…"),
        ("mcp_agent_os_rag_start_workflow", "target_file=…"),
        ('client.call_tool("get_task", {})', "task_number=…"),
        ("callTool({name: 'complete_phase'})", "evidence=…"),
        ("the tool `get_workflow_state`", "get_state"),
    ],
)
def test_a_use_and_what_to_write(text: str, instead: str) -> None:
    """Arguments that can be read go along, by their names; else it is said which there are."""
    (use,) = uses_in(f"one\n{text}\n", servers=SERVERS, is_code=False)
    assert use.line == 2
    if not text.startswith("get_task(s"):
        assert instead in use.instead
    else:
        assert (
            use.instead == 'aos_workflow(action="get_task", session_id=s, phase=1, task_number=2)'
        )


@pytest.mark.parametrize(
    "text",
    [
        'aos_workflow(action="complete_phase", session_id=s)',
        "the action `get_task` of the new tool",
        "engine.start_workflow(x)",
        "def get_task(number):",
        "restart_workflow(x)",
        "mcp__tickets__get_task",
    ],
)
def test_what_is_no_use(text: str) -> None:
    """The new tool's actions, methods, definitions, and other servers' tools are left alone."""
    assert not list(uses_in(text, servers=SERVERS, is_code=False))


def test_in_code_only_what_can_be_nothing_else() -> None:
    """A function may be called get_task; a tool that is called through a client is none."""
    code = 'get_task(1)\nawait session.call_tool("get_task", {})\n"mcp__agent-os-rag__get_task"\n'
    assert [use.line for use in uses_in(code, servers=SERVERS, is_code=True)] == [2, 3]


def test_every_action_takes_what_the_tool_took() -> None:
    """No parameter is lost on the way, or has another name."""
    for name, older in OLDER_TOOLS.items():
        if older.action is not None:
            assert set(older.parameters) == set(REQUESTS[older.action].model_fields), name
        assert instead_of(name)
    assert instead_of("something") == "no tool takes its place"
