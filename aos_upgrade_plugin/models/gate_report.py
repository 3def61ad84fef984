"""What a gate came to: the verdict, and how each check ended."""

from pydantic import Field, JsonValue

from aos_upgrade_plugin.models.base import Frozen, SessionId, Sha256, Utc
from aos_upgrade_plugin.models.event import Excused
from aos_upgrade_plugin.models.gate import CheckId, Gate, Outcome, PlannedCheck, Severity
from aos_upgrade_plugin.models.waiver import Waiver


class CheckResult(Frozen):
    """How one planned check ended."""

    check: PlannedCheck
    outcome: Outcome
    message: str | None = None
    details: str = ""
    output: str = ""
    duration_s: float = 0
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    waiver: Waiver | None = None
    """Who answers for it, when it was waived."""


class Finding(Frozen):
    """Something a person should know, although it does not shut the gate."""

    severity: Severity
    message: str
    check: CheckId | None = None


class GateReport(Frozen):
    """The verdict of one gate, with all that it rests on."""

    gate: Gate
    session_id: SessionId | None = None
    opens: bool
    reasons: tuple[str, ...] = ()
    """Why it stays shut; empty when it opens."""
    doubts: tuple[str, ...] = ()
    """Those of the reasons that are no check's: what makes the run itself no proof."""
    results: tuple[CheckResult, ...] = ()
    """One for each planned check that applies, in the order of the plan."""
    excused: tuple[Excused, ...] = ()
    findings: tuple[Finding, ...] = ()
    digests: dict[str, Sha256] = Field(default_factory=dict)
    """What was compared with: the plan, trees."""
    started_at: Utc
    duration_s: float = 0

    @property
    def facts(self) -> dict[str, JsonValue]:
        """Everything that was measured; of a name recorded twice the last value."""
        return {name: value for one in self.results for name, value in one.facts.items()}

    @property
    def remedy(self) -> str:
        """What to do about the first check that keeps it shut."""
        letting = {Outcome.PASSED, Outcome.WAIVED}
        shut = (one.check.remedy for one in self.results if one.outcome not in letting)
        return next(shut, "see the evidence")
