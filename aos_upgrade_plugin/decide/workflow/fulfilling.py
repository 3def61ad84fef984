"""Evidence that satisfies a gate's schema: a specimen, to try a workflow out. It claims nothing."""

import ast
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, permutations, product
from typing import NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.decide.workflow.checkpoint import STANDARD, judge
from aos_upgrade_plugin.decide.workflow.expressions import ExpressionError, read_expression
from aos_upgrade_plugin.models.checkpoint import EvidenceField, FieldType, GateDefinition
from aos_upgrade_plugin.models.definition import Phase

Specimen = dict[str, JsonValue]

_MOST_TRIED, _MOST_FITTING, _MOST_TOGETHER = 400, 6, 3_000
_LONGEST = 10_000


class _Constants(NamedTuple):
    """What an expression compares with: most of what satisfies it is near."""

    numbers: tuple[int, ...]
    texts: tuple[str, ...]

    def lengths(self) -> list[int]:
        near = (each + step for each in self.numbers for step in (0, 1, -1))
        return [each for each in dict.fromkeys(near) if 0 <= each <= _LONGEST]


def specimen(phase: Phase) -> Specimen | None:
    """Return evidence that opens a phase's gate; nothing where none was found.

    Of the fields that need not be there it has only those that a rule speaks of, if they are
    needed. What is returned was judged: the phase takes it.
    """
    gate = phase.gate
    if gate is None:
        return dict.fromkeys(phase.required_evidence or ("done",), True)
    return next((each for each in _tried(gate) if _opens(gate, each)), None)


def _opens(gate: GateDefinition, evidence: Specimen) -> bool:
    return judge(gate=gate, named=(), criteria=(), evidence=evidence).passed


def _tried(gate: GateDefinition) -> Iterator[Specimen]:
    """Yield what might do: a field that no rule speaks of has one value, the others several."""
    said = _constants(rule.rule for rule in gate.cross_field_validation)
    choices: dict[str, Sequence[JsonValue]] = {}
    if not gate.evidence_schema:
        yield {"done": True}
    for name, field in gate.evidence_schema.items():
        in_rule = name in said.texts
        if field.required or in_rule:
            most = _MOST_FITTING if in_rule else 1
            absent = () if field.required else (None,)
            choices[name] = (*absent, *islice(_fitting(gate, name, said), most))
    for values in islice(product(*choices.values()), _MOST_TOGETHER):
        chosen = zip(choices, values, strict=True)
        yield {name: value for name, value in chosen if value is not None}


def _fitting(gate: GateDefinition, name: str, said: _Constants) -> Iterator[JsonValue]:
    """Yield values that a field may have by itself, each once."""
    field = gate.evidence_schema[name]
    alone = GateDefinition(evidence_schema={name: field}, validators=gate.validators)
    near = _constants(_validator(gate, field), params=field.validator_params.values())
    both = _Constants(near.numbers + said.numbers, near.texts + said.texts)
    seen: set[str] = set()
    for value in islice(_values(field.type, both), _MOST_TRIED):
        if repr(value) not in seen and _opens(alone, {name: value}):
            seen.add(repr(value))
            yield value


def _validator(gate: GateDefinition, field: EvidenceField) -> Iterator[str]:
    if field.validator is not None:
        yield gate.validators.get(field.validator, STANDARD.get(field.validator, ""))


# ---- what might do -----------------------------------------------------------------------------


def _constants(expressions: Iterable[str], *, params: Iterable[JsonValue] = ()) -> _Constants:
    """Return the numbers and texts of expressions and of their parameters, each once."""
    found: list[object] = [*chain.from_iterable(map(_leaves, params))]
    for text in expressions:
        try:
            body = read_expression(text, implied="x").body
        except ExpressionError:
            continue  # whoever judges says so
        found += [node.value for node in ast.walk(body) if isinstance(node, ast.Constant)]
    numbers = [int(each) for each in found if isinstance(each, int | float)]
    texts = [each for each in found if isinstance(each, str)]
    return _Constants(tuple(dict.fromkeys(numbers)), tuple(dict.fromkeys(texts)))


def _leaves(value: JsonValue) -> Iterator[JsonValue]:
    match value:
        case dict():
            yield from chain.from_iterable(map(_leaves, value.values()))
        case list():
            yield from chain.from_iterable(map(_leaves, value))
        case _:
            yield value


def _values(kind: FieldType, near: _Constants) -> Iterator[JsonValue]:
    match kind:
        case FieldType.BOOLEAN:
            yield from (True, False)
        case FieldType.INTEGER:
            yield from _integers(near)
        case FieldType.STRING:
            yield from _strings(near)
        case FieldType.LIST:
            yield from _lists(near)
        case FieldType.OBJECT:
            yield from _objects(near)


def _integers(near: _Constants) -> Iterator[int]:
    yield from (1, 0, 2)
    yield from (each + step for each in near.numbers for step in (0, 1, -1))
    yield from (-each - step for each in near.numbers for step in (0, 1, -1))
    yield from (one + other for one in near.numbers for other in near.numbers)
    yield from (3, 5, 10, 100, 1_000, -1)


def _strings(near: _Constants) -> Iterator[str]:
    yield "said"
    yield from near.texts
    for count in (2, 3):
        yield from map("".join, islice(permutations(near.texts, count), 20))
    for length in near.lengths():
        yield from (text.ljust(length, "x") for text in ("said", *near.texts))
        yield from (text.rjust(length, "x") for text in near.texts)
        yield "1" * length
    yield from ("", "1", "10", "SAID", "said, said")


def _lists(near: _Constants) -> Iterator[list[JsonValue]]:
    items: list[JsonValue] = ["said", 1, True, *near.texts, *near.numbers]
    items += [*islice(_objects(near), 4)]
    yield from ([each] for each in items)
    yield [*near.texts]
    yield [*near.numbers]
    for length in dict.fromkeys((*near.lengths(), 2, 3)):
        yield [f"said {number}" for number in range(length)]
        yield [*range(1, length + 1)]
        yield from ([each] * length for each in items)
    yield []


def _objects(near: _Constants) -> Iterator[dict[str, JsonValue]]:
    values: tuple[JsonValue, ...] = (True, "said", 1, ["said"], *near.numbers, *near.texts)
    for names in (near.texts or ("said",), ("said",), *((each,) for each in near.texts)):
        for value in values:
            yield dict.fromkeys(names, value)
    for length in near.lengths():
        yield {f"said {number}": True for number in range(length)}
    yield {}
