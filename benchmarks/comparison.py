"""What upgrades of edited installations came to, side by side: figures, and tables of them."""

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from tests.real.edits import Kit
from tests.real.judging import Judgement

YARDSTICK = "git merge"
OURS = "ours, three-way alone"
"""Whose time is expected to be near that of the yardstick."""
EXPECTED = 2
_FAULTS: Mapping[str, str] = {
    "lost": "lost edits",
    "stranded": "left behind",
    "wrong": "wrong conflicts",
    "missed": "missed updates",
    "unasked": "not asked about",
}


class Time(NamedTuple):
    """How long an upgrade took, and how much of the processors."""

    clock_s: float
    processor_s: float
    """Of everybody who had a part in it; what else the machine does changes it little."""


class Outcome(NamedTuple):
    """What one of them made of one upgrade."""

    judgement: Judgement
    told: int
    """Of how many paths it said that a person has to look at them."""
    times: tuple[Time, ...]
    """One for each round."""

    @property
    def median(self) -> Time:
        """Both medians."""
        return Time(*map(statistics.median, zip(*self.times, strict=True)))


class Compared(NamedTuple):
    """Everything that was measured."""

    pairs: Sequence[tuple[Kit, Mapping[str, Outcome]]]
    """Each upgrade with what came of it, by who made it."""

    @property
    def who(self) -> tuple[str, ...]:
        """Return who was compared."""
        return tuple(self.pairs[0][1])

    def faults(self, name: str) -> Mapping[str, int]:
        """Count how often one of them was wrong, by the way of being so."""
        return {
            fault: sum(len(getattr(outcomes[name].judgement, fault)) for _, outcomes in self.pairs)
            for fault in _FAULTS
        }

    def ratios(self, name: str) -> tuple[Time, ...]:
        """Return its times as multiples of the yardstick's, upgrade by upgrade."""
        return tuple(
            Time(*(one / other for one, other in zip(own, yardstick, strict=True)))
            for _, outcomes in self.pairs
            if YARDSTICK in outcomes
            for own, yardstick in [(outcomes[name].median, outcomes[YARDSTICK].median)]
        )

    def ratio(self, name: str) -> Time | None:
        """Return the medians of them; nothing where the yardstick was left out."""
        ratios = self.ratios(name)
        return Time(*map(statistics.median, zip(*ratios, strict=True))) if ratios else None

    def figures(self) -> Sequence[Mapping[str, Any]]:
        """Return everything as it is stored, every path by name."""
        return [
            {
                "from": kit.old,
                "to": kit.new,
                "edits": len(kit.edits),
                "outcomes": {
                    name: {
                        **each.judgement._asdict(),
                        "told": each.told,
                        "times": [time._asdict() for time in each.times],
                    }
                    for name, each in outcomes.items()
                },
            }
            for kit, outcomes in self.pairs
        ]


def page(compared: Compared, *, versions: Mapping[str, str]) -> str:
    """Return all tables, with what they are about above and what was expected below."""
    parts = (_about(compared, versions), _sums(compared), _each(compared), _judgement(compared))
    return "\n\n".join(filter(None, parts))


def _about(compared: Compared, versions: Mapping[str, str]) -> str:
    kits = [kit for kit, _ in compared.pairs]
    edits = sum(len(kit.edits) for kit in kits)
    decisions = sum(edit.decision for kit in kits for edit in kit.edits)
    rounds = {len(each.times) for _, outcomes in compared.pairs for each in outcomes.values()}
    with_what = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{len(kits)} upgrades, {edits} edits of which {decisions} have to be decided, "
        f"{sum(map(_upstream, kits))} files changed upstream. Measured on "
        f"{datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.release()}, "
        f"{os.cpu_count()} cores; {with_what}; medians of {_or(rounds)} rounds."
    )


def _upstream(kit: Kit) -> int:
    """Count what is not the same, or not there, in both versions."""
    return sum(kit.base.get(path) != kit.incoming.get(path) for path in {*kit.base, *kit.incoming})


def _or(numbers: Iterable[int]) -> str:
    return " or ".join(map(str, sorted(numbers, reverse=True)))


def _sums(compared: Compared) -> str:
    rows = (
        (name, *map(str, compared.faults(name).values()), *_times(compared, name))
        for name in compared.who
    )
    return _table(("all upgrades", *_FAULTS.values(), "seconds", "processor seconds"), rows)


def _times(compared: Compared, name: str) -> Iterator[str]:
    medians = (outcomes[name].median for _, outcomes in compared.pairs)
    seconds = map(statistics.median, zip(*medians, strict=True))
    ratio = compared.ratio(name)
    for each_s, times in zip(seconds, ratio or (None, None), strict=True):
        yield f"{each_s:.2f}" + (f" ({times:.1f} x)" if times else "")


def _each(compared: Compared) -> str:
    heads = [f"{kit.old[:7]} → {kit.new[:7]}" for kit, _ in compared.pairs]
    rows = ((name, *_cells(compared, name)) for name in compared.who)
    return _table(("lost + left behind / wrong / missed / not asked", *heads), rows)


def _cells(compared: Compared, name: str) -> Iterator[str]:
    for _, outcomes in compared.pairs:
        lost, stranded, *others = map(len, outcomes[name].judgement)
        faults = " / ".join(map(str, (lost + stranded, *others)))
        yield f"{faults}, {outcomes[name].median.clock_s:.2f} s"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |".replace("| --- ", "|---") for cells in lines)


def _judgement(compared: Compared) -> str:
    ratio = compared.ratio(OURS) if OURS in compared.who else None
    if ratio is None:
        return ""
    missed = compared.faults(OURS)["missed"]
    word = "holds" if ratio.clock_s <= EXPECTED and missed == 0 else "is missed"
    return (
        f"{OURS}: {ratio.clock_s:.1f} x the time of {YARDSTICK}, {ratio.processor_s:.1f} x its "
        f"processor time, {missed} missed updates; expected ≤ {EXPECTED} x with none: {word}."
    )
