"""The one base class of all data, and the field types that several models share."""

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, StringConstraints


class Frozen(BaseModel):
    """Data that never changes after it was made; unknown keys are refused."""

    # Built when they are first used: a command or a gate uses few of the hundred that it imports.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:  # within a day of the first or last moment that there is
        raise ValueError("it is before the year 1 or after the year 9999 in UTC") from error


Utc = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""A moment in time, aware, kept in UTC."""

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 digest in lower-case hexadecimal."""

SESSION_ID = re.compile(r"^[a-z0-9_]{1,120}$")
SessionId = Annotated[str, StringConstraints(pattern=SESSION_ID.pattern)]
"""The name of a session: readable, unique, safe as a file name."""
