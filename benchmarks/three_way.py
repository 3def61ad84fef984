"""Compare upgrades of edited installations: what each loses, asks in vain and misses, and its time.

    AOS_REAL_PRAXIS_OS=praxis-os python benchmarks/three_way.py --output build/three-way

``praxis-os`` is a clone of github.com/honeyhiveai/praxis-os. All upgrade the same edited
installations, one after the other in each round, so that whatever slows the machine slows all of
them; what came of it is judged by what git says is owed. Copier and cruft are installed into an
environment of their own. What is not to be had is left out, and named. What it means:
docs/explanation/comparison.md.
"""

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))  # what is installed comes first

from benchmarks import our_upgrades, templates, updaters
from benchmarks.cases import PAIRS, has_commit, make_case
from benchmarks.comparison import OURS, YARDSTICK, Compared, Outcome, Time, page
from benchmarks.upgrading import Case, Step, Updater
from tests.real.judging import judge

REPOSITORY = "AOS_REAL_PRAXIS_OS"
UPDATERS: Mapping[str, Updater] = {
    YARDSTICK: updaters.git_merge,
    "git merge, the folder's new name left to it": updaters.git_merge_alone,
    "ours: aos-upgrade run": our_upgrades.ours,
    OURS: our_upgrades.our_step_recorded,
    f"{OURS}, nothing recorded": our_upgrades.our_step,
    "safe-upgrade.py": updaters.safe_upgrade,
    "safe-upgrade.py, manifest made anew": updaters.safe_upgrade_made_anew,
    "rsync -a": updaters.rsync,
    "rsync -a --delete": updaters.rsync_delete,
}
SLOW = ("ours: aos-upgrade run", "copier update")
"""Who takes so long that one round may do."""


def main() -> None:
    """Measure, print tables, and write them beside the figures where that was asked for."""
    options = _options()
    who = dict(_present(options))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        cases = [
            make_case(options.repository, old, new, Path(folder) / f"pair-{number}")
            for number, (old, new) in enumerate(options.pairs)
        ]
        compared = Compared(
            [(case.kit, measure(case, who, options.rounds, options.slow_rounds)) for case in cases]
        )
    text = page(compared, versions=_versions(who, options.tools))
    sys.stdout.write(f"{text}\n")
    if options.output:
        options.output.mkdir(parents=True, exist_ok=True)
        (options.output / "three-way.md").write_text(f"{text}\n")
        (options.output / "three-way.json").write_text(json.dumps(compared.figures(), indent=1))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--repository", type=Path, default=os.environ.get(REPOSITORY), help="a clone of the product"
    )
    parser.add_argument("--pairs", type=_pair, nargs="+", default=PAIRS, metavar="OLD:NEW")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="who upgrades, by whole names")
    parser.add_argument("--rounds", type=_count, default=3)
    parser.add_argument("--slow-rounds", type=_count, default=1, help=f"for {' and '.join(SLOW)}")
    parser.add_argument(
        "--tools",
        type=Path,
        default=Path("build/three-way-tools"),
        help="where copier and cruft go",
    )
    parser.add_argument("--folder", type=Path, help="where the installations are made")
    parser.add_argument("--output", type=Path, help="a folder for three-way.md and three-way.json")
    options = parser.parse_args()
    _refuse_unfit(parser, options)
    options.repository, options.tools = Path(options.repository).resolve(), options.tools.resolve()
    return options


def _refuse_unfit(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """End with one line where there is nothing to compare, or nobody of a name."""
    unknown = {*(options.only or ())} - {*UPDATERS, *templates.COMMANDS}
    if unknown:
        known = "; ".join([*UPDATERS, *templates.COMMANDS])
        parser.error(f"nobody is called {', '.join(sorted(unknown))}; there are: {known}")
    clone = options.repository
    if clone is None or not has_commit(clone, "HEAD"):
        parser.error(f"no clone of the product: name one with --repository or {REPOSITORY}")
    for commit in (each for pair in options.pairs for each in pair):
        if not has_commit(clone, commit):
            parser.error(f"{clone} has no commit {commit}")


def _count(told: str) -> int:
    if not told.isdecimal() or int(told) < 1:
        raise argparse.ArgumentTypeError(f"{told!r} is not a number of rounds, of at least one")
    return int(told)


def _pair(told: str) -> tuple[str, str]:
    old, colon, new = told.partition(":")
    if not (old and colon and new):
        raise argparse.ArgumentTypeError(f"{told!r} is not two commits: OLD:NEW")
    return old, new


def _present(options: argparse.Namespace) -> Iterator[tuple[str, Updater]]:
    """Yield who is wanted and to be had; say who is not."""
    wanted = options.only or [*UPDATERS, *templates.COMMANDS]
    for name, updater in UPDATERS.items():
        if name in wanted and name.startswith("rsync") and not shutil.which("rsync"):
            sys.stderr.write(f"{name} is left out: rsync is not installed\n")
        elif name in wanted:
            yield name, updater
    if not {*wanted} & {*templates.COMMANDS}:
        return
    try:
        programs = templates.install_tools(options.tools)
    except templates.ToolsMissingError as error:
        sys.stderr.write(f"{' and '.join(templates.COMMANDS)} are left out: {error}\n")
        return
    for name, updater in templates.updaters(programs).items():
        if name in wanted:
            yield name, updater


def measure(
    case: Case, who: Mapping[str, Updater], rounds: int, slow_rounds: int
) -> Mapping[str, Outcome]:
    """Let everybody make one upgrade, round by round, and judge each."""
    outcomes: dict[str, Outcome] = {}
    for turn in range(max(rounds, slow_rounds)):
        for name, updater in who.items():
            if turn >= (slow_rounds if name in SLOW else rounds):
                continue
            with tempfile.TemporaryDirectory(dir=case.source.parent) as place:
                update = updater(case, Path(place))
                os.sync()  # what was made ready is nobody's time
                time_of_step = _timed(update.step)
                install, told, beside = update.result()
                judgement = judge(case.kit, install, told, beside=beside)
            before = outcomes.get(name, Outcome(judgement, len(told), ()))
            if before.judgement != judgement:
                raise SystemExit(f"{name} did not do the same twice: {judgement}")
            outcomes[name] = before._replace(times=(*before.times, time_of_step))
    sys.stderr.write(f"{case.kit.old} -> {case.kit.new}: measured\n")
    return outcomes


def _timed(step: Step) -> Time:
    """Time a step, and what it and everybody that it started had of the processors."""
    began_s, busy_s = time.perf_counter(), _busy_s()
    step()
    return Time(time.perf_counter() - began_s, _busy_s() - busy_s)


def _busy_s() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def _versions(who: Sequence[str] | Mapping[str, Updater], tools: Path) -> Mapping[str, str]:
    """Say what was measured with, as far as it was."""
    found = dict(updaters.versions(with_rsync=any(name.startswith("rsync") for name in who)))
    if {*who} & {*templates.COMMANDS}:
        found |= templates.versions(tools / "bin")
    return found


if __name__ == "__main__":
    main()
