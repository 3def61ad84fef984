"""The workflows that a server lists, whatever its version calls the tool and the fields."""

from collections.abc import Mapping

from pydantic import JsonValue

from aos_upgrade_plugin.models.server import ToolCall

LISTINGS = tuple(
    ToolCall(tool=tool, arguments={"action": "list_workflows"})
    for tool in ("pos_workflow", "aos_workflow")
)
"""The calls that list the workflows; a server has one of the tools, or none."""
_NAMES = ("workflow_type", "name")


def listed_workflows(content: JsonValue) -> tuple[str, ...] | None:
    """Return the names in an answer, sorted; nothing where it is no list of workflows."""
    if not isinstance(content, Mapping):
        return None
    workflows = content.get("workflows")
    if not isinstance(workflows, list):
        return None
    named = (
        next((each[name] for name in _NAMES if isinstance(each.get(name), str)), None)
        for each in workflows
        if isinstance(each, Mapping)
    )
    return tuple(sorted(str(name) for name in named if name))
