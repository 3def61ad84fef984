"""From what the checks of a gate measured to the evidence of its phase."""

from collections.abc import Mapping

from pydantic import JsonValue, ValidationError

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.evidence import (
    Phase0Evidence,
    Phase1Evidence,
    Phase2Evidence,
    Phase3Evidence,
    Phase4Evidence,
    Phase5Evidence,
)
from aos_upgrade_plugin.models.gate import Gate

_EVIDENCE: Mapping[Gate, type[Frozen]] = {
    Gate.PRE_FLIGHT: Phase0Evidence,
    Gate.BACKUP: Phase1Evidence,
    Gate.CONTENT: Phase2Evidence,
    Gate.SERVER: Phase3Evidence,
    Gate.VALIDATION: Phase4Evidence,
    Gate.CLEANUP: Phase5Evidence,
}


def evidence_fields(gate: Gate) -> dict[str, JsonValue]:
    """Return what the checks of a gate measure, by name, each with its JSON schema's type."""
    model = _EVIDENCE.get(gate)
    if model is None:
        return {}
    fields = model.model_json_schema(mode="serialization")["properties"]
    return {name: _type_of(field) for name, field in fields.items()}


def _type_of(field: Mapping[str, JsonValue]) -> JsonValue:
    """Return the type of a field; ``object`` where its schema is told elsewhere."""
    options = field.get("anyOf")
    if isinstance(options, list):
        types = [each["type"] for each in options if isinstance(each, dict) and "type" in each]
        return next((each for each in types if each != "null"), "object")
    return field.get("type", "object")


def evidence_of(gate: Gate, facts: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Return the evidence of a gate's phase by the names of the design document.

    Where something is missing or not as it has to be (its check failed, or was waived), what
    there is stands beside ``incomplete``, which names the rest. A rollback has none of its own.
    """
    model = _EVIDENCE.get(gate)
    if model is None:
        return {}
    measured = {name: value for name, value in facts.items() if name in model.model_fields}
    try:
        evidence: dict[str, JsonValue] = model.model_validate(measured).model_dump(mode="json")
    except ValidationError as error:
        missing: list[JsonValue] = [*sorted({str(each["loc"][0]) for each in error.errors()})]
        return {**measured, "incomplete": missing}
    return evidence
