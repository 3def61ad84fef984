"""Which phase comes next, and what a failure in a phase leads to."""

from collections.abc import Collection
from enum import Enum, auto

from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.settings import Scope
from aos_upgrade_plugin.models.workflow import (
    BACKUP,
    CLEANUP,
    CONTENT,
    PRE_FLIGHT,
    SERVER,
    VALIDATION,
    Workflow,
    WorkflowPhase,
)


class Reaction(Enum):
    """What becomes of the installation when a phase fails."""

    GIVE_UP = auto()
    """Nothing had changed yet: a half-made backup goes, and so does the lock."""
    ROLL_BACK = auto()
    FINISH_LATER = auto()
    """The upgrade is good and stays; ``resume`` finishes the cleaning up."""


_REACTIONS = {
    PRE_FLIGHT: Reaction.GIVE_UP,
    BACKUP: Reaction.GIVE_UP,
    CONTENT: Reaction.ROLL_BACK,
    SERVER: Reaction.ROLL_BACK,
    VALIDATION: Reaction.ROLL_BACK,
    CLEANUP: Reaction.FINISH_LATER,
}


def reaction_to_failure(*, phase: int) -> Reaction:
    """Say what a shut gate or a raising action in a phase leads to."""
    return _REACTIONS[phase]


def next_phase(
    *, workflow: Workflow, completed: Collection[int], left_out: Collection[int]
) -> WorkflowPhase | None:
    """Return the first phase that is neither completed nor left out; nothing after the last."""
    done = {*completed, *left_out}
    return next((phase for phase in workflow.phases if phase.number not in done), None)


def left_out(*, only: Scope) -> frozenset[int]:
    """Return the phases that a partial upgrade does not have."""
    return frozenset(
        phase
        for part, phase in ((Part.CONTENT, CONTENT), (Part.SERVER, SERVER))
        if part not in only.parts
    )
