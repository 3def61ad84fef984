"""A JSON object as somebody wrote it: members are added, and nothing else in the text moves."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

_SPACE = re.compile(r"[ \t\r\n]*")
_BOM = "\ufeff"
_DECODER = json.JSONDecoder()
_ROOMY = re.compile(r'":\s')


class NotPlainError(ValueError):
    """The text is no JSON object, has a key twice, or says something that JSON cannot."""


class _Object(NamedTuple):
    """Where an object is in the text."""

    begin: int
    """After its opening brace."""
    last: int | None
    """After its last member; nothing where it has none."""
    first: int | None
    """Where its first member begins."""
    inner: Mapping[str, "_Object"]


class Text(NamedTuple):
    """A text, what it says, and where it says so."""

    text: str
    value: Mapping[str, object]
    places: "_Object"

    def with_members(self, new: Iterable[tuple[tuple[str, ...], str, object]]) -> bytes:
        """Return the text with members added at the end of some of its objects, in its form."""
        added: dict[tuple[str, ...], dict[str, object]] = {}
        for where, key, value in new:
            added.setdefault(where, {})[key] = value
        pieces = [self._more(self._at(where), members) for where, members in added.items()]
        text = self.text
        for at, more in sorted(pieces, reverse=True):  # the last first, so the others stay put
            text = text[:at] + more + text[at:]
        return text.encode()

    def _at(self, where: tuple[str, ...]) -> _Object:
        place = self.places
        for key in where:
            place = place.inner[key]
        return place

    def _more(self, place: _Object, members: Mapping[str, object]) -> tuple[int, str]:
        """Return where members go into an object, and how they are written there."""
        end = "\r\n" if "\r\n" in self.text else "\n"
        unit = self._unit()
        if place.last is None or place.first is None:
            outer = self._indent(place.begin)
            inside = f"{end}{outer}{unit}" if "\n" in self.text.strip() else ""
            closing = f"{end}{outer}" if inside else ""
            if inside and end in self.text[place.begin : _after_space(self.text, place.begin)]:
                closing = ""  # the closing brace is on a line of its own already
            return place.begin, inside + self._written(members, inside, unit) + closing
        if "\n" not in self.text[place.begin : place.first]:
            return place.last, self._comma() + self._written(members, "", unit)
        inside = f"{end}{self._indent(place.first)}"
        return place.last, f",{inside}" + self._written(members, inside, unit)

    def _written(self, members: Mapping[str, object], inside: str, unit: str) -> str:
        """Return members as they are written: a line each, or all on one."""
        if not inside:
            colon = ": " if _ROOMY.search(self.text) else ":"
            separators = (self._comma(), colon)
            return json.dumps(members, ensure_ascii=False, separators=separators)[1:-1]
        lines = json.dumps(members, ensure_ascii=False, indent=unit).split("\n")[1:-1]
        return inside.join(line.removeprefix(unit) for line in lines)

    def _comma(self) -> str:
        return ", " if _ROOMY.search(self.text) or ":" not in self.text else ","

    def _unit(self) -> str:
        """Return by how much the text is indented at each step."""
        first = self.places.first
        return (self._indent(first) if first is not None else "") or "  "

    def _indent(self, position: int) -> str:
        line = self.text[self.text.rfind("\n", 0, position) + 1 : position]
        return line[: len(line) - len(line.lstrip(" \t"))]


def read(raw: bytes) -> Text:
    """Read a JSON object; raise NotPlainError where it is none."""
    try:
        text = raw.decode()
        value = json.loads(text.removeprefix(_BOM), object_pairs_hook=_once, parse_constant=_refuse)
    except ValueError as error:
        raise NotPlainError(str(error)) from error
    if not isinstance(value, dict):
        message = "it is no object"
        raise NotPlainError(message)
    begin = _after_space(text, len(text) - len(text.removeprefix(_BOM)))
    return Text(text, value, _scan(text, begin + 1)[0])


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        message = "a key is there twice"
        raise NotPlainError(message)
    return found


def _refuse(constant: str) -> object:
    message = f"{constant} is no number"
    raise NotPlainError(message)


def _scan(text: str, begin: int) -> tuple[_Object, int]:
    """Find the members of an object whose brace is open, and where it ends; it is valid."""
    inner: dict[str, _Object] = {}
    last = first = None
    position = _after_space(text, begin)
    while text[position] != "}":
        first = position if first is None else first
        key, position = _DECODER.raw_decode(text, position)
        position = _after_space(text, _after_space(text, position) + 1)
        if text[position] == "{":
            inner[key], last = _scan(text, position + 1)
        else:
            _, last = _DECODER.raw_decode(text, position)
        position = _after_space(text, last)
        if text[position] == ",":
            position = _after_space(text, position + 1)
    return _Object(begin, last, first, inner), position + 1


def _after_space(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    return match.end() if match else position
