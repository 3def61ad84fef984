"""Waivers: a named person answers, for a while, for one check that does not pass."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

from pydantic import BeforeValidator

from aos_upgrade_plugin.models.base import Frozen, Utc
from aos_upgrade_plugin.models.gate import CheckId, Line


def _through_that_day(value: object) -> object:
    if not isinstance(value, date) or isinstance(value, datetime):
        return value
    if value == date.max:
        raise ValueError("no day follows it: name an earlier one")
    return datetime.combine(value + timedelta(days=1), time(), UTC)


class Waiver(Frozen):
    """Accepts that exactly one check does not pass. There is none for a gate or for all."""

    check: CheckId
    """The id, or an alias of it."""
    approver: Line
    reason: Line
    expires: Annotated[Utc, BeforeValidator(_through_that_day)]
    """It counts before this moment only; a plain date counts through that day, in UTC."""


class Waivers(Frozen):
    """A file of waivers: ``[[waiver]]`` tables."""

    waiver: tuple[Waiver, ...] = ()
