"""JSON as somebody wrote it: members are added to its text, and everything else stays."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"(\r?\n)([ \t]*)$")


class Member(NamedTuple):
    """One member of an object in a text."""

    key: str
    begins: int
    """Where its key begins."""
    value_begins: int
    ends: int


def members(text: str, at: int) -> Iterator[Member]:
    """Yield the members of the object that begins somewhere. ValueError where it is none."""
    at = after_space(text, at + 1)
    while text[at : at + 1] != "}":
        begins = at
        key, at = _DECODER.raw_decode(text, at)
        value_begins = after_space(text, after_space(text, at) + 1)
        _, ends = _DECODER.raw_decode(text, value_begins)
        yield Member(key, begins, value_begins, ends)
        at = after_space(text, ends)
        at = after_space(text, at + 1) if text[at : at + 1] == "," else at


def elements(text: str, at: int) -> Iterator[int]:
    """Yield where each element of the array begins that begins somewhere."""
    at = after_space(text, at + 1)
    while text[at : at + 1] != "]":
        yield at
        _, at = _DECODER.raw_decode(text, at)
        at = after_space(text, at)
        at = after_space(text, at + 1) if text[at : at + 1] == "," else at


def with_members(text: str, at: int, added: Mapping[str, JsonValue]) -> str:
    """Add members to the end of the object that begins somewhere, laid out as its last one is."""
    last = max(members(text, at), key=lambda member: member.ends, default=None)
    if not added:
        return text
    written = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in added.items()]
    if last is None:
        return text[: at + 1] + ", ".join(written) + text[at + 1 :]
    line = _INDENT.search(text, 0, last.begins)
    gap = line[0] if line else " "
    return text[: last.ends] + "".join(f",{gap}{each}" for each in written) + text[last.ends :]


def value_at(text: str, at: int) -> tuple[JsonValue, int]:
    """Return the value that begins somewhere, and where it ends. ValueError where none does."""
    value: tuple[JsonValue, int] = _DECODER.raw_decode(text, at)
    return value


def begin(text: str) -> int:
    """Return where the value of a whole text begins, behind a byte order mark."""
    return after_space(text, 1 if text.startswith("\ufeff") else 0)


def after_space(text: str, at: int) -> int:
    """Return where the next thing begins that is no white space."""
    found = _SPACE.match(text, at)
    return found.end() if found else at
