"""One round: act in a child that meets a fault, settle in the next ones, look at the disk."""

import json
import os
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from aos_upgrade_plugin.effects.disk import EXCHANGE_SWITCH
from aos_upgrade_plugin.effects.tree.staging import RESERVE
from aos_upgrade_plugin.errors import UpgradeError
from tests.faults import planted
from tests.faults.interposer import Fault, Faulty, Kind, Real, surround
from tests.faults.meanwhile import Somebody

Promise = Callable[[str], None]
"""Takes the name of the state that the disk is in, to be believed from then on."""

Step = Callable[[Promise], None]


class Look(NamedTuple):
    """What the disk shows."""

    states: frozenset[str]
    """The allowed states that it could be taken for; several where they are alike."""
    difference: str
    """What it lacks to the likeliest allowed state."""
    residue: tuple[str, ...] = ()
    """What should be gone once everything is over."""
    wrongly_aside: tuple[str, ...] = ()
    """What was set aside as if it were the user's."""


class Scenario(Protocol):
    """Something that must leave one of a few states behind, whatever happens to it."""

    @property
    def name(self) -> str:
        """How tables and commands call it."""

    @property
    def arranges_by_product(self) -> bool:
        """Whether arranging runs what is under test, so that the system's abilities matter."""

    @property
    def clean_after(self) -> frozenset[str]:
        """The states that leave no residue once they are promised, also after a fault."""

    @property
    def stands_with(self) -> frozenset[str]:
        """The states that are promised while the way back is still open: its means remain."""

    def arrange(self, root: Path) -> None:
        """Make an empty root ready; no fault is injected into this."""

    def act(self, root: Path, promise: Promise) -> None:
        """Do the thing, with its own handling of errors, which includes going back."""

    def settle(self, root: Path, promise: Promise) -> None:
        """Do what the next command would do, until nothing of the act is left."""

    def look(self, root: Path) -> Look:
        """Say what the disk shows."""


class Observer(Protocol):
    """Something that looks on at every effect of an act."""

    def promise(self, state: str) -> None:
        """Take notice that a state was given as a fact."""

    def __call__(self, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the effect answers
        """Stand in for one effect."""

    def refused(self) -> None:
        """Take notice that the act ended by saying why it does not do all."""

    def over(self) -> None:
        """Take notice of any other end."""


Looking = TypeVar("Looking", bound=Observer)


class Mode(NamedTuple):
    """What the system is able to do: exchange two names, and sync a whole file system."""

    name: str
    arranged_with: bool
    """Whether it was while the scenario was arranged."""
    acts_with: bool
    """Whether it is from the act on."""


def modes_of(scenario: Scenario) -> tuple[Mode, ...]:
    """List the modes that differ for a scenario."""
    return MODES if scenario.arranges_by_product else MODES[:2]


MODES = (
    Mode("exchange", arranged_with=True, acts_with=True),
    Mode("fallback", arranged_with=False, acts_with=False),
    Mode("lost", arranged_with=True, acts_with=False),
)


class Ended(NamedTuple):
    """How a step ended."""

    promises: tuple[str, ...] = ()
    called: tuple[str, ...] = ()
    """The names of its effects; where somebody is at work, all its calls; nothing where killed."""
    raised: str = ""
    defect: str = ""
    """What nothing should ever raise."""
    killed: bool = False


class Round(NamedTuple):
    """What came of one round."""

    ended: tuple[Ended, ...]
    problems: tuple[str, ...]


class Player:
    """Plays rounds in this process and its children, whose effects it numbers from now on."""

    def __init__(self, plant: str = "") -> None:
        """Plant a bug, where one is named."""
        self._faulty = Faulty()
        self._observer: Observer | None = None
        self._somebody: Somebody | None = None
        surround(self._around)
        planted.plant(plant)

    def play(
        self, scenario: Scenario, mode: Mode, root: Path, faults: Sequence[Fault | None]
    ) -> Round:
        """Arrange, act under the first fault, settle under each other one, at last freely."""
        self.arrange(scenario, mode, root)
        ended = [self.act(scenario, mode, root, faults[0])]
        problems = _judge_child(ended[0], faults[0])
        problems += _judge_on_full_disk(ended[0], faults[0], reserve=True)
        if not ended[0].killed:
            ends = frozenset(ended[0].promises) - scenario.stands_with
            clean = scenario.clean_after if _is_met(faults[0]) else ends
            problems += _judge_promise(scenario.look(root), ended[0], clean)
        for fault in faults[1:]:
            reserve = any(root.rglob(RESERVE))
            ended.append(self._in_child(partial(scenario.settle, root), mode, fault))
            problems += _judge_child(ended[-1], fault)
            problems += _judge_on_full_disk(ended[-1], fault, reserve=reserve)
        ended.append(self.settle(scenario, mode, root))
        look = scenario.look(root)
        problems += judge_end(look, ended)
        if look.wrongly_aside:
            problems.append(f"set aside and not the user's: {look.wrongly_aside}")
        return Round(tuple(ended), tuple(problems))

    def observe(
        self, scenario: Scenario, mode: Mode, root: Path, observer_of: Callable[[Path], Looking]
    ) -> tuple[Looking, Ended]:
        """Arrange a root, and let somebody look on at all that the act does to it."""
        self.arrange(scenario, mode, root)
        observer = observer_of(root)
        self._observer = observer
        try:
            ended = self._run(partial(scenario.act, root), mode, None, observer.promise)
        finally:
            self._observer = None
        observer.over()
        return observer, ended

    def settle(self, scenario: Scenario, mode: Mode, root: Path) -> Ended:
        """Settle in this process."""
        return self._run(partial(scenario.settle, root), mode, None)

    def arrange(self, scenario: Scenario, mode: Mode, root: Path) -> None:
        """Make an empty root ready in this process."""
        with _exchanging(able=mode.arranged_with):
            scenario.arrange(root)

    def act(self, scenario: Scenario, mode: Mode, root: Path, fault: Fault | None) -> Ended:
        """Act in a child on an arranged root under a fault, and leave it so."""
        step: Step = partial(scenario.act, root)
        if fault is not None and fault.kind is Kind.MEANWHILE:
            step = self._beside(Somebody(root, fault.number), step)
        return self._in_child(step, mode, fault)

    @contextmanager
    def powered(self, cut: Callable[[Kind], None]) -> Iterator[None]:
        """Work on a disk whose power can be cut, so that syncs are real."""
        self._faulty.cut_power = cut
        try:
            yield
        finally:
            self._faulty.cut_power = None

    def _around(self, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the effect answers
        if self._somebody is not None:
            self._somebody.about_to(name, arguments)
        if self._observer is None:
            return self._faulty(name, real, arguments)
        return self._observer(name, partial(self._faulty.call, name, real), arguments)

    def _beside(self, somebody: Somebody, step: Step) -> Step:
        """Let somebody else be at work during a step, in a child, which ends with it."""

        def accompanied(promise: Promise) -> None:
            self._somebody = somebody
            with somebody.watching():
                step(promise)

        return accompanied

    def _in_child(self, step: Step, mode: Mode, fault: Fault | None) -> Ended:
        """Run a step in a forked child to its end, or until the fault kills it."""
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            try:
                ended = self._run(step, mode, fault, lambda state: _say(writer, state))
                _say(writer, ended._asdict())
            finally:
                os._exit(0)
        os.close(writer)
        with open(reader, "rb") as pipe:
            *promises, last = [None, *(json.loads(line) for line in pipe.read().splitlines())]
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            return Ended(tuple(each for each in (*promises, last) if each), killed=True)
        if last is None:
            return Ended(defect=f"it ended without a word, with the status {status}")
        return Ended(**{name: _tuple(value) for name, value in last.items()})

    def _run(
        self, step: Step, mode: Mode, fault: Fault | None, tell: Promise = lambda _: None
    ) -> Ended:
        """Run a step in this process."""
        promises: list[str] = []

        def promise(state: str) -> None:
            promises.append(state)
            tell(state)

        raised = defect = ""
        self._faulty.expect(fault, syncs_filesystems=mode.acts_with)
        try:
            with _exchanging(able=mode.acts_with):
                step(promise)
        except (OSError, UpgradeError):
            if self._observer is not None:
                self._observer.refused()
            raised = traceback.format_exc()
        except Exception:  # noqa: BLE001 - whatever it is, it is judged
            defect = traceback.format_exc()
        called = self._faulty.called if self._somebody is None else self._somebody.calls
        return Ended(tuple(promises), tuple(called), raised, defect)


def _say(writer: int, words: object) -> None:
    os.write(writer, json.dumps(words).encode() + b"\n")


def _tuple(value: object) -> Any:  # noqa: ANN401 - a field of Ended as JSON has it
    return tuple(value) if isinstance(value, list) else value


@contextmanager
def _exchanging(*, able: bool) -> Iterator[None]:
    if not able:
        os.environ[EXCHANGE_SWITCH] = "off"
    try:
        yield
    finally:
        os.environ.pop(EXCHANGE_SWITCH, None)


def _judge_child(ended: Ended, fault: Fault | None) -> list[str]:
    """Name what a step should not have done."""
    if ended.defect:
        return [ended.defect]
    return [ended.raised] if ended.raised and fault is None else []


def _judge_on_full_disk(ended: Ended, fault: Fault | None, *, reserve: bool) -> list[str]:
    """Ask for an orderly end on a disk that is full while the reserve is still to be given back."""
    if fault is None or fault.kind is not Kind.FULL or not reserve:
        return []
    released = "remove" in ended.called[: fault.number - 1]
    stuck = ended.raised and not ended.promises and not released
    return [f"not even back on a full disk: {ended.raised}"] if stuck else []


def _is_met(fault: Fault | None) -> bool:
    return fault is not None and fault.kind is not Kind.NONE


def _judge_promise(look: Look, ended: Ended, clean: frozenset[str]) -> list[str]:
    """Hold an act that lived to the state that it said."""
    promised = set(ended.promises)
    if not promised <= look.states:
        return [f"{promised} was said after the act, but: {look.difference}"]
    if promised & clean and look.residue:
        return [f"left after the act, though all was over: {look.residue}"]
    return []


def judge_cut(look: Look, ended: Ended, settled: Ended) -> list[str]:
    """Name what is wrong when all is settled after a power cut, which may have come at the end."""
    return [*_judge_child(ended, None), *judge_end(look, (ended, settled))]


def judge_end(look: Look, ended: Sequence[Ended]) -> list[str]:
    """Name what is wrong when everything is settled, the last step without a fault."""
    promised = {state for each in ended for state in each.promises}
    problems = _judge_child(ended[-1], None)
    if not look.states:
        problems.append(f"neither old nor new: {look.difference}")
    elif not promised <= look.states:
        problems.append(f"it said {promised} but is {set(look.states)}: {look.difference}")
    if look.residue:
        problems.append(f"left in the end: {look.residue}")
    return problems
