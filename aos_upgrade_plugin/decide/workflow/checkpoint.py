"""Whether the evidence that somebody submits lets a phase be left. What cannot be told is a no."""

import math
from collections.abc import Collection, Iterator, Mapping

from pydantic import JsonValue

from aos_upgrade_plugin.decide.workflow.evaluating import holds
from aos_upgrade_plugin.decide.workflow.expressions import ExpressionError, read_expression
from aos_upgrade_plugin.models.checkpoint import (
    EvidenceField,
    FieldType,
    GateDefinition,
    Judged,
    Wrong,
)
from aos_upgrade_plugin.models.words import shortened

Evidence = Mapping[str, JsonValue]

MOST_EVIDENCE_BYTES = 10 * 1024 * 1024
DEEPEST = 50
_MOST_BITS = 1024
_MOST_UNKNOWN, _LONGEST_NAME = 50, 200

STANDARD = {
    "contains_text": "lambda x, text: text in x",
    "equals": "lambda x, expected: x == expected",
    "has_fields": "lambda x, fields: all(name in x for name in fields)",
    "in_range": "lambda x, min_val, max_val: min_val <= x <= max_val",
    "max_length": "lambda x, max_len: len(x) <= max_len",
    "min_length": "lambda x, min_len: len(x) >= min_len",
    "non_empty": "lambda x: len(x) > 0",
    "non_negative": "lambda x: x >= 0",
    "not_equals": "lambda x, forbidden: x != forbidden",
    "positive": "lambda x: x > 0",
}
"""The validators that every gate has."""

_IS: dict[FieldType, type | tuple[type, ...]] = {
    FieldType.BOOLEAN: bool,
    FieldType.INTEGER: int,
    FieldType.STRING: str,
    FieldType.OBJECT: dict,
    FieldType.LIST: list,
}


def problems_of(gate: GateDefinition) -> Iterator[str]:
    """Yield what is wrong with a gate definition itself: it can judge nothing then."""
    for name, text in gate.validators.items():
        yield from _unreadable(f"the validator {name!r}", text, "x")
    for rule in gate.cross_field_validation:
        yield from _unreadable(f"the rule {rule.rule[:60]!r}", rule.rule, "evidence")
    for name, field in gate.evidence_schema.items():
        if field.validator is not None and _text(gate, field.validator) is None:
            yield f"the field {name!r} wants the validator {field.validator!r}, which is not there"


def _unreadable(what: str, text: str, implied: str) -> Iterator[str]:
    try:
        read_expression(text, implied=implied)
    except ExpressionError as error:
        yield f"{what} is refused: {error}"


def judge(
    *,
    gate: GateDefinition | None,
    named: Collection[str],
    criteria: Collection[str],
    evidence: Evidence,
) -> Judged:
    """Judge the evidence for a phase.

    ``named`` are fields that the metadata asks for without a type; a gate takes their place. A
    phase that asks for nothing still wants to be told something: no evidence is never enough.
    Then what is missing are its ``criteria``.
    """
    named = () if gate else named
    schema = gate.evidence_schema if gate else {}
    wanted = [*(name for name, field in schema.items() if field.required), *named]
    missing = tuple(dict.fromkeys(name for name in wanted if evidence.get(name) is None))
    if not schema and not named and all(value is None for value in evidence.values()):
        missing = tuple(criteria) or ("what was done in this phase",)
    if gate is None:
        return Judged(missing, ())
    wrong = [*_unknown(gate, evidence), *_misfits(gate, evidence)]
    if not missing and not wrong:
        wrong += _broken_rules(gate, evidence)
    return Judged(missing, tuple(wrong))


def _unknown(gate: GateDefinition, evidence: Evidence) -> Iterator[Wrong]:
    if gate.checkpoint.strict and gate.evidence_schema:
        unknown = [name for name in evidence if name not in gate.evidence_schema]
        for name in unknown[:_MOST_UNKNOWN]:
            yield Wrong(
                field=shortened(name, _LONGEST_NAME),
                error="this gate is strict, and asks for no such field",
            )


def _misfits(gate: GateDefinition, evidence: Evidence) -> Iterator[Wrong]:
    for name, field in gate.evidence_schema.items():
        value = evidence.get(name)
        if value is None:
            continue
        if not _fits(field.type, value):
            said = type(value).__name__
            yield Wrong(field=name, error=f"this must be of type {field.type}, not {said}")
        elif field.validator is not None and (why := _invalid(gate, field, value)):
            yield Wrong(field=name, error=why)


def _fits(kind: FieldType, value: JsonValue) -> bool:
    if isinstance(value, bool):  # which Python takes for a number
        return kind is FieldType.BOOLEAN
    return isinstance(value, _IS[kind])


def _invalid(gate: GateDefinition, field: EvidenceField, value: JsonValue) -> str:
    name = field.validator or ""
    try:
        expression = read_expression(_text(gate, name) or "", implied="x")
        first, *_ = expression.parameters
        if holds(expression, values={**field.validator_params, first: value}):
            return ""
    except ExpressionError as error:
        return f"the validator {name!r} cannot judge this: {error}"
    wants = ", ".join(f"{key} {value}" for key, value in field.validator_params.items())
    return f"the validator {name!r} says no" + (f" ({wants})" if wants else "")


def _text(gate: GateDefinition, validator: str) -> str | None:
    return gate.validators.get(validator, STANDARD.get(validator))


def _broken_rules(gate: GateDefinition, evidence: Evidence) -> Iterator[Wrong]:
    for each in gate.cross_field_validation:
        try:
            expression = read_expression(each.rule, implied="evidence")
            if not holds(expression, values={expression.parameters[0]: dict(evidence)}):
                yield Wrong(field="", error=each.error_message)
        except ExpressionError as error:
            yield Wrong(field="", error=f"{each.error_message} (cannot be told: {error})")


def unstorable(evidence: JsonValue) -> str | None:
    """Return why evidence could not be kept as it is, whatever it says; nothing where it can."""
    waiting: list[tuple[object, int]] = [(evidence, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > DEEPEST:
            return f"it is nested more than {DEEPEST} levels deep"
        if why := _unstorable(value):
            return why
        if isinstance(value, Mapping):
            waiting += [(each, depth + 1) for pair in value.items() for each in pair]
        elif isinstance(value, list):
            waiting += [(each, depth + 1) for each in value]
    return None


def _unstorable(value: object) -> str | None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return "a text in it is no Unicode"
    if isinstance(value, float) and not math.isfinite(value):
        return "a number in it is not finite"
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return "a number in it is too large"
    return None
