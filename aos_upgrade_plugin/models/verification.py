"""What ``aos-upgrade workflow verify`` found: the validation report."""

from typing import Annotated, Literal

from pydantic import Field

from aos_upgrade_plugin.models.base import Frozen, Utc
from aos_upgrade_plugin.models.definition import Origin
from aos_upgrade_plugin.models.workflow_call import Action

Milliseconds = Annotated[float, Field(ge=0)]


class CallResult(Frozen):
    """One call of the tool, and whether the answer was what is documented."""

    action: str
    expected: str
    """``success``, or the type of the error."""
    answered: str
    took_ms: Milliseconds
    problem: str | None = None
    """Why it is not what is documented; nothing where it is."""


class Latency(Frozen):
    """How long the calls of an action took, through pipes and a real client."""

    action: Action
    calls: int
    median_ms: Milliseconds
    longest_ms: Milliseconds
    target_ms: Milliseconds | None
    """What is promised; a slow machine is told, and shuts nothing."""

    @property
    def within(self) -> bool:
        """Say whether half of the calls were as quick as is promised."""
        return self.target_ms is None or self.median_ms <= self.target_ms


class WalkResult(Frozen):
    """One workflow, walked from its start."""

    workflow_type: str
    version: str
    origin: Origin
    phases: int
    """How many were left with evidence that their gate took."""
    tasks: int
    refused: int
    """How many phases refused to be left with no evidence; of an upgrade, with a wrong claim."""
    completed: bool
    left_out: str | None = None
    """Why it was not walked to its end without that being a failure."""
    problem: str | None = None


class Verification(Frozen):
    """The whole report."""

    schema_version: Literal[1] = 1
    made_at: Utc
    version: str
    """Of this tool."""
    server: str
    protocol: str
    installation: str
    """Its layout; the report names no path of this machine."""
    calls: tuple[CallResult, ...]
    walks: tuple[WalkResult, ...]
    latencies: tuple[Latency, ...]
    problems: tuple[str, ...]
    """Everything that did not hold, a line each."""

    @property
    def holds(self) -> bool:
        """Say whether everything held."""
        return not self.problems
