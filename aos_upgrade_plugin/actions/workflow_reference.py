"""The page of the fourteen actions, for whoever calls them."""

from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_page
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.workflow_call import Action

_PAGE = "workflow-actions.md"


def actions_page() -> str:
    """Return the page: each action with a call, its answer and its errors. Raises DamagedError."""
    return bundled_page(_PAGE)


def page_of(action: str) -> str:
    """Return what the page says of one action. Raises NotFoundError, DamagedError."""
    if action not in set(Action):
        raise NotFoundError(
            f"there is no action {action[:60]!r}", cure=f"name one of: {', '.join(Action)}"
        )
    section = actions_page().partition(f"\n## {action}\n")[2].partition("\n## ")[0]
    return f"## {action}\n{section}"
