"""The event log: one JSON line for each event, chained, so that no change goes unnoticed."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree.durable import make_directories, write_all
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.chain import START, Head, Record, follow, link
from aos_upgrade_plugin.models.event import Event

_SYNC_EVERY_S = 1.0
_CURE = "do not trust this evidence; keep the file and run the gate again"


class EventLog:
    """An open log. Events are written as they come, and durable a second later at most.

    A log that exists already is verified and continued; the half of a line that a power cut left
    at its end is cut off. :class:`DamagedError` when anything else of it was changed.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the log."""
        self.path = path
        with as_disk_error("writing the event log"):
            make_directories(path.parent)
            self._descriptor = disk.open_append(os.fsencode(path))
        try:
            self._head, self._size_bytes = self._continue()
        except BaseException:
            os.close(self._descriptor)
            raise
        self._synced_at = time.monotonic()

    @property
    def head(self) -> Head:
        """The end of the chain; kept elsewhere it proves that nothing was cut off either."""
        return self._head

    def append(self, event: Event) -> None:
        """Write one event behind all others, wholly or not at all."""
        line, head = link(event, at=datetime.now(UTC), after=self._head)
        with as_disk_error("writing the event log"):
            try:
                write_all(self._descriptor, line)
            except OSError:
                disk.truncate(self._descriptor, self._size_bytes)  # no half a record
                raise
            self._head = head
            self._size_bytes += len(line)
            if time.monotonic() - self._synced_at >= _SYNC_EVERY_S:
                self.sync()

    def sync(self) -> None:
        """Make every event so far durable."""
        with as_disk_error("writing the event log"):
            disk.sync(self._descriptor)
        self._synced_at = time.monotonic()

    def close(self) -> None:
        """Make every event durable and let go of the file."""
        try:
            self.sync()
        finally:
            os.close(self._descriptor)

    def __enter__(self) -> Self:
        """Return the log itself."""
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        """Close it."""
        self.close()

    def _continue(self) -> tuple[Head, int]:
        head, whole_bytes = START, 0
        for line in _lines(self.path):
            if not line.endswith(b"\n"):
                disk.truncate(self._descriptor, whole_bytes)
                break
            record = _follow(self.path, line, head)
            head = Head(record.seq, record.sha256)
            whole_bytes += len(line)
        return head, whole_bytes


def begin_anew_if_damaged(path: Path) -> tuple[str, ...]:
    """Put a log that was tampered with aside, so that it keeps nobody from going back; say so."""
    if not path.exists():
        return ()
    try:
        EventLog(path).close()
    except DamagedError as error:
        with as_disk_error("putting the damaged event log aside"):
            aside = path.with_name(f"damaged-{datetime.now(UTC):%Y%m%d%H%M%S}-{path.name}")
            disk.rename_new(os.fsencode(path), os.fsencode(aside))
        return (f"{error}; it is kept as {aside.name}",)
    return ()


def verify(path: Path, *, head: Head | None = None) -> tuple[Record, ...]:
    """Return the records of a log; :class:`DamagedError` names the first line that is not right.

    Any change, removal, insertion or reordering is found. That the end is missing is found only
    with the ``head`` that was kept elsewhere.
    """
    records: list[Record] = []
    end = START
    for line in _lines(path):
        record = _follow(path, line, end)
        end = Head(record.seq, record.sha256)
        records.append(record)
    if head is not None and end != head:
        raise DamagedError(
            f"the event log {path} ends with record {end.seq}, but {head.seq} was kept as its end",
            cure=_CURE,
        )
    return tuple(records)


def _lines(path: Path) -> Iterator[bytes]:
    with as_disk_error("reading the event log"), path.open("rb") as log:
        yield from log


def _follow(path: Path, line: bytes, head: Head) -> Record:
    try:
        return follow(line, after=head)
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        raise DamagedError(
            f"the event log {path} is damaged at record {head.seq + 1}: {reason}", cure=_CURE
        ) from None
