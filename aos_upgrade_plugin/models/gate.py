"""Gates as data: which there are, what their checks may know, how a check can end."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from aos_upgrade_plugin.models.base import Frozen, SessionId

CheckId = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9]{1,15}(-[A-Z0-9]{1,16}){1,3}$")]
"""The stable name of a check, such as ``AOS-P003``; it outlives the function's name."""


def _one_line(text: str) -> str:
    if not text or text != " ".join(text.split()) or not text.isprintable():
        raise ValueError(f"{text!r} is not one line of printable text")
    return text


Line = Annotated[str, AfterValidator(_one_line)]
"""One line of printable text, not empty."""


class Gate(StrEnum):
    """A point that a run passes only when every check of it is proven good."""

    PRE_FLIGHT = "pre-flight"
    BACKUP = "backup"
    CONTENT = "content"
    SERVER = "server"
    VALIDATION = "validation"
    CLEANUP = "cleanup"
    ROLLBACK = "rollback"

    @property
    def phase(self) -> int | None:
        """The number of the phase that this gate ends; none for the rollback's."""
        return None if self is Gate.ROLLBACK else list(Gate).index(self)

    @classmethod
    def named(cls, name: str) -> Self:
        """Return the gate of that name or phase number; :class:`ValueError` for others."""
        for gate in cls:
            if name in {gate.value, str(gate.phase)}:
                return gate
        known = ", ".join(gate.value for gate in cls)
        raise ValueError(f"{name!r} is no gate: {known}, or a phase number from 0 to 5")


class Severity(StrEnum):
    """What a failed check means."""

    BLOCKER = "blocker"
    """The gate stays shut."""
    WARNING = "warning"
    """A finding that a person should look at; the gate may open."""
    INFO = "info"
    """A finding worth a line in the report; the gate may open."""


class Outcome(StrEnum):
    """How a planned check ended. Only ``passed`` is a proof."""

    PASSED = "passed"
    FAILED = "failed"
    """It measured, and what it measured is not good."""
    SKIPPED = "skipped"
    """It did not measure: a skip, or an expected failure."""
    WAIVED = "waived"
    """It did not pass, and a person answers for that."""
    ERROR = "error"
    """It could not measure: an exception, a missing fixture, nothing of that id collected."""
    ABORTED = "aborted"
    """It was stopped: its limit ran out, or its process went away."""


WORST_FIRST = (
    Outcome.ERROR,
    Outcome.ABORTED,
    Outcome.SKIPPED,
    Outcome.FAILED,
    Outcome.WAIVED,
    Outcome.PASSED,
)
"""What is kept of a check that came to more than one thing."""


class Distribution(Frozen):
    """The installed distribution that something comes from."""

    name: str
    version: str

    def __str__(self) -> str:
        """Return the two, as people write them."""
        return f"{self.name} {self.version}"


class Applies(Frozen):
    """The check has something to measure here."""


class NotApplies(Frozen):
    """The check has nothing to measure here; it is not planned, and the reason is kept."""

    reason: Line


Applicability = Applies | NotApplies


class PlannedCheck(Frozen):
    """One check as a plan holds it: found once, expected at its gate from then on."""

    id: CheckId
    gate: Gate
    severity: Severity
    title: Line
    remedy: Line
    aliases: tuple[CheckId, ...] = ()
    distribution: Distribution
    module: str
    function: str
    limit_s: Annotated[float, Field(gt=0)]
    not_applicable: Line | None = None
    """Why it has nothing to measure; nothing when it applies."""


class GateContext(Frozen):
    """All that a gate's checks may know. The runner fills what there is; the rest is nothing."""

    schema_version: Literal[1] = 1
    gate: Gate | None = None
    """Nothing only while the checks of all gates are listed."""
    target: Path | None = None
    """The installation's folder."""
    source: Path | None = None
    """The checkout that holds the incoming version."""
    source_commit: str | None = None
    """Set when the version is read from this commit, not from the checkout's files."""
    session_id: SessionId | None = None
    plan: Path | None = None
    """The plan's JSON file."""
    backup: Path | None = None
    """The folder of this run's backup."""
    evidence: Path | None = None
    """The folder into which the run's evidence goes."""
    facts: dict[str, JsonValue] = Field(default_factory=dict)
    """What the runner and plugins measured before, by name."""
    planned: tuple[CheckId, ...] | None = None
    """The checks that the runner expects; nothing: all of the gate that apply."""


RecordFact = Callable[[str, JsonValue], None]
"""Records a measured value: ``record_fact("files", 487)``. The name is lower_case."""


class Limits(Frozen):
    """How wide, how long and how large a gate run may become."""

    jobs: Annotated[int, Field(ge=1)] = 1
    """How many checks run at once; more than one only pays for slow checks."""
    silence_s: Annotated[float, Field(gt=0)] = 120
    """Without any check running: while modules are imported, between two checks."""
    gate_s: Annotated[float, Field(gt=0)] = 3600
    """All of it."""
    output_bytes: Annotated[int, Field(gt=0)] = 64 * 1024
    """Of what the gate's process prints, the end is kept."""
