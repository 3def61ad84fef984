"""What a plan changes, as a unified diff that is safe to print."""

import difflib
from collections.abc import Iterator

from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, escape

_TEXT_IS_TOLD_FROM_BYTES = 8000
_MAX_COMPARED_BYTES = 1 << 20
_NOTHING = "/dev/null"


def unified(
    change: Change, *, before: bytes, after: bytes, renamed_from: TreePath | None = None
) -> str:
    """Return the diff of one change; of what is no text, or very long, only that it differs.

    ``before`` and ``after`` are the contents of files, empty for everything else; of a renamed
    one all that is before is what stands at its old place. Nothing in them can move a cursor or
    colour a terminal: what is not printable is escaped.
    """
    return "".join(f"{line}\n" for line in _lines(change, before, after, renamed_from))


def _lines(
    change: Change, before: bytes, after: bytes, renamed_from: TreePath | None
) -> Iterator[str]:
    name = change.path if change.place is Place.INSTALL else f"../{change.path}"
    yield f"diff {name}"
    if renamed_from:
        yield f"renamed from {renamed_from}"
    yield from _headers(change.before, change.after)
    if before == after:
        return
    if not (_is_text(before) and _is_text(after)):
        yield f"Contents differ: {len(before)} bytes before, {len(after)} after"
        return
    names = (
        _NOTHING if change.before is None else f"a/{renamed_from or name}",
        _NOTHING if change.after is None else f"b/{name}",
    )
    yield from difflib.unified_diff(_printable(before), _printable(after), *names, lineterm="")


def compared(before: bytes, after: bytes, names: tuple[str, str]) -> Iterator[str]:
    """Yield the lines of the diff of two contents, safe to print; nothing where they are alike."""
    if _is_text(before) and _is_text(after):
        yield from difflib.unified_diff(_printable(before), _printable(after), *names, lineterm="")
    elif before != after:
        yield f"{' and '.join(names)} differ: {len(before)} bytes and {len(after)}"


def shown_lines(content: bytes) -> Iterator[str]:
    """Yield the lines of a content, safe to print; of what is no text only how long it is."""
    if _is_text(content):
        yield from _printable(content)
    else:
        yield f"{len(content)} bytes that are no text"


def _headers(before: Entry | None, after: Entry | None) -> Iterator[str]:
    if before is None and after is not None:
        yield f"new {after.kind}{_mode(after)}{_points(after)}"
    elif after is None and before is not None:
        yield f"removed {before.kind}{_mode(before)}{_points(before)}"
    elif before is not None and after is not None:
        if before.kind is not after.kind:
            yield f"{before.kind}{_points(before)} becomes {after.kind}{_points(after)}"
        elif before.link_target != after.link_target:
            yield f"link{_points(before)} becomes link{_points(after)}"
        elif before.mode != after.mode:
            yield f"mode {before.mode:04o} becomes {after.mode:04o}"


def _mode(entry: Entry) -> str:
    return "" if entry.kind is Kind.LINK else f" {entry.mode:04o}"


def _points(entry: Entry) -> str:
    return f" -> {entry.link_target}" if entry.kind is Kind.LINK else ""


def _is_text(content: bytes) -> bool:
    return len(content) <= _MAX_COMPARED_BYTES and b"\0" not in content[:_TEXT_IS_TOLD_FROM_BYTES]


def _printable(content: bytes) -> list[str]:
    """Split into lines that show everything that differs, a missing last line end too."""
    lines = content.split(b"\n")
    last = lines.pop()
    shown = [_shown(line) for line in lines]
    return [*shown, f"{_shown(last)} (no line end)"] if last else shown


def _shown(line: bytes) -> str:
    return "\t".join(escape(piece).replace("\\\\", "\\") for piece in line.split(b"\t"))
