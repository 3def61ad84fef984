"""What a cut-over changes, and what it leaves alone."""

import json

import pytest

from aos_upgrade_plugin.decide.service.cutting_over import (
    server_names,
    usual_groups,
    without_group,
    without_tools,
)
from aos_upgrade_plugin.errors import InvalidError

TOOLS = frozenset({"start_workflow", "get_task"})


def test_a_tool_of_another_server_stays() -> None:
    """Many servers have a get_task: only what is ours is taken out, under either kind of name."""
    before = json.dumps(
        {
            "mcpServers": {
                "agent-os-rag": {"autoApprove": ["search_standards", "get_task"]},
                "tickets": {"autoApprove": ["get_task"]},
            },
            "permissions": {"allow": ["mcp__mine__get_task", "mcp__tickets__get_task", "get_task"]},
        }
    )
    servers = server_names(["mine"])
    edited = without_tools(before, tools=TOOLS, servers=servers, is_toml=False)
    assert edited.removed == ("get_task", "mcp__mine__get_task")
    after = json.loads(edited.text)
    assert after["mcpServers"]["agent-os-rag"]["autoApprove"] == ["search_standards"]
    assert after["mcpServers"]["tickets"]["autoApprove"] == ["get_task"]
    assert after["permissions"]["allow"] == ["mcp__tickets__get_task", "get_task"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", '{\n  "mcp": {\n    "enabled_tool_groups": [\n      "rag"\n    ]\n  }\n}\n'),
        ('{"rag": {}}', '{"rag": {}, "mcp": {"enabled_tool_groups": ["rag"]}}'),
        ('{"mcp": {"port": 1}}', '{"mcp": {"port": 1, "enabled_tool_groups": ["rag"]}}'),
        (
            '{"mcp": {"enabled_tool_groups": ["workflow", "browser"]}, "x": ["workflow"]}',
            '{"mcp": {"enabled_tool_groups": ["browser"]}, "x": ["workflow"]}',
        ),
    ],
)
def test_the_group_is_left_out(before: str, after: str) -> None:
    """What counted by default is written out without it; the rest of the file stays."""
    assert without_group(before, usual=("rag", "workflow")).text == after


def test_a_group_that_is_off_stays_off() -> None:
    """Nothing is removed, and whoever asked can say so."""
    text = '{"mcp": {"enabled_tool_groups": ["rag"]}}'
    assert without_group(text, usual=None) == (text, (), None)


@pytest.mark.parametrize(
    ("text", "usual"),
    [
        ("{}", None),
        ("{}", ("workflow",)),
        ('{"mcp": {"enabled_tool_groups": ["workflow"]}}', ()),
        ('{"mcp": {"enabled_tool_groups": "workflow"}}', ()),
        ('{"mcp": {"enabled_tool_groups": null}}', ()),
        ('{"mcp": []}', ()),
        ("[]", ()),
        ("{", ()),
    ],
)
def test_what_cannot_be_done_is_refused(text: str, usual: tuple[str, ...] | None) -> None:
    """Above all, no server is left without any group: it does not start then."""
    with pytest.raises(InvalidError):
        without_group(text, usual=usual)


def test_the_usual_groups_are_read_from_the_code() -> None:
    """As the real product says them, and as a plain list; code without groups has none."""
    field = (
        'class C:\n    enabled_tool_groups: list[str] = field(default_factory=lambda: ["a", "b"])'
    )
    assert usual_groups(["import this", field]) == ("a", "b")
    assert usual_groups(["enabled_tool_groups: list = ['c']"]) == ("c",)
    assert usual_groups(["config.get('enabled_tool_groups')", "def f(:"]) is None
    assert usual_groups(["import this"]) == ()
