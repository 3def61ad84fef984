"""The chain that binds each stored event to all before it."""

import hashlib
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import Field

from aos_upgrade_plugin.models.base import Frozen, Sha256, Utc
from aos_upgrade_plugin.models.event import AnyEvent, Event

_SEALED = re.compile(rb'(?s)(.*),"sha256":"([0-9a-f]{64})"}\n')


class Record(Frozen):
    """One stored event: its place, its time, what came before it, and its own digest."""

    seq: Annotated[int, Field(ge=1)]
    at: Utc
    previous: Sha256
    event: AnyEvent
    sha256: Sha256


class Head(NamedTuple):
    """The end of a chain: whoever knows it notices any change of what led to it."""

    seq: int
    sha256: str


class SealedLog(NamedTuple):
    """An event log as it was when somebody looked."""

    path: Path
    head: Head


START = Head(0, "0" * 64)


def link(event: Event, *, at: datetime, after: Head) -> tuple[bytes, Head]:
    """Return the line that stores an event behind ``after``, and the new end of the chain."""
    seq = after.seq + 1
    body = (
        f'{{"seq":{seq},"at":"{at.isoformat()}","previous":"{after.sha256}"'
        f',"event":{event.model_dump_json()}'
    ).encode()
    digest = hashlib.sha256(body).hexdigest()
    return body + f',"sha256":"{digest}"}}\n'.encode(), Head(seq, digest)


def follow(line: bytes, *, after: Head) -> Record:
    """Return the record of a line; :class:`ValueError` unless it continues the chain unchanged."""
    parts = _SEALED.fullmatch(line)
    if parts is None:
        raise ValueError("it is not a whole record")
    if hashlib.sha256(parts[1]).hexdigest().encode() != parts[2]:
        raise ValueError("it was changed")
    record = Record.model_validate_json(line)
    if (record.seq, record.previous) != (after.seq + 1, after.sha256):
        raise ValueError("it does not follow the record before it")
    return record
