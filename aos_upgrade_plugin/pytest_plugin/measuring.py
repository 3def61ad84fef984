"""Says what each step of a check came to, where the check runs: here or in an xdist worker."""

from collections.abc import Generator
from typing import NamedTuple

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.models.gate import Outcome, PlannedCheck, Severity
from aos_upgrade_plugin.models.words import describe, line, text
from aos_upgrade_plugin.pytest_plugin.collection import CHECK

FACTS = pytest.StashKey[dict[str, JsonValue]]()
_STEP = "aos_step"
_FACTS = "aos_facts"
_FINDING = "aos_finding"


class Step(NamedTuple):
    """What the setup, the call or the teardown of a check came to."""

    outcome: Outcome
    message: str = ""
    details: str = ""


class Measuring:
    """Adds to pytest's reports what a gate wants to know."""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Let a failed warning be a pass with a finding; keep why anything did not pass."""
        report = yield
        check = item.stash.get(CHECK, None)
        if check is not None:
            step = _step(check, report, call.excinfo)
            setattr(report, _STEP, (step.outcome.value, step.message, step.details))
            setattr(report, _FACTS, item.stash.get(FACTS, {}))
            if step.outcome is Outcome.FAILED and check.severity is not Severity.BLOCKER:
                report.outcome, report.longrepr = "passed", None
                setattr(report, _FINDING, step.message)
        return report


def step_of(report: pytest.TestReport) -> Step:
    """Return what a report says; one that somebody else made proves nothing."""
    found = getattr(report, _STEP, None)
    if found is None:
        return Step(Outcome.ERROR, "it was reported by another plugin")
    outcome, message, details = found
    return Step(Outcome(outcome), message, details)


def facts_of(report: pytest.TestReport) -> dict[str, JsonValue]:
    """Return what the check measured until then."""
    facts: dict[str, JsonValue] = getattr(report, _FACTS, {})
    return facts


def is_finding(report: object) -> bool:
    """Say whether a warning or an info check failed, which pytest counts as passed."""
    return hasattr(report, _FINDING)


def _step(
    check: PlannedCheck,
    report: pytest.TestReport,
    excinfo: pytest.ExceptionInfo[BaseException] | None,
) -> Step:
    if hasattr(report, "wasxfail"):
        return Step(
            Outcome.SKIPPED, line(f"it is marked xfail, which proves nothing: {check.title}")
        )
    if report.passed:
        return Step(Outcome.PASSED)
    if report.skipped:
        return Step(Outcome.SKIPPED, line(f"it was skipped: {excinfo.value if excinfo else ''}"))
    return _failure(check, report, excinfo.value if excinfo else None)


def _failure(check: PlannedCheck, report: pytest.TestReport, error: BaseException | None) -> Step:
    """Tell what was measured and is not good from what could not be measured."""
    details = text(report.longreprtext)
    if isinstance(error, AssertionError | pytest.fail.Exception):
        headline = str(error).strip().partition("\n")[0] or f"not so: {check.title}"
        outcome = Outcome.FAILED if report.when == "call" else Outcome.ERROR
        return Step(outcome, line(headline), details)
    if isinstance(error, pytest.FixtureLookupError):
        return Step(Outcome.ERROR, line(f"there is no fixture {error.argname}"), details)
    return Step(Outcome.ERROR, describe(error) if error else line(details), details)
