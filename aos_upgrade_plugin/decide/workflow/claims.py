"""What somebody claims about a phase of an upgrade, beside what its gate measured."""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.decide.run.evidence import evidence_fields
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.words import printable, shortened

Claims = Mapping[str, JsonValue]

_LONGEST = 200


class Contradiction(NamedTuple):
    """A claim that is not what was measured."""

    field: str
    """With the names on the way to it: ``actual_upgrade.new_files``."""
    claimed: JsonValue
    measured: JsonValue
    """Nothing where it was not measured at all."""


def refuse_unknown(claims: Claims, *, gate: Gate) -> None:
    """Raise UsageError for a claim about something that the gate of a phase does not measure."""
    known = evidence_fields(gate)
    unknown = sorted(shortened(printable(name), _LONGEST) for name in claims if name not in known)
    if unknown:
        raise UsageError(
            f"nothing measures {', '.join(unknown[:5])} in this phase",
            cure=f"claim none of it, or some of: {', '.join(known)}",
        )


def contradictions(claims: Claims, *, measured: Claims) -> tuple[Contradiction, ...]:
    """Return every claim that is not what was measured, in the order of the claims.

    Of an object only the members that are claimed count. A number is its value: ``3`` is ``3.0``,
    and neither is ``true``.
    """
    return tuple(_differing(claims, measured, above=""))


def _differing(claims: Claims, measured: Claims, *, above: str) -> Iterator[Contradiction]:
    for name, claimed in claims.items():
        found = measured.get(name)
        if isinstance(claimed, Mapping) and isinstance(found, Mapping):
            yield from _differing(claimed, found, above=f"{above}{name}.")
        elif not _same(claimed, found):
            yield Contradiction(f"{above}{name}", claimed, found)


def _same(one: JsonValue, other: JsonValue) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return not any(_differing(one, other, above=""))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def told(found: Collection[Contradiction]) -> str:
    """Return contradictions as one line, with both values of each."""
    words = [
        f"{each.field} is {_value(each.measured)}, and {_value(each.claimed)} was claimed"
        for each in found
    ]
    return "; ".join(words[:5]) + (f"; and {len(words) - 5} more" if words[5:] else "")


def _value(value: JsonValue) -> str:
    return "nothing" if value is None else shortened(printable(repr(value)), 80)
