"""The sweep: every effect of every scenario, killed or failed, and again in the recovery.

``make faults`` runs all of it and goes on where it was interrupted; the tests run a sample.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.append(str(REPOSITORY))  # last: the package under test may be an installed wheel

from tests.faults.ext4 import obstacle  # noqa: E402 - see above
from tests.faults.interposer import CUTS  # noqa: E402
from tests.faults.rounds import modes_of  # noqa: E402
from tests.faults.sweeper import KINDS, SCENARIOS, Strides, Sweeper, Unit, memory  # noqa: E402
from tests.faults.tallies import OtherTermsError, State, Tally, as_json, as_table, code_digest  # noqa: E402
from tests.oddities import ordinary_user  # noqa: E402

_FOUND, _WRONG_USE, _CANNOT_MOUNT = 1, 2, 3


def sweep(sweeper: Sweeper, units: Iterable[Unit], jobs: int) -> Iterator[Tally]:
    """Run units, several at a time where that is asked for, and yield each that is done."""
    if jobs == 1:
        yield from map(sweeper.run, units)
        return
    with get_context("fork").Pool(jobs, _here.append, (sweeper,)) as pool:
        yield from pool.imap_unordered(_run_here, units)


# A worker's own sweeper: forked and never pickled, for a copy is not what the effects ask.
_here: list[Sweeper] = []


def _run_here(unit: Unit) -> Tally:
    return _here[0].run(unit)


def units(sweeper: Sweeper, only: str) -> Iterator[Unit]:
    """List what is to be done first: every act, and watching what its recoveries have to meet."""
    chosen = [
        (scenario, mode)
        for scenario in SCENARIOS
        for mode in modes_of(scenario)
        if f"{scenario.name}/{mode.name}/".startswith(only)
    ]
    for scenario, mode in chosen:
        yield from sweeper.acts(scenario, mode)
    for scenario, mode in chosen:
        yield sweeper.watch(scenario, mode)


def main() -> int:
    """Run from the command line; the exit status is 1 where a problem was found."""
    options = _options()
    kinds = options.kinds or KINDS
    if CUTS & {*kinds} and (reason := obstacle()):
        sys.stderr.write(f"no power is cut on ext4: {reason}\n")
        if options.kinds:
            return _CANNOT_MOUNT
        kinds = [kind for kind in kinds if kind not in CUTS]
    try:
        state = _state(options)
    except OtherTermsError as error:
        sys.stderr.write(f"error: {error}\n")
        return _WRONG_USE
    with tempfile.TemporaryDirectory(dir=memory(), prefix="faults-") as work, ordinary_user():
        _sweep_all(options, kinds, state, Path(work))
    sys.stdout.write(as_json(state.done) if options.json else as_table(state.done))
    return _FOUND if any(tally.problems for tally in state.done.values()) else 0


def _sweep_all(options: argparse.Namespace, kinds: Sequence[str], state: State, work: Path) -> None:
    act, kills, recovery = options.strides
    strides = Strides(act, kills, recovery, options.samples)
    sweeper = Sweeper(work, kinds, strides, options.plant)
    found = _sweep(sweeper, [*units(sweeper, options.only)], state, options)
    if not (found and options.until_found):
        watched = [tally for tally in state.done.values() if tally.leads_to]
        led_to = (unit for tally in watched for unit in sweeper.led_to(tally))
        chosen = [unit for unit in led_to if unit.key.startswith(options.only)]
        _sweep(sweeper, chosen, state, options)


def _sweep(
    sweeper: Sweeper, units: Sequence[Unit], state: State, options: argparse.Namespace
) -> bool:
    """Do what is not done yet, and say whether a problem was found."""
    left = [unit for unit in units if unit.key not in state.done]
    found = False
    for tally in sweep(sweeper, left, options.jobs):
        state.add(tally)
        for problem in tally.problems:
            sys.stderr.write(f"{problem}\n")
        found = found or bool(tally.problems)
        if found and options.until_found:
            break
    return found


def _state(options: argparse.Namespace) -> State:
    terms = {name: vars(options)[name] for name in ("strides", "samples", "plant")}
    return State(options.state, {**terms, "code": code_digest()})


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="where SCENARIO/MODE begins so, as in the table")
    parser.add_argument(
        "--kinds", nargs="+", choices=KINDS, help="what happens; without, all that can be here"
    )
    parser.add_argument(
        "--strides",
        type=int,
        nargs=3,
        default=[1, 1, 1],
        help="every how many-th effect is met: of acts; of acts before the recovery; of recoveries",
    )
    parser.add_argument("--samples", type=int, default=8, help="random power cuts at each moment")
    parser.add_argument("--plant", default="", help="a bug to plant first")
    parser.add_argument("--until-found", action="store_true", help="stop at the first problem")
    parser.add_argument("--state", type=Path, help="remember what is done here, and go on from it")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time")
    parser.add_argument("--json", action="store_true", help="answer in JSON")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
