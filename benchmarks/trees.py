"""Measure backup, verification, a second backup and a restore, ours beside other ways.

    python benchmarks/trees.py --files 500 10000 --rounds 5

All are measured in one run, one after the other in each round, so that whatever slows the
machine slows all of them. Nothing is deleted between the rounds: on ext4 that would make what
follows erratic. What it means: docs/explanation/benchmarks.md.
"""

import argparse
import json
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1]))  # what is installed comes first

from aos_upgrade_plugin.effects import disk
from benchmarks.contenders import CONTENDERS, Contender, Step

BYTES_EACH = 50_000
STEPS = ("backup", "verify", "second", "restore")
EXPECTED = {"backup": 0.45, "verify": 0.45, "second": 0.15}
"""What part of the naive pattern's time ours may take."""
WHO = ("ours", "naive")
SETTLED_S = 2.2
"""After so long, nobody doubts that a file with an unchanged time is unchanged."""


class Times(NamedTuple):
    """How long one step took, and making it durable."""

    work_s: float
    sync_s: float


Measured = dict[str, dict[str, list[Times]]]
"""By contender and step, one for each round."""


def main() -> None:
    """Measure, print tables, and write them beside the figures where that was asked for."""
    options = _options()
    figures = {}
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for count in options.files:
            first = nullcontext if not options.realtime else _first_of_all
            figures[count] = measure(Path(folder) / str(count), count, options.rounds, first)
    text = "\n\n".join(_tables(count, measured) for count, measured in figures.items())
    sys.stdout.write(f"{text}\n")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "trees.md").write_text(f"{_circumstances(options)}\n\n{text}\n")
        (options.output / "trees.json").write_text(json.dumps(figures, indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--files", type=int, nargs="+", default=[500, 10_000])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--realtime", action="store_true", help="let nothing else run meanwhile; Linux, as root"
    )
    parser.add_argument("--folder", type=Path, help="where the trees are made")
    parser.add_argument("--output", type=Path, help="a folder for trees.md and trees.json")
    return parser.parse_args()


def measure(
    folder: Path, count: int, rounds: int, priority: Callable[[], AbstractContextManager[None]]
) -> Measured:
    """Let every contender that is installed do all steps, round by round."""
    present = [name for name in CONTENDERS if _is_there(name)]
    for name in present:
        make_tree(folder / name / "project" / ".praxis-os", count)
    measured: Measured = {name: {step: [] for step in STEPS} for name in present}
    for turn in range(rounds):
        time.sleep(SETTLED_S)
        contenders = {name: _begun(folder / name, turn) for name in present}
        for step in STEPS:
            for name in present:
                live = folder / name / "project" / ".praxis-os"
                if step in {"second", "restore"}:
                    _change_one_percent(live, count, f"{turn} {step}")
                _make_memory_ready(count)
                work: Step | None = getattr(contenders[name], step)
                if work is not None:
                    with priority():
                        measured[name][step].append(_timed(work, folder))
    return measured


def _is_there(name: str) -> bool:
    program, _ = CONTENDERS[name]
    if program is None or shutil.which(program):
        return True
    sys.stderr.write(f"{name} is not installed and left out\n")
    return False


def _begun(folder: Path, turn: int) -> Contender:
    store = folder / f"round-{turn}"
    store.mkdir()
    _, contender = CONTENDERS[folder.name]
    return contender(folder / "project" / ".praxis-os", store)


def make_tree(install: Path, count: int) -> None:
    """Make an installation of so many files, many small and few large, always the same."""
    chance = random.Random(count)  # noqa: S311 - the same tree every time
    weights = [chance.lognormvariate(0, 1.2) for _ in range(count)]
    bytes_for_weight = count * BYTES_EACH / sum(weights)
    pool = chance.randbytes(1 << 24)
    for number, weight in enumerate(weights):
        path = _path(install, number)
        path.parent.mkdir(parents=True, exist_ok=True)
        size = min(int(weight * bytes_for_weight), len(pool))
        start = chance.randrange(len(pool) - size + 1)
        path.write_bytes(pool[start : start + size])


def _path(install: Path, number: int) -> Path:
    topic = install / "standards" / "universal" / f"topic-{number // 140:04}"
    return topic / f"part-{number // 14 % 10}" / f"document-{number:06}.md"


def _change_one_percent(install: Path, count: int, words: str) -> None:
    first = random.Random(words).randrange(min(100, count))  # noqa: S311 - the same for all
    for number in range(first, count, 100):
        with _path(install, number).open("r+b") as file:
            file.write(words.encode())


def _make_memory_ready(count: int) -> None:
    """Write everything out, and touch the memory that will be needed.

    A virtual machine gets its memory from its host when it is first used, which can take longer
    than what is measured, and meets whoever comes first.
    """
    os.sync()
    touch = "import sys; memory = bytearray(int(sys.argv[1])); memory[::4096] = memory[::4096]"
    size = min(3 * count * BYTES_EACH, 2 << 30)
    subprocess.run([sys.executable, "-c", touch, str(size)], check=True)


def _timed(work: Step, folder: Path) -> Times:
    """Time a step, and apart from it what makes it durable, within the step or after it."""
    with _sync_timed() as synced_s:
        began_s = time.perf_counter()
        work()
        worked_s = time.perf_counter() - began_s
        within_s = sum(synced_s)
        descriptor = os.open(folder, os.O_RDONLY)
        disk.sync_filesystem(descriptor)
        os.close(descriptor)
        return Times(worked_s - within_s, sum(synced_s))


@contextmanager
def _first_of_all() -> Iterator[None]:
    """Let no ordinary process take the processor away, from us and from what we start."""
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))
    try:
        yield
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


@contextmanager
def _sync_timed() -> Iterator[list[float]]:
    """Collect how long each of our calls that make something durable takes."""
    taken_s: list[float] = []

    def timed(call: Callable[[int], object]) -> Callable[[int], object]:
        def instead(descriptor: int) -> object:
            began_s = time.perf_counter()
            answer = call(descriptor)
            taken_s.append(time.perf_counter() - began_s)
            return answer

        return instead

    real = {name: getattr(disk, name) for name in ("sync", "sync_filesystem")}
    for name, call in real.items():
        setattr(disk, name, timed(call))
    try:
        yield taken_s
    finally:
        for name, call in real.items():
            setattr(disk, name, call)


def _tables(count: int, measured: Measured) -> str:
    heading = f"{count} files, {count * BYTES_EACH / 1e6:.0f} MB"
    return "\n\n".join(
        (
            _table(heading, measured, lambda times: times.work_s),
            _table(f"{heading}, made durable", measured, lambda times: times.work_s + times.sync_s),
            _judgement(measured),
        )
    )


def _table(heading: str, measured: Measured, of: Callable[[Times], float]) -> str:
    lines = [f"| {heading} | {' | '.join(STEPS)} |", "|---" * (len(STEPS) + 1) + "|"]
    for name, steps in measured.items():
        cells = [_cell(steps[step], measured["naive"][step], of) for step in STEPS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(times: list[Times], naive: list[Times], of: Callable[[Times], float]) -> str:
    if not times:
        return "-"
    seconds = _median(map(of, times))
    return f"{seconds:.3f} s ({seconds / _median(map(of, naive)):.2f} x)"


def _median(values: Iterable[float]) -> float:
    return statistics.median(values)


def _judgement(measured: Measured) -> str:
    verdicts = []
    for step, limit in EXPECTED.items():
        ours, naive = (_median(each.work_s for each in measured[who][step]) for who in WHO)
        word = "holds" if ours / naive <= limit else "is missed"
        verdicts.append(f"{step} {ours / naive:.2f} x naive, expected ≤ {limit}: {word}")
    return "; ".join(verdicts) + "."


def _circumstances(options: argparse.Namespace) -> str:
    files = " ".join(map(str, options.files))
    return (
        f"Measured on {datetime.now(UTC):%Y-%m-%d}: {platform.system()} {platform.release()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}; medians of "
        f"{options.rounds} rounds, in parentheses the part of the naive pattern's time. "
        f"`python benchmarks/trees.py --files {files} --rounds {options.rounds}"
        f"{' --realtime' if options.realtime else ''}`"
    )


if __name__ == "__main__":
    main()
