"""What a sweep consists of: units of rounds, each at other effects, each remembered by its key."""

import os
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple, TypeVar

from tests.faults import scenarios, stored_scenarios, trees
from tests.faults.crash_model import Laboratory
from tests.faults.deeds import DEEDS, deed_done
from tests.faults.interposer import CUTS, FAILURES, Fault, Kind
from tests.faults.meanwhile import NO_DEED, number_of
from tests.faults.moments import Watcher
from tests.faults.power_cut import PowerCuts
from tests.faults.recoveries import FAULTS, Recovery, Tries, drawn, recoveries, representatives
from tests.faults.rounds import MODES, Look, Mode, Player, Promise, Round, Scenario
from tests.faults.tallies import Tally

T = TypeVar("T")

SCENARIOS: tuple[Scenario, ...] = (*scenarios.SCENARIOS, *stored_scenarios.SCENARIOS)
POWER_CUT = "power-cut"
"""A kind beside those of the interposer: every state that a power cut may leave."""
KINDS: tuple[str, ...] = (*Kind, POWER_CUT)
_DEED_STRIDE_IN_RECOVERIES = 101
"""Of the deeds in recoveries one in so many is done, at most: there are a million of them."""
_IN_REPRESENTATIVES = (POWER_CUT, Kind.MEANWHILE, *sorted(CUTS))
"""What recoveries meet that stand for their kind."""
_HAVE_SOMEBODY = frozenset({"stale"})
"""Scenarios in which somebody is at work already, and may replace what another one does."""
WATCH = "watch"
"""No fault: recoveries are watched, to find out which faults they are to meet."""


class Unit(NamedTuple):
    """What is done, remembered and resumed as one."""

    scenario: str
    mode: str
    kind: str
    killed_before: int = 0
    """The effect before which the act was killed, to meet the faults in the recovery."""
    numbers: tuple[int, ...] = ()
    """The effects of the recovery that meet a fault."""

    @property
    def key(self) -> str:
        """Its name in the state file."""
        return f"{self.scenario}/{self.mode}/{self.kind}/{self.killed_before}"


@dataclass(frozen=True)
class Strides:
    """How much of it is left out: every how many-th is met."""

    act: int = 1
    """Of the effects of an act."""
    kills: int = 1
    """Of the different disks that a kill in an act leaves, to meet faults in the recovery."""
    recovery: int = 1
    """Of the effects of a recovery that are to meet one."""
    samples: int = 8
    """How many random choices of what is lost there are for each moment of a power cut."""


Rounds = Iterator[tuple[str, Sequence[str]]]
"""Where each round met what, and the problems that it showed."""


class Interrupted:
    """The recovery of a scenario that was killed, as a scenario of its own."""

    arranges_by_product = True
    clean_after: frozenset[str] = frozenset()
    stands_with: frozenset[str] = frozenset()

    def __init__(self, player: Player, inner: Scenario, mode: Mode, killed_before: int) -> None:
        """Take what is interrupted, and where."""
        self.name = f"{inner.name}, killed"
        self._inner = inner
        self.arrange = partial(self._kill, player, mode, Fault(Kind.KILL, killed_before))

    def _kill(self, player: Player, mode: Mode, fault: Fault, root: Path) -> None:
        player.arrange(self._inner, mode, root)
        player.act(self._inner, mode, root, fault)

    def act(self, root: Path, promise: Promise) -> None:
        """Recover."""
        self._inner.settle(root, promise)

    def settle(self, root: Path, promise: Promise) -> None:
        """Recover again."""
        self._inner.settle(root, promise)

    def look(self, root: Path) -> Look:
        """Say what the disk shows."""
        return self._inner.look(root)


class Sweeper:
    """Runs units below a work folder."""

    def __init__(self, work: Path, kinds: Sequence[str], strides: Strides, plant: str) -> None:
        """Take the terms that all units share."""
        self._work = work
        self._kinds = kinds
        self._strides = strides
        self._player = Player(plant)
        self._effects: dict[tuple[str, str], tuple[str, ...]] = {}

    def acts(self, scenario: Scenario, mode: Mode) -> Iterator[Unit]:
        """List what an act is to meet in a mode."""
        for kind in self._kinds:
            if kind in self._kinds_of(scenario.name):
                yield Unit(scenario.name, mode.name, kind)

    def _kinds_of(self, scenario: str) -> Collection[str]:
        left_out = {Kind.MEANWHILE} if scenario in _HAVE_SOMEBODY else set()
        return {*self._kinds} - left_out

    def watch(self, scenario: Scenario, mode: Mode) -> Unit:
        """Return the unit that leads to what recoveries are to meet."""
        return Unit(scenario.name, mode.name, WATCH)

    def led_to(self, watched: Tally) -> Iterator[Unit]:
        """List what the recoveries from an act are to meet, as watching them led to."""
        for scenario, mode, kind, killed_before, numbers in watched.leads_to:
            if kind in self._kinds_of(scenario):
                yield Unit(scenario, mode, kind, killed_before, tuple(numbers))

    def run(self, unit: Unit) -> Tally:
        """Play every round of a unit."""
        began = time.monotonic()
        scenario, mode = scenario_named(unit.scenario), _mode(unit.mode)
        tally = Tally(unit.key)
        if unit.kind == WATCH:
            self._watch_into(tally, scenario, mode)
        else:
            for place, problems in self._rounds(scenario, mode, unit):
                tally.rounds += 1
                tally.problems += [f"{unit.key}, {place}: {problem}" for problem in problems]
        tally.seconds = time.monotonic() - began
        return tally

    def _watch_into(self, tally: Tally, scenario: Scenario, mode: Mode) -> None:
        """Watch recoveries; a failure that was tried and leads where a kill does is a round."""
        found = list(self._watched(scenario, mode))
        representing = representatives(found, tally.key)
        for recovery in found:
            tally.rounds += recovery.ended
            here = Unit(scenario.name, mode.name, WATCH, recovery.killed_before)
            tally.leads_to += self._faults_after(here, recovery)
            if recovery.killed_before in representing:
                tally.leads_to += [here._replace(kind=kind) for kind in _IN_REPRESENTATIVES]

    def _faults_after(self, here: Unit, recovery: Recovery) -> Iterator[Unit]:
        again = drawn(recovery, here.key)
        for kind in FAULTS:
            unit = here._replace(kind=kind)
            new = recovery.new[kind] if kind in FAILURES else self._some(recovery.new[kind], unit)
            if numbers := (*new, *again.get(kind, ())):
                yield unit._replace(numbers=numbers)

    def _watched(self, scenario: Scenario, mode: Mode) -> Iterator[Recovery]:
        act = self._moments(Watcher, scenario, mode)

        def watch(number: int, promised: frozenset[str], tries: Tries) -> Watcher:
            watcher_of = partial(Watcher, promised=promised, tries=tries)
            recovery = Interrupted(self._player, scenario, mode, number)
            return self._moments(watcher_of, recovery, mode)

        strides = self._strides
        return recoveries(act.moments, watch, kills=strides.kills, tries=strides.recovery)

    def _moments(self, watcher_of: Callable[[Path], Watcher], act: Scenario, mode: Mode) -> Watcher:
        watcher, ended = self._player.observe(act, mode, self._fresh(), watcher_of)
        assert not ended.raised + ended.defect, ended
        return watcher

    def _rounds(self, scenario: Scenario, mode: Mode, unit: Unit) -> Rounds:
        if unit.kind == POWER_CUT:
            return self._crashes(scenario, mode, unit)
        if unit.kind in CUTS:
            return self._cuts(scenario, mode, unit)
        if unit.kind == Kind.MEANWHILE:
            return self._deeds(scenario, mode, unit)
        return self._faults(scenario, mode, unit)

    def _faults(self, scenario: Scenario, mode: Mode, unit: Unit) -> Rounds:
        for number in self._numbers(scenario, mode, unit):
            fault = Fault(Kind(unit.kind), number)
            first = Fault(Kind.KILL, unit.killed_before)
            faults = [first, fault] if unit.killed_before else [fault]
            yield f"effect {number}", self._play(scenario, mode, faults).problems

    def _crashes(self, scenario: Scenario, mode: Mode, unit: Unit) -> Rounds:
        act = self._interrupted(scenario, mode, unit)
        laboratory = Laboratory(self._player, act, mode, self._root)
        stride, seed = self._stride(unit), _seed(unit)
        for crash in laboratory.crashes(stride=stride, samples=self._strides.samples, seed=seed):
            yield str(crash), laboratory.problems(crash)

    def _cuts(self, scenario: Scenario, mode: Mode, unit: Unit) -> Rounds:
        act = self._interrupted(scenario, mode, unit)
        power_cuts = PowerCuts(self._player, act, mode, self._fresh())
        kind, stride, seed = Kind(unit.kind), self._stride(unit), _seed(unit)
        for cut in power_cuts.cuts(kind, stride=stride, seed=seed):
            yield f"effect {cut.number}", power_cuts.problems(cut)

    def _deeds(self, scenario: Scenario, mode: Mode, unit: Unit) -> Rounds:
        act = self._interrupted(scenario, mode, unit)
        calm = self._play(act, mode, [Fault(Kind.MEANWHILE, NO_DEED)])
        yield "no deed", calm.problems
        calls = calm.ended[0].called
        for deed, call in self._some([*product(DEEDS, range(len(calls)))], unit):
            fault = Fault(Kind.MEANWHILE, number_of(call, deed))
            problems = self._play(act, mode, [fault]).problems
            if deed_done(self._root):
                yield f"{deed} before call {call}, {calls[call]}", problems

    def _interrupted(self, scenario: Scenario, mode: Mode, unit: Unit) -> Scenario:
        """Return what is acted in a unit: the scenario, or its recovery."""
        if not unit.killed_before:
            return scenario
        return Interrupted(self._player, scenario, mode, unit.killed_before)

    def _stride(self, unit: Unit) -> int:
        if not unit.killed_before:
            return self._strides.act
        at_least = _DEED_STRIDE_IN_RECOVERIES if unit.kind == Kind.MEANWHILE else 1
        return max(self._strides.recovery, at_least)

    def _numbers(self, scenario: Scenario, mode: Mode, unit: Unit) -> Sequence[int]:
        """Number the effects that are met; of the torn ones only the writes count."""
        if unit.killed_before:
            return unit.numbers
        if unit.kind == Kind.NONE:
            return [1]
        called = enumerate(self._called(scenario, mode), 1)
        met = [number for number, name in called if unit.kind != Kind.TORN or name == "write"]
        return self._some(met, unit)

    def _some(self, numbers: Sequence[T], unit: Unit) -> Sequence[T]:
        stride = self._stride(unit)
        return numbers[_seed(unit) % stride :: stride]

    def _called(self, scenario: Scenario, mode: Mode) -> tuple[str, ...]:
        """Name the effects of an act."""
        place = (scenario.name, mode.name)
        if place not in self._effects:
            self._effects[place] = self._play(scenario, mode, [None]).ended[0].called
            assert self._effects[place], "no effect of the act was numbered"
        return self._effects[place]

    def _play(self, scenario: Scenario, mode: Mode, faults: Sequence[Fault | None]) -> Round:
        return self._player.play(scenario, mode, self._fresh(), faults)

    def _fresh(self) -> Path:
        trees.clear(self._root)
        self._root.mkdir()
        return self._root

    @property
    def _root(self) -> Path:
        """Where rounds are played; several processes may share a sweeper."""
        return self._work / str(os.getpid())


def memory() -> str | None:
    """Return a folder in memory, where there is one: thousands of trees come and go."""
    memory = "/dev/shm"  # noqa: S108 - a folder of our own is made in it
    return memory if os.access(memory, os.W_OK) else None


def _seed(unit: Unit) -> int:
    """Return where to begin in a unit of which some is left out: not everywhere the same."""
    return sum(unit.key.encode())


def scenario_named(name: str) -> Scenario:
    """Return a scenario."""
    return next(each for each in SCENARIOS if each.name == name)


def _mode(name: str) -> Mode:
    return next(each for each in MODES if each.name == name)
