"""Nothing is left out that a recovery may meet, although each moment is met only once."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.interposer import FAILURES, Kind
from tests.faults.moments import Moment
from tests.faults.recoveries import FAULTS, Recovery, Tries, recoveries, representatives
from tests.faults.running import unmeasured

COMPARED = Path(__file__).with_name("compared.py")
PAIRS = 5


@pytest.mark.parametrize(
    "scenario",
    ["undo/exchange", pytest.param("apply/fallback", marks=pytest.mark.faults_full)],
)
def test_equal_moments_lead_to_the_same(scenario: str) -> None:
    """Whichever recovery a moment belongs to, a fault there leaves the same disk and promises."""
    run = subprocess.run(
        [sys.executable, COMPARED, scenario, str(PAIRS)],
        env=unmeasured(),
        check=True,
        capture_output=True,
        text=True,
    )
    pairs = [json.loads(line) for line in run.stdout.splitlines()]
    assert len(pairs) == PAIRS
    assert [one for one, _ in pairs] == [other for _, other in pairs]
    assert len({one for one, _ in pairs}) > 1, "everything is taken for the same"


def moment(disk: str, effect: str = "rename", *, line: int = 1, promised: str = "") -> Moment:
    """Return a moment on a disk at a line."""
    return Moment(disk.encode(), frozenset({promised}), effect, (), (("module.py", line),))


A, B, C, D = (moment(disk) for disk in "abcd")
ACT = (A, B, moment("b", line=2), C, D)
"""An act whose third effect finds the disk as the second found it."""
WATCHED = {
    1: (A, B),
    2: (moment("b", "write"), B, C),
    4: (moment("c", line=3), B, D, moment("e", line=4)),
    5: (D, moment("e", line=4)),
}
"""The moments of the recovery from each kill."""


def found(goes_on: Sequence[tuple[Moment, Kind]] = (), *, kills: int = 1) -> list[Recovery]:
    """Go through recoveries that have the moments above, of which some failures go on."""

    def watch(number: int, promised: frozenset[str], tries: Tries) -> Any:  # noqa: ANN401 - what is asked of a watcher
        assert promised == frozenset({""})
        moments = WATCHED[number]
        ends = {
            (at, kind): (each, kind) not in goes_on
            for at, each in enumerate(moments, 1)
            for kind in tries(each)
        }
        return SimpleNamespace(moments=moments, ends=ends)

    return list(recoveries(ACT, watch, kills=kills, tries=1))


def test_every_different_disk_is_recovered_from() -> None:
    """A kill that leaves what an earlier one left is that one."""
    assert [each.killed_before for each in found()] == [1, 2, 4, 5]


def test_every_moment_is_met_once() -> None:
    """What a fault may meet in any recovery it meets in one, and nothing twice."""
    for kind in {*FAULTS} - {*FAILURES, Kind.KILL, Kind.TORN}:
        met = [WATCHED[each.killed_before][at - 1] for each in found() for at in each.new[kind]]
        assert len(met) == len({*met})
        assert {*met} == {each for moments in WATCHED.values() for each in moments}


def test_a_kill_is_met_on_every_disk_that_the_act_does_not_leave() -> None:
    """A kill leaves nothing but the disk; those that the act leaves are settled without a fault."""
    met = [(each.killed_before, at) for each in found() for at in each.new[Kind.KILL]]
    assert met == [(4, 4)]


def test_a_torn_write_is_met_at_writes() -> None:
    """Nothing else can be torn."""
    met = [(each.killed_before, at) for each in found() for at in each.new[Kind.TORN]]
    assert met == [(2, 1)]


def test_a_failure_that_is_not_the_end_is_met() -> None:
    """What is done after a failure has to be seen; at that step it is then tried every time."""
    step = moment("c", line=3)
    met = found([(step, Kind.EIO)])
    assert {each.killed_before: each.new[Kind.EIO] for each in met if each.new[Kind.EIO]} == {
        4: (1,)
    }


def test_every_failure_is_tried_at_a_new_step() -> None:
    """Which failure it was may make a difference to the code that sees it."""
    assert found()[0].ended == len(FAILURES) + 1, "all at the first moment, one at the same step"


def test_recoveries_that_do_the_same_are_represented() -> None:
    """One of each kind, and one more where there is one."""
    some = [Recovery(number, {}, (), frozenset(), 0) for number in (3, 5, 9)]
    other = Recovery(7, {}, (), frozenset({("rename", ())}), 0)
    chosen = representatives([*some, other], "seed")
    assert {3, 7} < chosen
    assert len(chosen) == 3
