"""Acts on a real ext4, cuts its power, lets it bring itself in order, and judges what is left.

The states that the crash model knows are more; these are those that a kernel really leaves.
"""

from collections.abc import Iterator
from pathlib import Path

from tests.faults.ext4 import Ext4
from tests.faults.interposer import SYNCS, Fault, Kind
from tests.faults.rounds import Ended, Mode, Player, Scenario, judge_cut


class PowerCuts:
    """Arranges a scenario once on a disk of its own, and cuts its power as often as wanted."""

    def __init__(self, player: Player, scenario: Scenario, mode: Mode, work: Path) -> None:
        """Arrange, and see which effects the act has when nothing happens to it."""
        self._player, self._scenario, self._mode = player, scenario, mode
        self._disk = Ext4(work)
        with self._disk.mounted() as root:
            player.arrange(scenario, mode, root)
        self._disk.keep()
        with self._disk.mounted() as root:
            self._called = self._act(root, Fault(Kind.NONE, 0)).called

    def cuts(self, kind: Kind, *, stride: int, seed: int) -> Iterator[Fault]:
        """List cuts: before and after each sync, or, where names survive, before every effect.

        The last one comes when the act is over.
        """
        over = len(self._called) + 1
        numbers = range(1, over)
        if kind is Kind.CUT:
            syncs = [number for number in numbers if self._called[number - 1] in SYNCS]
            chosen = sorted({*syncs, *(number + 1 for number in syncs)} - {over})
        else:
            chosen = [*numbers]
        for number in [*chosen[seed % stride :: stride], over]:
            yield Fault(kind, number)

    def problems(self, cut: Fault) -> list[str]:
        """Act until the cut, mount again, settle, and judge."""
        self._disk.reset()
        with self._disk.mounted() as root:
            ended = self._act(root, cut)
            if not ended.killed:
                self._disk.cut(cut.kind)
        with self._disk.mounted() as root:
            settled = self._player.settle(self._scenario, self._mode, root)
            return judge_cut(self._scenario.look(root), ended, settled)

    def _act(self, root: Path, fault: Fault) -> Ended:
        with self._player.powered(self._disk.cut):
            return self._player.act(self._scenario, self._mode, root, fault)
