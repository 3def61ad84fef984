"""The answers of the tool: plain JSON, of what is known."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import JsonValue

from aos_upgrade_plugin.decide.workflow.walking import ALLOWED
from aos_upgrade_plugin.models.checkpoint import GateDefinition, Judged
from aos_upgrade_plugin.models.definition import Listed, Phase
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.status import SessionView
from aos_upgrade_plugin.models.task_text import TaskText
from aos_upgrade_plugin.models.words import shortened

Fields = dict[str, Any]

MOST_SHOWN_BYTES = 200_000
"""Of artifacts in one answer: clients refuse answers of more than a megabyte."""
MOST_SESSIONS = 500
"""In one list."""
_MOST_NAMES, _LONGEST_NAME = 200, 200


def listed(workflow: Listed) -> Fields:
    """Return a workflow as a list shows it."""
    definition = workflow.definition
    if definition is None:
        return {
            "workflow_type": workflow.workflow_type,
            "origin": workflow.origin.value,
            "usable": False,
            "problem": workflow.problem,
        }
    shown = definition.model_dump(mode="json", exclude={"phases", "also_called", "dynamic"})
    return {
        **shown,
        "origin": workflow.origin.value,
        "usable": True,
        "phases": [
            {"phase_number": phase.number, "title": phase.name, "tasks": len(phase.tasks)}
            for phase in definition.phases
        ],
        "total_phases": None if definition.dynamic else len(definition.phases),
    }


def phase_content(*, phase: Phase, text: str, session: WorkflowSession | None) -> Fields:
    """Return a phase as whoever carries it out gets it."""
    content: Fields = {
        "phase_number": phase.number,
        "title": phase.name,
        "description": phase.purpose,
        "content": text,
        "estimated_duration": phase.estimated_duration,
        "key_deliverables": list(phase.key_deliverables),
        "validation_criteria": list(phase.validation_criteria),
        "tasks": [{"task_number": task.number, "name": task.name} for task in phase.tasks],
        "evidence_required": evidence_required(phase),
    }
    if session is not None:
        content["artifacts_from_previous_phases"] = {
            str(number): left
            for number, left in artifacts(session).items()
            if int(number) < phase.number
        }
    return content


def evidence_required(phase: Phase) -> Fields:
    """Return the fields that leaving a phase asks for."""
    gate = phase.gate or GateDefinition()
    asked: Fields = {
        name: field.model_dump(mode="json", exclude_defaults=False)
        for name, field in gate.evidence_schema.items()
    }
    if phase.gate is None:
        asked = {name: {"type": "any", "required": True} for name in phase.required_evidence}
    return asked


def artifacts(session: WorkflowSession) -> dict[str, Mapping[str, JsonValue]]:
    """Return what the completed phases left; in place of what is too large, how large it is."""
    room_bytes, shown = MOST_SHOWN_BYTES, dict[str, Mapping[str, JsonValue]]()
    for number, left in sorted(session.phase_artifacts.items()):
        if number not in session.completed_phases:
            continue
        size_bytes = len(json.dumps(dict(left)))
        room_bytes -= size_bytes
        shown[str(number)] = left
        if room_bytes < 0:
            room_bytes += size_bytes
            shown[str(number)] = {
                "too_large_to_show": True,
                "size_bytes": size_bytes,
                "fields": names(left),
            }
    return shown


def names(fields: Iterable[str]) -> list[JsonValue]:
    """Return names of fields, sorted; of very many the first, of very long ones the ends."""
    return [shortened(name, _LONGEST_NAME) for name in sorted(fields)[:_MOST_NAMES]]


def task_content(*, number: int, text: TaskText, whole: str) -> Fields:
    """Return a task as whoever carries it out gets it."""
    return {
        "task_number": number,
        "title": text.title,
        "description": text.description,
        "execution_steps": [step._asdict() for step in text.steps],
        "artifacts_to_produce": list(text.artifacts),
        "estimated_duration": text.estimated_duration,
        "content": whole,
    }


def failed_checkpoint(*, judged: Judged, phase: int) -> Fields:
    """Return what a checkpoint that failed says."""
    wrong = [each.model_dump(mode="json") for each in judged.wrong]
    return {
        "status": "error",
        "error": f"the checkpoint of phase {phase} failed",
        "error_type": "ValidationError",
        "checkpoint_passed": False,
        "current_phase": phase,
        "missing_evidence": list(judged.missing),
        "validation_errors": wrong,
        "remediation": remediation(judged),
    }


def remediation(judged: Judged) -> str:
    """Say what to do after a checkpoint failed."""
    words = []
    if judged.missing:
        words.append(f"supply {', '.join(judged.missing)}")
    if fields := [each.field for each in judged.wrong if each.field]:
        words.append(f"correct {', '.join(dict.fromkeys(fields))}")
    if any(not each.field for each in judged.wrong):
        words.append("make the fields agree with each other")
    return f"{'; '.join(words)}; then retry_phase, and complete_phase with that evidence"


def summary(view: SessionView) -> Fields:
    """Return a session as a list shows it."""
    known = view.session.summary() if view.session else dict.fromkeys(WorkflowSession.SUMMARY)
    return {
        **known,
        "session_id": view.session_id,
        "status": known["session_status"],
        "interrupted": view.interrupted,
        "stale": view.stale,
        "problem": view.problem,
    }


def next_actions(*, session: WorkflowSession) -> list[str]:
    """Return what makes sense now with a session that is no upgrade's, the most likely first."""
    status = session.session_status
    if status is SessionStatus.FAILED:
        return ["get_errors", "retry_phase", "rollback", "get_phase"]
    if not ALLOWED[status]:
        return ["get_session", "list_workflows", "delete_session"]
    return [*ALLOWED[status], "get_phase" if status is SessionStatus.ACTIVE else "get_state"]


def plain(value: Any) -> Sequence[Any]:  # noqa: ANN401 - a tuple of models
    """Return models as JSON has them."""
    return [each.model_dump(mode="json") for each in value]
