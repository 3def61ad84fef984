"""The verdict of a gate that somebody runs with pytest directly: an exit status and a summary.

A convenience: ``aos-upgrade`` runs gates isolated, and is the authority.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pytest

from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.models.event import Ended, Excused, Finished, Opened, Told
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.waiver import Waiver
from aos_upgrade_plugin.pytest_plugin.duty import Duty

_TO_ITS_END = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


class Verdict:
    """Hears all events, judges at the end, and says so."""

    def __init__(self) -> None:
        """Open the record of the gate."""
        self.duty: Duty | None = None
        self.waivers: Sequence[Waiver] = ()
        self._began = datetime.now(UTC)
        self._told: list[Told] = []
        self._report: GateReport | None = None

    def tell(self, event: Told) -> None:
        """Keep an event."""
        self._told.append(event)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Let the exit status say whether the gate opens: 0 for nothing else."""
        if self.duty is None or self.duty.context.gate is None or exitstatus not in _TO_ITS_END:
            return
        opened = Opened(gate=self.duty.context.gate, session_id=None, at=self._began, jobs=1)
        self._report = judge(
            planned=self.duty.planned,
            events=(opened, *self._told, Finished(exit_status=exitstatus)),
            waivers=self.waivers,
            now=datetime.now(UTC),
        )
        opens = self._report.opens and not self._missing()
        session.exitstatus = pytest.ExitCode.OK if opens else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say what the gate came to, and what to do."""
        terminalreporter.ensure_newline()
        report = self._report
        if report is None:
            terminalreporter.section("gate: no verdict", red=True)
            return
        if missing := self._missing():
            planned = len(report.results)
            terminalreporter.section(f"gate {report.gate}: partial, no verdict", red=True)
            terminalreporter.line(f"{planned - missing} of the {planned} planned checks ended")
        elif report.opens:
            terminalreporter.section(f"gate {report.gate}: open", green=True)
        else:
            terminalreporter.section(f"gate {report.gate}: shut", red=True)
        for words in _told_to_a_person(report, partial=bool(missing)):
            terminalreporter.line(words)

    def _missing(self) -> int:
        ended = {one.check for one in self._told if isinstance(one, Ended | Excused)}
        planned = self.duty.planned if self.duty else ()
        return sum(one.id not in ended for one in planned)


def _told_to_a_person(report: GateReport, *, partial: bool) -> Iterator[str]:
    if not partial:
        yield from report.reasons
        for result in report.results:
            if result.message:
                yield f"fix {result.check.id}: {result.check.remedy}"
    for finding in report.findings:
        yield f"{finding.severity} {finding.check}: {finding.message}"
    for excused in report.excused:
        yield f"{excused.check} does not apply: {excused.reason}"
