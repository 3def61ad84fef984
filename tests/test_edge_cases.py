"""The page of what can go wrong names tests that there are."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "explanation" / "edge-cases.md"


def test_every_test_on_the_page_exists() -> None:
    """A line of the page is a promise only as long as its test is there."""
    page = PAGE.read_text(encoding="utf-8")
    named = re.findall(r"`([\w/]+\.py)(?:::(\w+))?`", page)
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (TESTS / file).is_file()
        or (test and f"def {test}(" not in (TESTS / file).read_text(encoding="utf-8"))
    ]
    assert missing == []


def test_every_line_of_the_page_names_a_test() -> None:
    """What nothing provokes is not promised."""
    _, *lines = re.findall(
        r"^\| (?!what happens).*\|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert lines
    assert [line for line in lines if ".py" not in line.rpartition(" | ")[2]] == []
