"""What somebody who waits for a run gets to see, on standard error."""

import sys
from collections.abc import Sequence

from aos_upgrade_plugin.cli import output
from aos_upgrade_plugin.cli.recovered import note_reports
from aos_upgrade_plugin.models.event import Ended, Event, Planned
from aos_upgrade_plugin.models.gate import Outcome
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.report import RecoveredReport

_GOOD, _BAD = "32", "31"


class Silent:
    """Nobody looks on: the answer is for a program."""

    def recovered(self, reports: Sequence[RecoveredReport]) -> None:
        """Say nothing."""

    def phase(self, name: str) -> None:
        """Say nothing."""

    def event(self, event: Event) -> None:
        """Say nothing."""

    def gate(self, report: GateReport) -> None:
        """Say nothing."""


class OnTerminal:
    """A line for each phase, and on a terminal how far its checks have come."""

    def __init__(self) -> None:
        """Find out whether a terminal looks on, and whether it wants colour."""
        import os

        self._live = sys.stderr is not None and sys.stderr.isatty()
        self._colour = self._live and "NO_COLOR" not in os.environ
        self._name = ""
        self._planned = self._ended = 0
        self._judged = True

    def recovered(self, reports: Sequence[RecoveredReport]) -> None:
        """Say at once what was left of earlier commands, whatever comes next."""
        note_reports(reports)

    def phase(self, name: str) -> None:
        """Begin a line; a phase before it that came to no verdict failed."""
        if not self._judged:
            self._end_line(self._painted("FAILED", _BAD), "before its checks")
        self._name, self._planned, self._ended, self._judged = name, 0, 0, False
        self._redraw("…")

    def event(self, event: Event) -> None:
        """Count the checks."""
        if isinstance(event, Planned):
            self._planned += 1
        elif isinstance(event, Ended):
            self._ended += 1
            self._redraw(f"{self._ended} of {self._planned} checks")

    def gate(self, report: GateReport) -> None:
        """End the line with the verdict, and name what keeps a gate shut."""
        passed = sum(result.outcome is Outcome.PASSED for result in report.results)
        verdict = self._painted("open", _GOOD) if report.opens else self._painted("SHUT", _BAD)
        counted = f"{passed} of {len(report.results)} checks passed in {report.duration_s:.1f} s"
        self._judged = True
        self._end_line(verdict, counted)
        for reason in report.reasons:
            output.note(f"    {reason}")
        for finding in report.findings:
            output.note(f"    {finding.severity}: {finding.message}")

    def _end_line(self, verdict: str, text: str) -> None:
        clear = "\r\x1b[K" if self._live else ""
        output.draw(f"{clear}{self._name:<24} {verdict}  {text}\n")

    def _redraw(self, text: str) -> None:
        if self._live:
            output.draw(f"\r\x1b[K{self._name:<24} {text}")

    def _painted(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text
