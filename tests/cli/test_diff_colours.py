"""A diff is coloured where a terminal shows it, and nowhere else."""

import io
import sys

import pytest

from aos_upgrade_plugin.cli import output

DIFF = ["diff a.md", "--- a/a.md", "@@ -1 +1 @@", "-one", "+two \x1b[2J", " same"]


class _Screen(io.StringIO):
    def __init__(self, *, terminal: bool) -> None:
        super().__init__()
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def _shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool) -> list[str]:
    screen = _Screen(terminal=terminal)
    monkeypatch.setattr(sys, "stdout", screen)
    output.say_diff(DIFF)
    return screen.getvalue().splitlines()


def test_what_goes_is_red_and_what_comes_is_green(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file in bold, places in cyan; what the text itself holds stays text."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert _shown(monkeypatch, terminal=True) == [
        "\x1b[1mdiff a.md\x1b[0m",
        "\x1b[31m--- a/a.md\x1b[0m",
        "\x1b[36m@@ -1 +1 @@\x1b[0m",
        "\x1b[31m-one\x1b[0m",
        "\x1b[32m+two \\x1b[2J\x1b[0m",
        " same",
    ]


@pytest.mark.parametrize(
    ("terminal", "variable"), [(False, "PLAIN"), (True, "NO_COLOR"), (True, "TERM")]
)
def test_it_is_plain_elsewhere(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, variable: str
) -> None:
    """In a file or a pipe, for whoever wants no colours, and where a terminal has none."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv(variable, "dumb")
    assert "\x1b" not in "".join(_shown(monkeypatch, terminal=terminal))
