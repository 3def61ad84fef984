"""What happens in a gate, one event at a time, and the form in which events travel.

Events of :data:`Told` come from the gate's process; all others are the runner's own words.
"""

import hmac
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints, TypeAdapter

from aos_upgrade_plugin.models.base import Frozen, SessionId, Sha256, Utc
from aos_upgrade_plugin.models.gate import CheckId, Gate, Line, Outcome, PlannedCheck

FactName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
"""The name of a measured value."""


class Offered(Frozen):
    """A check was found while checks were listed."""

    kind: Literal["offered"] = "offered"
    check: PlannedCheck


class Excused(Frozen):
    """A planned check has nothing to measure here; decided from facts before the gate."""

    kind: Literal["excused"] = "excused"
    check: CheckId
    reason: Line


class Started(Frozen):
    """A check began. One that was stopped for another's sake begins again."""

    kind: Literal["started"] = "started"
    check: CheckId


class Fact(Frozen):
    """A check measured something."""

    kind: Literal["fact"] = "fact"
    check: CheckId
    name: FactName
    value: JsonValue


class Ended(Frozen):
    """A check ended."""

    kind: Literal["ended"] = "ended"
    check: CheckId
    outcome: Outcome
    message: Line | None = None
    """What is wrong; nothing when it passed."""
    details: str = ""
    """Why: the values that were compared, the traceback."""
    output: str = ""
    """What it printed."""
    duration_s: Annotated[float, Field(ge=0)] = 0


class Trouble(Frozen):
    """Something about the gate itself went wrong; it cannot open."""

    kind: Literal["trouble"] = "trouble"
    message: Line
    cure: str = ""
    details: str = ""


class Finished(Frozen):
    """The gate's process came to its proper end."""

    kind: Literal["finished"] = "finished"
    exit_status: int


class Opened(Frozen):
    """The runner began a gate."""

    kind: Literal["opened"] = "opened"
    gate: Gate
    session_id: SessionId | None
    at: Utc
    jobs: int
    digests: dict[str, Sha256] = Field(default_factory=dict)
    """What the gate's checks were given to compare with, by name: the plan, trees."""


class Planned(Frozen):
    """The runner expects this check to be proven."""

    kind: Literal["planned"] = "planned"
    check: PlannedCheck


class Closed(Frozen):
    """The runner ended a gate; nothing is heard of it afterwards."""

    kind: Literal["closed"] = "closed"
    gate: Gate
    duration_s: Annotated[float, Field(ge=0)]


Told = Offered | Excused | Started | Fact | Ended | Trouble | Finished
Event = Told | Opened | Planned | Closed
AnyEvent = Annotated[Event, Field(discriminator="kind")]

_TOLD: TypeAdapter[Told] = TypeAdapter(Annotated[Told, Field(discriminator="kind")])


KEY_BYTES = 32
"""The runner sends a key of this length first; nobody else knows it."""


def encode(event: Told, *, key: bytes, number: int) -> bytes:
    """Return the line in which the gate's process tells its ``number``-th event.

    The key and the number make sure that nobody else in that process, or started by it, can say
    something by accident, say it twice or leave something out unnoticed.
    """
    words = event.model_dump_json().encode()
    return f"{_seal(words, key, number)} ".encode() + words + b"\n"


def decode(line: bytes, *, key: bytes, number: int) -> Told:
    """Return the event that such a line tells; :class:`ValueError` when it is not genuine."""
    seal, _, words = line.partition(b" ")
    if not hmac.compare_digest(seal, _seal(words.rstrip(b"\n"), key, number).encode()):
        raise ValueError("a line without the seal of this gate run")
    return _TOLD.validate_json(words)


def _seal(words: bytes, key: bytes, number: int) -> str:
    return hmac.digest(key, number.to_bytes(8) + words, "sha256").hex()
