"""Whether evidence lets a phase be left: strictly, and no where it cannot be told."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from aos_upgrade_plugin.decide.workflow.checkpoint import DEEPEST, judge, problems_of, unstorable
from aos_upgrade_plugin.models.checkpoint import GateDefinition

GATE = GateDefinition.model_validate(
    {
        "checkpoint": {"strict": True, "allow_override": True},
        "evidence_schema": {
            "done": {"type": "boolean", "required": True},
            "files": {"type": "integer", "required": True, "validator": "positive"},
            "percent": {
                "type": "integer",
                "required": False,
                "validator": "in_range",
                "validator_params": {"min_val": 0, "max_val": 100},
            },
            "names": {"type": "list", "required": False, "validator": "unique"},
            "notes": {"type": "string", "required": False},
            "report": {"type": "object", "required": False},
        },
        "validators": {"unique": "lambda x: len(set(x)) == len(x)"},
        "cross_field_validation": [
            {
                "rule": "lambda e: e.get('names') is None or len(e['names']) == e['files']",
                "error_message": "each file has a name",
            }
        ],
    }
)
RIGHT: dict[str, JsonValue] = {"done": True, "files": 2}


def _judged(
    evidence: dict[str, JsonValue], gate: GateDefinition | None = GATE
) -> tuple[list[str], list[tuple[str, str]]]:
    found = judge(gate=gate, named=(), criteria=("it is done",), evidence=evidence)
    assert found.passed is (not found.missing and not found.wrong)
    return [*found.missing], [(each.field, each.error) for each in found.wrong]


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"percent": 0},
        {"percent": 100, "names": ["a", "b"], "notes": "", "report": {}},
        {"notes": None},
    ],
)
def test_what_fits_passes(more: dict[str, JsonValue]) -> None:
    """What the schema, the validators and the rules allow opens the gate."""
    assert _judged({**RIGHT, **more}) == ([], [])


@pytest.mark.parametrize(
    ("evidence", "missing"),
    [
        ({}, ["done", "files"]),
        ({"done": True}, ["files"]),
        ({"done": None, "files": 1}, ["done"]),
    ],
)
def test_what_is_missing_is_named(evidence: dict[str, JsonValue], missing: list[str]) -> None:
    """A field that is nothing is as good as not there."""
    assert _judged(evidence) == (missing, [])


@pytest.mark.parametrize(
    ("more", "field", "error"),
    [
        ({"done": "true"}, "done", "this must be of type boolean, not str"),
        ({"done": 1}, "done", "this must be of type boolean, not int"),
        ({"files": True}, "files", "this must be of type integer, not bool"),
        ({"files": 2.0}, "files", "this must be of type integer, not float"),
        ({"files": "2"}, "files", "this must be of type integer, not str"),
        ({"files": 0}, "files", "the validator 'positive' says no"),
        ({"percent": 101}, "percent", "the validator 'in_range' says no (min_val 0, max_val 100)"),
        ({"names": {"a": 1}}, "names", "this must be of type list, not dict"),
        ({"names": ["a", "a"]}, "names", "the validator 'unique' says no"),
        (
            {"names": [[1], [2]]},
            "names",
            "the validator 'unique' cannot judge this: it came to nothing: TypeError",
        ),
        ({"notes": ["a"]}, "notes", "this must be of type string, not list"),
        ({"report": []}, "report", "this must be of type object, not list"),
        ({"name": "x"}, "name", "this gate is strict, and asks for no such field"),
        ({"names": ["a"]}, "", "each file has a name"),
    ],
)
def test_what_is_wrong_is_named(more: dict[str, JsonValue], field: str, error: str) -> None:
    """Types are what JSON calls them; one wrong field is one line."""
    assert _judged({**RIGHT, **more}) == ([], [(field, error)])


def test_nothing_loosens_a_gate() -> None:
    """``strict: false`` and ``allow_override: true`` let no missing or wrong field through."""
    options = {"strict": False, "allow_override": True}
    loose = GateDefinition.model_validate({**GATE.model_dump(), "checkpoint": options})
    assert _judged({"done": 1, "more": 1}, loose) == (
        ["files"],
        [("done", "this must be of type boolean, not int")],
    )


@pytest.mark.parametrize("evidence", [{}, {"anything": None}])
def test_a_phase_without_a_gate_wants_to_be_told_something(evidence: dict[str, JsonValue]) -> None:
    """No evidence is never enough; what is missing are the phase's criteria."""
    assert _judged(evidence, None) == (["it is done"], [])
    assert _judged(evidence, GateDefinition()) == (["it is done"], [])
    assert _judged({"anything": False}, None) == ([], [])


def test_fields_that_only_the_metadata_names() -> None:
    """They are asked for where there is no gate; a gate takes their place."""
    found = judge(gate=None, named=("spec",), criteria=(), evidence={"other": 1})
    assert found.missing == ("spec",)
    assert judge(gate=GATE, named=("spec",), criteria=(), evidence=RIGHT).passed


def test_a_rule_that_cannot_be_told_is_not_kept() -> None:
    """A rule about a field that is not there fails, and says so."""
    gate = GateDefinition.model_validate(
        {
            "evidence_schema": {"a": {"type": "integer"}},
            "cross_field_validation": [{"rule": "evidence['b'] > 0", "error_message": "b counts"}],
        }
    )
    assert _judged({"a": 1}, gate) == (
        [],
        [("", "b counts (cannot be told: it came to nothing: KeyError)")],
    )


@pytest.mark.parametrize(
    ("gate", "problem"),
    [
        ({"validators": {"v": "lambda x: open(x)"}}, "the validator 'v' is refused"),
        ({"evidence_schema": {"a": {"type": "string", "validator": "v"}}}, "which is not there"),
        (
            {"cross_field_validation": [{"rule": "x.y", "error_message": ""}]},
            "the rule 'x.y' is refused",
        ),
    ],
)
def test_a_gate_that_could_judge_nothing_is_a_problem(gate: object, problem: str) -> None:
    """It is found when the definition is read, not when somebody stands before it."""
    (found,) = problems_of(GateDefinition.model_validate(gate))
    assert problem in found


def _nested(levels: int) -> JsonValue:
    value: JsonValue = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("evidence", "why"),
    [
        ({"a": _nested(DEEPEST)}, "nested"),
        ({"a": _nested(100_000)}, "nested"),
        ({"a": float("nan")}, "finite"),
        ({"a": [float("-inf")]}, "finite"),
        ({"a": 1 << 1024}, "too large"),
        ({"a": "\ud800"}, "Unicode"),
        ({"\udfff": 1}, "Unicode"),
    ],
)
def test_what_could_not_be_kept_is_refused(evidence: JsonValue, why: str) -> None:
    """What would not read back as it was written is never stored."""
    assert why in (unstorable(evidence) or "")


@settings(max_examples=40)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_whatever_json_is_evidence_the_gate_has_an_answer(value: JsonValue) -> None:
    """A gate says yes or no to anything, and raises nothing."""
    _judged({"done": value, "files": value, "names": value, "report": value})
    unstorable(value)
