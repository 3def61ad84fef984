"""The page of errors and exit codes says what the program does."""

import re
from collections.abc import Iterator
from pathlib import Path

from aos_upgrade_plugin.errors import ExitCode, UpgradeError

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "errors.md"


def _kinds(base: type[UpgradeError]) -> Iterator[type[UpgradeError]]:
    """Yield the kinds that ``errors`` defines; other modules may refine them."""
    if base.__module__ == UpgradeError.__module__:
        yield base
    for kind in base.__subclasses__():
        yield from _kinds(kind)


def test_the_page_names_every_exit_status() -> None:
    """A script that reads the page meets no status that is not on it."""
    rows = re.findall(r"^\| (\d+) \| (\w+) \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(int(number), name) for number, name in rows] == [
        (status.value, status.name) for status in ExitCode
    ]


def test_the_page_names_every_kind() -> None:
    """Code, name and exit status of each kind are as the program has them."""
    row = re.compile(r"^\| (AOS-E\d+) \| (\w+) \| (\d+) \|", re.MULTILINE)
    rows = row.findall(PAGE.read_text(encoding="utf-8"))
    assert rows == sorted(
        (kind.code, kind.__name__, str(kind.exit_code.value)) for kind in _kinds(UpgradeError)
    )


def test_codes_are_unique() -> None:
    """One code means one kind."""
    codes = [kind.code for kind in _kinds(UpgradeError)]
    assert len(codes) == len(set(codes))
