"""Lets equal moments of different recoveries meet the same fault, and prints what comes of each.

Usage: compared.py SCENARIO/MODE HOW-MANY. A line of JSON for each pair: what there is afterwards.
"""

import json
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY))  # last: the package under test may be an installed wheel

from tests.faults.interposer import Fault, Kind  # noqa: E402 - see above
from tests.faults.moments import Moment, Watcher  # noqa: E402
from tests.faults.rounds import MODES, Mode, Player, Scenario  # noqa: E402
from tests.faults.sweeper import Interrupted, memory, scenario_named  # noqa: E402
from tests.faults.trees import clear  # noqa: E402
from tests.oddities import ordinary_user  # noqa: E402

EVERY_KILL = 24
"""How far the disks are apart from which the recoveries start."""


class Comparison:
    """Recoveries of one scenario in one mode, and what they have in common."""

    def __init__(self, scenario: Scenario, mode: Mode, root: Path) -> None:
        """Watch some of them."""
        self._player, self._scenario, self._mode, self._root = Player(), scenario, mode, root
        act, _ = self._player.observe(scenario, mode, self._fresh(), Watcher)
        self._met: dict[Moment, list[tuple[int, int]]] = {}
        for killed_before in range(2, len(act.moments), EVERY_KILL):
            recovery = Interrupted(self._player, scenario, mode, killed_before)
            watched, _ = self._player.observe(recovery, mode, self._fresh(), Watcher)
            for number, moment in enumerate(watched.moments, 1):
                self._met.setdefault(moment, []).append((killed_before, number))

    def pairs(self, count: int) -> Iterator[list[str]]:
        """Draw moments that several recoveries have, and yield what a fault there leaves."""
        common = [(met[0], met[-1]) for met in self._met.values() if met[0][0] != met[-1][0]]
        chance = random.Random(count)  # noqa: S311 - the same every time
        for pair in chance.sample(common, count):
            kind = chance.choice((Kind.KILL, Kind.EIO, Kind.EACCES, Kind.FULL))
            yield [self._left_by(Fault(kind, number), before) for before, number in pair]

    def _left_by(self, fault: Fault, killed_before: int) -> str:
        """Return a digest of the disk and the promises after a recovery that met a fault."""
        recovery = Interrupted(self._player, self._scenario, self._mode, killed_before)
        root = self._fresh()
        self._player.arrange(recovery, self._mode, root)
        ended = self._player.act(recovery, self._mode, root, fault)
        return f"{ended.promises} {Watcher(root).digest().hex()}"

    def _fresh(self) -> Path:
        clear(self._root)
        self._root.mkdir()
        return self._root


def main() -> None:
    """Compare as the command line says."""
    name, _, mode = sys.argv[1].partition("/")
    chosen = next(each for each in MODES if each.name == mode)
    with tempfile.TemporaryDirectory(dir=memory()) as work, ordinary_user():
        comparison = Comparison(scenario_named(name), chosen, Path(work) / "root")
        for pair in comparison.pairs(int(sys.argv[2])):
            sys.stdout.write(f"{json.dumps(pair)}\n")


if __name__ == "__main__":
    main()
