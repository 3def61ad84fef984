"""Makes events of pytest's reports, in the one process that hears of all checks."""

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.models.event import Ended, Fact, Started, Trouble
from aos_upgrade_plugin.models.gate import WORST_FIRST, CheckId, Outcome
from aos_upgrade_plugin.models.words import line, text
from aos_upgrade_plugin.pytest_plugin.duty import Duty, Tell
from aos_upgrade_plugin.pytest_plugin.measuring import Step, facts_of, step_of

_STEPS = ["setup", "call", "teardown"]
_CRASHED = "???"  # what xdist writes into a report for a worker that died


class Ledger:
    """Tells when each check started, what it measured, and how it ended."""

    def __init__(self, duty: Duty, tell: Tell) -> None:
        """Begin with what is wrong already."""
        self._tell = tell
        self._wanted = {check.id for check in duty.wanted.values()}
        self._running: dict[str, tuple[CheckId, list[pytest.TestReport]]] = {}
        self._facts: dict[tuple[CheckId, str], JsonValue] = {}
        self._headlines: set[str] = set()
        for module in duty.inventory.broken:
            self._trouble(module.headline, module.problem)

    def pytest_runtest_logstart(self, nodeid: str, location: tuple[str, int | None, str]) -> None:
        """Tell that a check begins; its id is the first word of the location."""
        check = location[2].partition(" ")[0]
        if check in self._wanted:
            self._running[nodeid] = (check, [])
            self._tell(Started(check=check))
        else:
            self._trouble(f"{nodeid} runs in the gate, but is no check of it")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the report until the check ends; a worker that crashed ends it."""
        if report.nodeid not in self._running:
            return
        check, reports = self._running[report.nodeid]
        if str(report.when) == _CRASHED:
            del self._running[report.nodeid]
            message = line(str(report.longrepr))
            self._tell(Ended(check=check, outcome=Outcome.ABORTED, message=message))
            return
        reports.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell how a check ended."""
        if nodeid not in self._running:
            return
        check, reports = self._running.pop(nodeid)
        for name, value in (facts_of(reports[-1]) if reports else {}).items():
            self.fact(check, name, value)
        step = _worst(reports)
        self._tell(
            Ended(
                check=check,
                outcome=step.outcome,
                message=step.message or None,
                details=step.details,
                output=_output(reports[-1]) if reports else "",
                duration_s=max(sum(report.duration for report in reports), 0),
            )
        )

    def fact(self, check: CheckId, name: str, value: JsonValue) -> None:
        """Tell what a check measured: at once where it runs here, else when it ends."""
        if (check, name) not in self._facts or self._facts[check, name] != value:
            self._facts[check, name] = value
            self._tell(Fact(check=check, name=name, value=value))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of everything that could not be collected."""
        if not report.passed:
            self._trouble(report.longreprtext.partition("\n")[0], report.longreprtext)

    def pytest_internalerror(self, excrepr: object) -> None:
        """Tell that pytest, or a plugin in it, failed."""
        words = str(excrepr)
        self._trouble(f"pytest failed: {words.rstrip().rpartition(chr(10))[2]}", words)

    def _trouble(self, headline: str, details: str = "") -> None:
        message = line(headline)
        if message not in self._headlines:
            self._headlines.add(message)
            self._tell(Trouble(message=message, details=text(details)))


def _worst(reports: list[pytest.TestReport]) -> Step:
    """Return the step that decides. Only three steps together prove or disprove something."""
    steps = [step_of(report) for report in reports]
    worst = min(steps, key=lambda step: WORST_FIRST.index(step.outcome), default=None)
    taken = [report.when for report in reports] == _STEPS
    if worst is None or (worst.outcome in {Outcome.PASSED, Outcome.FAILED} and not taken):
        return Step(Outcome.ERROR, "it was never called, or more than once")
    return worst


def _output(report: pytest.TestReport) -> str:
    return text("\n".join(f"{title}\n{content}" for title, content in report.sections))
