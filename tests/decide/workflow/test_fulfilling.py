"""Evidence that satisfies a gate's schema is found, and is what the gate takes."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from aos_upgrade_plugin.decide.workflow.checkpoint import STANDARD, judge
from aos_upgrade_plugin.decide.workflow.fulfilling import Specimen, specimen
from aos_upgrade_plugin.models.checkpoint import FieldType, GateDefinition
from aos_upgrade_plugin.models.definition import Phase

Json = dict[str, JsonValue]


def _phase(gate: GateDefinition | None, *named: str) -> Phase:
    return Phase(
        number=0,
        name="one",
        purpose="",
        estimated_duration="",
        key_deliverables=(),
        validation_criteria=("it is done",),
        required_evidence=named,
        file=None,
        tasks=(),
        gate=gate,
    )


def _found(schema: Mapping[str, object], **more: object) -> Specimen | None:
    """Return the specimen of a strict gate, having looked that the gate takes it."""
    gate = GateDefinition.model_validate(
        {"checkpoint": {"strict": True}, "evidence_schema": schema, **more}
    )
    found = specimen(_phase(gate))
    if found is not None:
        assert judge(gate=gate, named=(), criteria=("it is done",), evidence=found).passed
    return found


@pytest.mark.parametrize("kind", FieldType)
def test_every_type_has_one(kind: FieldType) -> None:
    """And a field that need not be there is left out."""
    found = _found({"one": {"type": kind}, "two": {"type": kind, "required": False}})
    assert found is not None
    assert [*found] == ["one"]


@pytest.mark.parametrize(
    ("kind", "validator", "params"),
    [
        ("string", "contains_text", {"text": "a word"}),
        ("integer", "equals", {"expected": 41}),
        ("string", "equals", {"expected": "yes"}),
        ("object", "has_fields", {"fields": ["path", "lines"]}),
        ("integer", "in_range", {"min_val": -9, "max_val": -7}),
        ("string", "max_length", {"max_len": 0}),
        ("list", "max_length", {"max_len": 0}),
        ("object", "max_length", {"max_len": 0}),
        ("list", "min_length", {"min_len": 40}),
        ("string", "min_length", {"min_len": 400}),
        ("object", "min_length", {"min_len": 5}),
        ("string", "non_empty", {}),
        ("integer", "non_negative", {}),
        ("string", "not_equals", {"forbidden": "said"}),
        ("boolean", "not_equals", {"forbidden": True}),
        ("integer", "positive", {}),
    ],
)
def test_every_validator_that_each_gate_has(kind: str, validator: str, params: Json) -> None:
    """It is satisfied by what is near its parameters."""
    assert validator in STANDARD
    field: Json = {"type": kind, "validator": validator, "validator_params": params}
    assert _found({"one": field}) is not None


@pytest.mark.parametrize(
    ("kind", "expression"),
    [
        ("boolean", "x is False"),
        ("integer", "lambda x: x % 7 == 3 and x > 10"),
        ("integer", "x in (4, 8)"),
        ("integer", "x < -1000"),
        ("string", "lambda x: x.startswith('src/') and x.endswith('.py')"),
        ("string", "lambda x: x.startswith('spec') and len(x) >= 50"),
        ("string", "lambda x: x.isdigit() and len(x) == 6"),
        ("string", "lambda x: x in ['low', 'high']"),
        ("string", "lambda x: x == x.upper() and len(x) > 2"),
        ("list", "lambda x: all(isinstance(each, int) for each in x) and len(x) == 3"),
        ("list", "lambda x: len(set(x)) == len(x) and len(x) >= 12"),
        ("list", "lambda x: all(each.endswith('.md') for each in x) and len(x) > 0"),
        ("list", "lambda x: all(each.get('path') for each in x) and len(x) > 1"),
        ("object", "lambda x: x['passed'] == 12"),
        ("object", "lambda x: all(x.get(name) for name in ['a', 'b'])"),
        ("object", "lambda x: len(x.items()) > 3"),
    ],
)
def test_validators_of_a_gates_own(kind: str, expression: str) -> None:
    """What people write is found, by the numbers and texts that it speaks of."""
    field = {"type": kind, "validator": "own"}
    assert _found({"one": field}, validators={"own": expression}) is not None


@pytest.mark.parametrize(
    "rule",
    [
        "lambda e: e['passed'] + e['failed'] == e['run']",
        "lambda e: e['failed'] == 0 or e['known']",
        "lambda e: e['run'] > 50 and e['passed'] == 50",
        "lambda e: not e['known'] and e['failed'] > e['passed']",
        "lambda e: e['note'].startswith('waived') and e['known']",
        "lambda e: len(e.get('note', '')) >= e['run']",
        "'note' not in evidence",
    ],
)
def test_rules_between_fields(rule: str) -> None:
    """They are satisfied together, with a field that need not be there where a rule wants it."""
    number = {"type": "integer", "validator": "non_negative"}
    schema: Mapping[str, object] = {
        **dict.fromkeys(("passed", "failed", "run"), number),
        "known": {"type": "boolean"},
        "note": {"type": "string", "required": False},
    }
    rules = [{"rule": rule, "error_message": "they do not agree"}]
    assert _found(schema, cross_field_validation=rules) is not None


@pytest.mark.parametrize(
    ("expression", "rule"),
    [("lambda x: x > 1 and x < 1", "True"), ("True", "lambda e: e['one'] != e['one']")],
)
def test_what_cannot_be_satisfied_has_none(expression: str, rule: str) -> None:
    """Nothing is made up that the gate would refuse."""
    rules = [{"rule": rule, "error_message": "never"}]
    schema: Mapping[str, object] = {"one": {"type": "integer", "validator": "own"}}
    assert _found(schema, validators={"own": expression}, cross_field_validation=rules) is None


def test_phases_without_a_schema() -> None:
    """The fields that the metadata names, or anything at all."""
    assert specimen(_phase(None, "read", "judged")) == {"read": True, "judged": True}
    for gate in (None, GateDefinition()):
        found = specimen(_phase(gate))
        assert found
        assert judge(gate=gate, named=(), criteria=("it is done",), evidence=found).passed


_FIELDS = st.fixed_dictionaries({"type": st.sampled_from([*FieldType]), "required": st.booleans()})


@settings(max_examples=50, deadline=None)
@given(schema=st.dictionaries(st.text(min_size=1, max_size=8), _FIELDS, max_size=12))
def test_any_schema_without_rules(schema: Json) -> None:
    """Whatever its fields are called: it is found at once."""
    assert _found(schema) is not None
