"""What the recoveries of an act are to meet, so that every moment of each is met, but only once.

A kill may come at every effect of an act, and a fault at every effect of the recovery from it: a
million rounds, most of them the same. Each moment is met that no earlier recovery had; so that
nobody has to believe that this is enough, some that are left out are met as well, drawn by lot.
"""

import random
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tests.faults.interposer import CUTS, FAILURES, Kind
from tests.faults.moments import Moment, Step, Watcher

FAULTS = tuple(kind for kind in Kind if kind not in {Kind.NONE, Kind.MEANWHILE, *CUTS})
"""What happens at one effect of a recovery."""
_DRAWN = 0.25
Tries = Callable[[Moment], Collection[Kind]]
Watch = Callable[[int, frozenset[str], Tries], Watcher]
"""Looks on at the recovery from a kill before an effect of an act, until which something was
promised, and tries which failures are its end."""


class Recovery(NamedTuple):
    """What the recovery from one kill is to meet."""

    killed_before: int
    """The effect of the act before which it was killed."""
    new: Mapping[Kind, tuple[int, ...]]
    """The effects of the recovery where a fault leads to what none has led to yet."""
    known: tuple[int, ...]
    """The effects where no kind of fault does."""
    steps: frozenset[Step]
    """What recovery does from here: two with the same steps are of one kind."""
    ended: int
    """How many failures were tried and were its end, so that they lead where a kill leads."""


class Met:
    """What earlier recoveries have met."""

    def __init__(self, left_by_kill: Iterable[object], stride: int) -> None:
        """Begin with the disks that kills of the act leave; try every stride-th moment."""
        self.faults: dict[Kind, set[object]] = {kind: set() for kind in FAULTS}
        self.faults[Kind.KILL].update(left_by_kill)
        self._stride = stride
        self._moments: set[Moment] = set()
        self._steps: set[Step] = set()
        self._steps_that_go_on: set[Step] = set()

    def tries(self, moment: Moment) -> Collection[Kind]:
        """Choose failures: all at a new step, and where one was not the end; else by turns."""
        if moment in self._moments:
            return ()
        self._moments.add(moment)
        turn, left_out = divmod(len(self._moments), self._stride)
        if left_out:
            return ()
        is_new = moment.step not in self._steps
        self._steps.add(moment.step)
        if is_new or moment.step in self._steps_that_go_on:
            return FAILURES
        return (FAILURES[turn % len(FAILURES)],)

    def add(self, watched: Watcher) -> Mapping[Kind, tuple[int, ...]]:
        """Number the effects of a recovery at which each fault leads to something new."""
        for (number, _), is_end in watched.ends.items():
            if not is_end:
                self._steps_that_go_on.add(watched.moments[number - 1].step)
        return {kind: tuple(self._new(watched, kind)) for kind in FAULTS}

    def _new(self, watched: Watcher, kind: Kind) -> Iterator[int]:
        for number, moment in enumerate(watched.moments, 1):
            if kind in FAILURES:
                if not watched.ends.get((number, kind), True):
                    yield number
                continue
            key = moment.left_by_kill if kind is Kind.KILL else moment
            if key not in self.faults[kind] and (kind is not Kind.TORN or moment.effect == "write"):
                self.faults[kind].add(key)
                yield number


def recoveries(
    act: Sequence[Moment], watch: Watch, *, kills: int, tries: int
) -> Iterator[Recovery]:
    """Go through every disk that a kill of the act leaves, or every so many-th."""
    disks = {moment.left_by_kill: number for number, moment in reversed([*enumerate(act, 1)])}
    numbers, met = sorted(disks.values()), Met(disks, tries)
    for number in numbers[min(kills, len(numbers)) // 2 :: kills]:
        watched = watch(number, act[number - 1].promised, met.tries)
        new = met.add(watched)
        known = {*range(1, len(watched.moments) + 1)}.difference(*new.values())
        steps = frozenset(moment.step for moment in watched.moments)
        yield Recovery(number, new, tuple(sorted(known)), steps, sum(watched.ends.values()))


def drawn(recovery: Recovery, seed: str) -> Mapping[Kind, tuple[int, ...]]:
    """Draw, for one in four, an effect that is known and a fault that it meets all the same."""
    chance = random.Random(seed)  # noqa: S311 - the same every time
    if not recovery.known or chance.random() > _DRAWN:
        return {}
    return {chance.choice((Kind.KILL, *FAILURES)): (chance.choice(recovery.known),)}


def representatives(found: Sequence[Recovery], seed: str) -> set[int]:
    """Choose the first recovery of each kind, and another one of it by lot."""
    by_kind: dict[frozenset[Step], list[int]] = {}
    for recovery in found:
        by_kind.setdefault(recovery.steps, []).append(recovery.killed_before)
    chance = random.Random(seed)  # noqa: S311 - the same every time
    first = {numbers[0] for numbers in by_kind.values()}
    return first | {chance.choice(numbers[1:]) for numbers in by_kind.values() if numbers[1:]}
