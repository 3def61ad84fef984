"""The page of the fourteen actions, for whoever calls them."""

from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_page
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.workflow_call import Action

_PAGE, _UPGRADES = "workflow-actions.md", "upgrades"


def actions_page() -> str:
    """Return the page: each action with a call, its answer and its errors. Raises DamagedError."""
    return bundled_page(_PAGE)


def page_of(action: str) -> str:
    """Return what the page says of one action, or of ``upgrades``. Raises NotFoundError."""
    there = (*Action, _UPGRADES)
    if action not in there:
        raise NotFoundError(
            f"there is no action {action[:60]!r}", cure=f"name one of: {', '.join(there)}"
        )
    section = actions_page().partition(f"\n## {action}\n")[2].partition("\n## ")[0]
    return f"## {action}\n{section}"
