"""No built-in check without a test that provokes it, and none that the page does not tell of."""

from pathlib import Path

from tests.checks.page import PAGE, built_in, written_anew

TESTS = Path(__file__).parent


def test_every_check_is_provoked() -> None:
    """Who adds a check adds a test in which it passes and one in which it fails."""
    tests = "".join(file.read_text(encoding="utf-8") for file in TESTS.glob("test_*.py"))
    assert [each.id for each in built_in() if tests.count(f'["{each.id}"]') == 0] == []


def test_the_page_is_true_of_every_check() -> None:
    """To write it anew: ``python -m tests.checks.page``."""
    page = PAGE.read_text(encoding="utf-8")
    assert page == written_anew(page)
