"""What is written about an upgrade into files that people read: old bytes in, new bytes out."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from aos_upgrade_plugin.models.layout import Layout, Part
from aos_upgrade_plugin.models.source import ObjectId
from aos_upgrade_plugin.models.three_way import Relation

_SAID_ANEW = re.compile(
    rb"(?:(?:Current|Previous) Version|(?:Source|Previous) Commit|Last Updated|Updated By)\s*:"
    rb"|(?:version_updated|commit|source)="
    rb"|.* Content Version\s*$"
    rb"|v?\d+(?:\.\d+)+\s*$"
)
_COUNTED = (
    (Relation.NEW, "new"),
    (Relation.UPDATED, "updated"),
    (Relation.MOVED, "moved"),
    (Relation.REMOVED_UPSTREAM, "removed"),
)


class Passage(NamedTuple):
    """From what to what an installation goes, and when."""

    at: datetime
    tool: str
    """Name and version of what does it."""
    product: str
    from_version: str | None
    from_commit: ObjectId | None
    to_version: str | None
    to_commit: ObjectId
    counts: Mapping[Relation, int]
    decided: int
    """How many conflicts were decided."""
    only: Part | None = None
    """The part that was upgraded alone."""


def version_text(old: bytes, passage: Passage) -> bytes:
    """Say what is installed now. Lines of others in the old text stay, below."""
    lines = (
        f"{passage.product} Content Version",
        "",
        f"Current Version: {passage.to_version or 'unknown'}",
        f"Source Commit: {passage.to_commit}",
        f"Last Updated: {_moment(passage.at)}",
        f"Updated By: {passage.tool}",
        f"Previous Version: {passage.from_version or 'unknown'}",
        f"Previous Commit: {passage.from_commit or 'unknown'}",
    )
    end = _line_end(old)
    rest = [line for line in old.splitlines() if line.strip() and not _SAID_ANEW.match(line)]
    return b"".join(line + end for line in (*(line.encode() for line in lines), *rest))


def log_text(old: bytes, passage: Passage) -> bytes:
    """Append one line to the log of updates."""
    line = (
        f"{_moment(passage.at)} | {passage.to_commit[:12]} | "
        f"{_version(passage.from_version)} -> {_version(passage.to_version)}: {_changes(passage)}"
    )
    return _appended(old or f"{passage.product} Update Log\n\n".encode(), [line])


def summary_text(old: bytes, passage: Passage) -> bytes:
    """Append a section to the summary of the installation."""
    lines = (
        f"## Upgrade of {_moment(passage.at)}",
        "",
        f"- From: {_version(passage.from_version)} ({passage.from_commit or 'unknown commit'})",
        f"- To: {_version(passage.to_version)} ({passage.to_commit})",
        f"- Changed: {_changes(passage)}",
        f"- By: {passage.tool}",
    )
    old = old or f"# {passage.product} Installation Summary\n".encode()
    return _appended(old, ["", *lines])


def ignored_lines(layout: Layout) -> tuple[str, ...]:
    """Return what git should ignore of an installation: all that is ours or is made again."""
    classes = layout.classes
    patterns = dict.fromkeys((*classes.control, *classes.environment, *classes.derived))
    return tuple(
        f"{layout.folder}/{pattern}"
        for pattern in patterns
        if not any(pattern.startswith(f"{wider}/") for wider in patterns)
    )


def ignore_text(old: bytes, layout: Layout) -> bytes:
    """Append the lines that are not there yet; what stands there stays, byte for byte.

    A line that is there as a negation, and one for the whole folder, is the user's wish: nothing
    is added to contradict or repeat it.
    """
    present = {_pattern(line) for line in old.splitlines()}
    missing = [line for line in ignored_lines(layout) if _pattern(line.encode()) not in present]
    if not missing or layout.folder.encode() in present:
        return old
    headline = f"# {layout.product}: made again or kept by aos-upgrade, not for git"
    first = [headline] if headline.encode() not in old.splitlines() else []
    gap = [""] if old.strip() and first else []
    return _appended(old, [*gap, *first, *missing])


def _pattern(line: bytes) -> bytes:
    return line.strip().lstrip(b"!/").rstrip(b"/")


def _appended(old: bytes, lines: Iterable[str]) -> bytes:
    end = _line_end(old)
    start = end if old and not old.endswith(b"\n") else b""
    return old + start + b"".join(line.encode() + end for line in lines)


def _line_end(text: bytes) -> bytes:
    """Return the line end that a text has, as far as it has one."""
    return b"\r\n" if text.partition(b"\n")[0].endswith(b"\r") else b"\n"


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _version(version: str | None) -> str:
    return version or "unknown version"


def _changes(passage: Passage) -> str:
    counted = [
        f"{passage.counts.get(relation, 0)} {word}"
        for relation, word in _COUNTED
        if relation is not Relation.MOVED or passage.counts.get(relation)
    ]
    alone = [f"only the {passage.only}"] if passage.only else []
    return ", ".join([*counted, f"{passage.decided} decided", *alone])
