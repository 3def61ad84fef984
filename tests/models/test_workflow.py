"""Definitions of workflows in the forms that the product has had."""

import pytest
from pydantic import ValidationError

from aos_upgrade_plugin.models.workflow import Workflow

TOLD = {
    "workflow_type": "spec_execution_v1",
    "version": "1",
    "phases": [
        {"phase_number": 0, "phase_name": "Plan"},
        {"phase_number": "1-N", "phase_name": "Whatever the plan says"},
    ],
}


def test_a_dynamic_workflow_names_phases_that_are_still_to_be_made() -> None:
    """They have no number yet, and that is no fault."""
    workflow = Workflow.model_validate({**TOLD, "dynamic_phases": True, "total_phases": "dynamic"})
    assert [phase.number for phase in workflow.phases] == [0]
    assert workflow.dynamic_phases


@pytest.mark.parametrize("told", [{}, {"dynamic_phases": True, "phases": {}}])
def test_any_other_needs_numbers(told: dict[str, object]) -> None:
    """A phase without one is a fault, and so is what is no list."""
    with pytest.raises(ValidationError):
        Workflow.model_validate({**TOLD, **told})
