"""What a call of the tool is counted as: few labels, whatever anybody calls it with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.models.workflow_call import Action

UNKNOWN = "unknown"
"""The label of every action that there is not."""
CALL, UPGRADE = "call", "upgrade"
MOVES = frozenset(
    {Action.START, Action.COMPLETE_PHASE, Action.RESUME, Action.RETRY_PHASE, Action.ROLLBACK}
)
"""What may carry out a part of an upgrade before it answers."""

_PREFIXES = tuple(f"{name}_" for name in sorted(UPGRADE_WORKFLOWS))


class Counted(NamedTuple):
    """The labels of one call."""

    action: str
    kind: str
    """``upgrade`` for one that may work on an upgrade, and takes as long as that takes."""
    outcome: str
    error_type: str
    """Empty for a success."""


def counted_as(*, arguments: Mapping[str, Any], answer: Mapping[str, Any]) -> Counted:
    """Return what a call and its answer are counted as."""
    name = arguments.get("action")
    known = isinstance(name, str) and name in set(Action)
    return Counted(
        action=str(name) if known else UNKNOWN,
        kind=UPGRADE if known and name in MOVES and _of_an_upgrade(arguments) else CALL,
        outcome=answer["status"],
        error_type=answer.get("error_type", ""),
    )


def _of_an_upgrade(arguments: Mapping[str, Any]) -> bool:
    """Tell it by names alone: that of a session begins with that of its workflow."""
    workflow, session = arguments.get("workflow_type"), arguments.get("session_id")
    return (isinstance(workflow, str) and workflow in UPGRADE_WORKFLOWS) or (
        isinstance(session, str) and session.startswith(_PREFIXES)
    )
