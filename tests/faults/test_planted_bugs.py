"""The harness sees: a bug that is planted into the product leaves at least one bad state."""

from typing import NamedTuple

import pytest

from tests.faults.planted import PLANTS
from tests.faults.running import run_sweep

_NEVER = "999999"


class Shown(NamedTuple):
    """Where a planted bug shows itself."""

    plant: str
    scenario: str
    kind: str
    stride: str = _NEVER
    """Of the effects of the act; never: it shows where nothing happens, or at the end."""
    kills: str = _NEVER
    """Of the disks from which recovery starts, where it shows in recovery alone."""

    @property
    def where(self) -> str:
        """Its name as a test."""
        return f"{self.plant}-in-{self.scenario.partition('/')[0]}"


SHOWN_BY = {
    "sync dropped": [
        Shown("stage-not-synced", "apply/exchange", "power-cut", "29"),
        Shown("stage-not-synced", "backup/exchange", "power-cut", "29"),
        Shown("journal-not-synced", "apply/exchange", "power-cut", "29"),
        Shown("name-of-journal-not-synced", "apply/exchange", "power-cut", "29"),
        Shown("name-of-folder-not-synced", "apply/exchange", "power-cut", "29"),
        Shown("ended-under-its-name", "undo/exchange", "power-cut", "7"),
        Shown("folders-not-synced", "apply/exchange", "power-cut", "29"),
    ],
    "order swapped": [
        Shown("recorded-before-synced", "apply/exchange", "power-cut", "7"),
        Shown("taken-back-forwards", "undo/exchange", "none"),
        Shown("commit-not-recorded-first", "commit-or-undo/exchange", "kill", "1"),
    ],
    "journal after exchange": [Shown("journal-after-exchange", "apply/exchange", "kill", "29")],
    "compare left out": [Shown("not-compared", "stale/exchange", "none")],
    "lock by existence": [Shown("lock-by-existence", "lock/exchange", "kill", "1")],
    "recovery that does not count on another": [
        Shown("begun-undo-taken-for-done", "apply/exchange", "kill", kills="51"),
        Shown("cleared-when-undo-fails", "apply/exchange", "EIO", kills="51"),
    ],
    "others overlooked": [
        Shown("strangers-dropped", "undo/exchange", "meanwhile", "23"),
        Shown("vanished-takes-its-folder-along", "backup/exchange", "meanwhile", "7"),
        Shown("given-up-without-its-folder", "apply/exchange", "meanwhile", "7"),
    ],
    "step left out": [
        Shown("undo-not-recorded", "undo/exchange", "kill", "9"),
        Shown("no-reserve", "apply/exchange", "full", "5"),
        Shown("late-writes-dropped", "commit/exchange", "none"),
        Shown("previous-generation-not-kept", "session/exchange", "none"),
    ],
}


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(shown, id=f"{bug}: {shown.where}")
        for bug, several in SHOWN_BY.items()
        for shown in several
    ],
)
def test_a_planted_bug_is_caught(shown: Shown) -> None:
    """A harness that misses one of these proves nothing."""
    planted = ("--plant", shown.plant, "--only", shown.scenario, "--kinds", shown.kind)
    recoveries = (shown.kills, _NEVER if shown.kills == _NEVER else "1")
    strides = ("--strides", shown.stride, *recoveries, "--samples", "1")
    assert run_sweep(*planted, *strides, "--until-found").problems


def test_every_plant_is_tried() -> None:
    """No bug can be planted that nothing looks for."""
    assert {shown.plant for several in SHOWN_BY.values() for shown in several} == {*PLANTS}
