"""A workflow walked from its start to its end, with evidence made from its gates."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from aos_upgrade_plugin.decide.workflow.fulfilling import specimen
from aos_upgrade_plugin.models.definition import Definition

Call = Callable[..., Mapping[str, Any]]


class Walked(NamedTuple):
    """What was met on the way."""

    phases: int = 0
    tasks: int = 0
    gates: int = 0
    """Phases that have a gate definition."""
    fields: int = 0
    """What all gates together ask for."""

    def plus(self, other: "Walked") -> "Walked":
        """Return both together."""
        return Walked(*(one + more for one, more in zip(self, other, strict=True)))


def walk(call: Call, definition: Definition, *, more_phases: int = 0) -> Walked:
    """Walk a workflow, reading every task of every phase; return what was met.

    Each gate is tried with nothing first, and has to stay shut. A dynamic workflow gets
    ``more_phases`` than it defines.
    """
    name, defined = definition.workflow_type, definition.phases
    options = {"total_phases": len(defined) + more_phases} if definition.dynamic else {}
    begun = call("start", workflow_type=name, target_file="src", options=options)
    session, content, met = begun["session_id"], begun["phase_content"], Walked()
    while content is not None:
        number = content["phase_number"]
        phase = defined[min(number - defined[0].number, len(defined) - 1)]
        for task in content["tasks"]:
            read = call("get_task", session_id=session, phase=number, **_number(task))
            assert read["task_content"]["content"].strip(), (name, number, task)
            assert read["task_content"]["execution_steps"], (name, number, task)
        shut = call("complete_phase", session_id=session, phase=number, evidence={})
        assert shut["checkpoint_passed"] is False, (name, number)
        call("retry_phase", session_id=session, phase=number)
        evidence = specimen(phase)
        assert evidence is not None, (name, number, "no evidence satisfies this gate")
        done = call("complete_phase", session_id=session, phase=number, evidence=evidence)
        assert done["status"] == "success", done
        asked = len(phase.gate.evidence_schema) if phase.gate else 0
        met = met.plus(Walked(1, len(content["tasks"]), phase.gate is not None, asked))
        content = done["next_phase_content"]
    state = call("get_state", session_id=session)
    assert state["session_status"] == "completed"
    assert len(state["completed_phases"]) == met.phases == len(defined) + len(options) * more_phases
    return met


def _number(task: Mapping[str, Any]) -> dict[str, Any]:
    return {"task_number": task["task_number"]}
