"""What a sweep found: remembered unit by unit in a file, and summed up in a table."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aos_upgrade_plugin

HARNESS = Path(__file__).parent
Terms = Mapping[str, object]
"""On which a tally depends: what is left out, what is planted, and the code itself."""


@dataclass
class Tally:
    """What came of one unit."""

    key: str
    rounds: int = 0
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    leads_to: list[Sequence[Any]] = field(default_factory=list)
    """The units that are to be done because of it."""


class OtherTermsError(Exception):
    """What a file remembers was found on other terms."""


class State:
    """The tallies so far; where there is a file, each is in it as soon as it is known."""

    def __init__(self, path: Path | None, terms: Terms) -> None:
        """Remember what the file has, which is begun where it is missing."""
        self._path = path
        self.done: dict[str, Tally] = {}
        if path is None:
            return
        if not path.exists():
            self._append(terms)
        # A line without its end was being written when the sweep was killed.
        whole = path.read_text(encoding="utf-8").rpartition("\n")[0]
        path.write_text(whole + "\n", encoding="utf-8")
        first, *lines = whole.splitlines()
        if json.loads(first) != terms:
            raise OtherTermsError(
                f"{path} is of other code or options: finish with those, or remove it"
            )
        for line in lines:
            tally = Tally(**json.loads(line))
            self.done[tally.key] = tally

    def add(self, tally: Tally) -> None:
        """Remember one more."""
        self.done[tally.key] = tally
        self._append(asdict(tally))

    def _append(self, record: Mapping[str, object]) -> None:
        if self._path:
            with self._path.open("a", encoding="utf-8") as stream:
                print(json.dumps(record), file=stream)


def code_digest() -> str:
    """Return one digest for the code that is swept and the code that sweeps."""
    digest = hashlib.sha256()
    for folder in (Path(aos_upgrade_plugin.__file__).parent, HARNESS):
        for module in sorted(folder.rglob("*.py")):
            digest.update(module.read_bytes())
    return digest.hexdigest()


_APART = ("power-cut", "ext4-cut", "meanwhile", "watch")


def as_json(done: Mapping[str, Tally]) -> str:
    """Return everything."""
    return json.dumps([asdict(tally) for tally in done.values()])


def as_table(done: Mapping[str, Tally]) -> str:
    """Sum up by scenario and mode, and by what was met by what."""
    rows: dict[tuple[str, str, str], list[Tally]] = {}
    for tally in done.values():
        scenario, mode, kind, killed_before = tally.key.split("/")
        met = "act" if killed_before == "0" and kind != "watch" else "recovery"
        by = next((each for each in _APART if kind.startswith(each)), "fault")
        rows.setdefault((scenario, mode, f"{met}, {by}"), []).append(tally)
    lines: list[tuple[str, ...]] = [("scenario", "mode", "met", "rounds", "problems", "seconds")]
    lines += [(*row, *_sums(tallies)) for row, tallies in sorted(rows.items())]
    lines.append(("all", "", "", *_sums([*done.values()])))
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        + "\n"
        for line in lines
    )


def _sums(tallies: list[Tally]) -> tuple[str, str, str]:
    rounds = sum(tally.rounds for tally in tallies)
    problems = sum(len(tally.problems) for tally in tallies)
    return str(rounds), str(problems), str(round(sum(tally.seconds for tally in tallies)))
