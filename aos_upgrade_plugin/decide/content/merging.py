"""Whether two changes can be had in one file, and configuration merged by key.

Texts are merged by git itself, see ``effects/source/text_merge.py``; what may be merged is said
here.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.json_members import read
from aos_upgrade_plugin.models.conflict import Merge, OpenConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind

_MARKER = re.compile(rb"^(<<<<<<<|>>>>>>>)( |\r?$)", re.MULTILINE)
_TEXT_IS_TOLD_FROM_BYTES = 8000
_WITH_TWO_FILES = frozenset({Relation.EDIT_EDIT, Relation.ADD_ADD, Relation.CONFIG})
_WITH_ONE_FILE = {
    Relation.EDIT_DELETE: "you changed it, upstream removed it",
    Relation.DELETE_EDIT: "you removed it, upstream changed it",
}


class Texts(NamedTuple):
    """Three texts for git to merge."""

    base: bytes
    local: bytes
    incoming: bytes


def has_markers(content: bytes) -> bool:
    """Say whether a line of it is a marker of an unfinished merge."""
    return _MARKER.search(content) is not None


def why_not_mergeable(conflict: OpenConflict) -> str | None:
    """Say why git need not be asked to merge; nothing where it is worth asking."""
    sides = [side for side in (conflict.base, conflict.local, conflict.incoming) if side]
    if conflict.relation not in _WITH_TWO_FILES or not (conflict.local and conflict.incoming):
        return _WITH_ONE_FILE.get(conflict.relation, "")
    if any(side.kind is not Kind.FILE for side in sides):
        return "not merged: one side is no file"
    if conflict.is_config:
        return "not merged: it is configuration, and not all of it is a JSON object"
    if conflict.base is None:
        return "not merged: the text that both started from is not known"
    if any(b"\0" in side.content[:_TEXT_IS_TOLD_FROM_BYTES] for side in sides):
        return "not merged: it is no text"
    return None


def to_be_merged(conflict: OpenConflict) -> Texts | None:
    """Return the texts for git, with LF throughout where only line ends tell them apart."""
    base, local, incoming = conflict.base, conflict.local, conflict.incoming
    if base is None or local is None or incoming is None:
        return None
    texts = Texts(base.content, local.content, incoming.content)
    return texts if _line_end(texts) is None else Texts(*map(_with_lf, texts))


def merged_text(conflict: OpenConflict, *, content: bytes, places: int) -> Merge:
    """Judge what git made of it: ``places`` that it could not merge, and what it came to."""
    sides = (conflict.base, conflict.local, conflict.incoming)
    if _line_end(Texts(*(side.content if side else b"" for side in sides))) == b"\r\n":
        content = content.replace(b"\n", b"\r\n")
    if places:
        where = "one place" if places == 1 else f"{places} places"
        return Merge(
            marked=content, about=(f"not merged: both changed the same lines, in {where}",)
        )
    if has_markers(content):
        return Merge(about=("not merged: it has lines that look like markers of a merge",))
    if problem := _cannot_be_read(conflict, content):
        return Merge(about=(f"not merged: the merged text {problem}",))
    return Merge(content=content, about=("git merges it cleanly",))


def _line_end(texts: Texts) -> bytes | None:
    """Return how the lines of a merged text end, where the sides are not alike in that.

    Upstream's way where upstream changed it, else the user's. Nothing where all are alike, or one
    is not even like itself.
    """
    base, local, incoming = map(_line_end_of, texts)
    if base == local == incoming or None in {base, local, incoming}:
        return None
    return local if base == incoming else incoming


def _line_end_of(text: bytes) -> bytes | None:
    if b"\r" not in text:
        return b"\n"
    return b"\r\n" if text.count(b"\r") == text.count(b"\n") == text.count(b"\r\n") else None


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def _cannot_be_read(conflict: OpenConflict, merged: bytes) -> str | None:
    """Say what is wrong with a merged text that reads well on both sides."""
    sides = [side.content for side in (conflict.local, conflict.incoming) if side]
    readers = {".json": _is_json, ".py": _is_python}
    for ending, reads in readers.items():
        if conflict.path.endswith(ending) and all(map(reads, sides)) and not reads(merged):
            return "would be no JSON any more" if ending == ".json" else "would be no Python"
    return None


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _is_python(content: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


# ---- configuration, by key -----------------------------------------------------------------


def merged_config(conflict: OpenConflict) -> Merge | None:
    """Add the new keys to the user's configuration, in its form; nothing where it is no JSON.

    The user's values stay, also those that upstream changed or removed: these are told.
    """
    if conflict.local is None or conflict.incoming is None:
        return None
    sides = (conflict.base, conflict.local, conflict.incoming)
    if any(side and side.kind is not Kind.FILE for side in sides):
        return None
    try:
        local, incoming = read(conflict.local.content), read(conflict.incoming.content)
        base = read(conflict.base.content).value if conflict.base else {}
        content = local.with_members(_new(local.value, base, incoming.value))
        says = read(content).value
    except (ValueError, RecursionError):
        return None
    if says != _with_new(local.value, base, incoming.value):
        return None  # rather no merge than a wrong one
    return Merge(content=content, about=tuple(_told(local.value, base, incoming.value)))


def _with_new(
    local: Mapping[str, object], base: Mapping[str, object], incoming: Mapping[str, object]
) -> Mapping[str, object]:
    """Return what the configuration says with the new keys."""
    merged = dict(local)
    for key, value in incoming.items():
        mine = local.get(key)
        if key not in local and key not in base:
            merged[key] = value
        elif isinstance(mine, Mapping) and isinstance(value, Mapping):
            merged[key] = _with_new(mine, _object(base.get(key)), value)
    return merged


def _new(
    local: Mapping[str, object],
    base: Mapping[str, object],
    incoming: Mapping[str, object],
    where: tuple[str, ...] = (),
) -> Iterator[tuple[tuple[str, ...], str, object]]:
    """Yield what upstream added: the object it belongs into, its key and its value."""
    for key, value in incoming.items():
        mine = local.get(key)
        if key not in local:
            if key not in base:  # else the user removed it
                yield where, key, value
        elif isinstance(mine, Mapping) and isinstance(value, Mapping):
            yield from _new(mine, _object(base.get(key)), value, (*where, key))


def _told(
    local: Mapping[str, object],
    base: Mapping[str, object],
    incoming: Mapping[str, object],
    where: tuple[str, ...] = (),
) -> Iterator[str]:
    """Say of each key what upstream did with it where that is more than nothing."""
    for key in dict.fromkeys((*incoming, *local)):
        name = ".".join((*where, key))
        mine, was, comes = (side.get(key) for side in (local, base, incoming))
        if key not in local:
            yield f"{name}: {'arrives' if key not in base else 'stays away, as you removed it'}"
        elif key not in incoming:
            if key in base:
                yield f"{name}: removed upstream, yours stays"
        elif isinstance(mine, Mapping) and isinstance(comes, Mapping):
            yield from _told(mine, _object(was), comes, (*where, key))
        elif comes not in (mine, was):
            yield f"{name}: upstream has {_shown(comes)}, yours stays"


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004  what a line has room for
