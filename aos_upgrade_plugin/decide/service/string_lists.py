"""Lists of texts in configurations of clients, and single items taken out of them.

JSON with remarks and commas at the end is read, as editors write it; TOML as far as such lists go.
Every other byte of a file stays.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from aos_upgrade_plugin.errors import InvalidError

Names = tuple[str, ...]
Unwanted = Callable[[Names, str], bool]
"""Says of an item, by the names of the members that lead to its list, whether it shall go."""

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TOML_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"')
_TOML_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_SCALAR = re.compile(r"[^\s,\]}/]+")
_TABLE = re.compile(r"^[ \t]*\[(?!\[)(?P<name>[^\]\n]+)\]", re.MULTILINE)
_LIST = re.compile(r"^[ \t]*(?P<name>[\w-]+)[ \t]*=[ \t]*\[", re.MULTILINE)
_DEEPEST = 60


class Item(NamedTuple):
    """A text in a list, and where it stands."""

    value: str
    start: int
    end: int


class TextList(NamedTuple):
    """A list and the texts in it; what else is in it is left alone."""

    names: Names
    items: tuple[Item, ...]
    start: int
    """Of its bracket."""
    end: int
    """Behind its bracket."""
    only_texts: bool


class _Scan:
    """One JSON text read from its beginning to its end."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lists: list[TextList] = []
        self.leaves: list[tuple[Names, str]] = []

    def whole(self) -> "_Scan":
        try:
            end = self._value(self._skip(0), ())
        except IndexError:
            raise _unreadable() from None
        if self._skip(end) != len(self.text):
            raise _unreadable()
        return self

    def _skip(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _value(self, at: int, names: Names) -> int:
        if len(names) > _DEEPEST:
            raise _unreadable()
        match self.text[at]:
            case "{":
                return self._members(at, names)
            case "[":
                return self._list(at, names)
            case _:
                return self._leaf(at, names)

    def _leaf(self, at: int, names: Names) -> int:
        pattern = _TEXT if self.text[at] == '"' else _SCALAR
        found = pattern.match(self.text, at)
        if found is None:
            raise _unreadable()
        self.leaves.append((names, found[0]))
        return found.end()

    def _members(self, at: int, names: Names) -> int:
        at = self._skip(at + 1)
        while self.text[at] != "}":
            found = _TEXT.match(self.text, at)
            if found is None:
                raise _unreadable()
            colon = self._skip(found.end())
            if self.text[colon] != ":":
                raise _unreadable()
            at = self._value(self._skip(colon + 1), (*names, _read(found[0])))
            at = self._next(at, "}")
        return at + 1

    def _list(self, start: int, names: Names) -> int:
        at, items, only_texts = self._skip(start + 1), [], True
        while self.text[at] != "]":
            end = self._value(at, (*names, "[]"))
            if self.text[at] == '"':
                items.append(Item(_read(self.text[at:end]), at, end))
            else:
                only_texts = False
            at = self._next(end, "]")
        self.lists.append(TextList(names, tuple(items), start, at + 1, only_texts))
        return at + 1

    def _next(self, at: int, closes: str) -> int:
        at = self._skip(at)
        if self.text[at] == ",":
            return self._skip(at + 1)
        if self.text[at] != closes:
            raise _unreadable()
        return at


def without_items(text: str, *, unwanted: Unwanted, is_toml: bool) -> tuple[str, tuple[str, ...]]:
    """Return a configuration without some items of its lists, and those items.

    Raises InvalidError where the file is not what it should be, or cannot be changed so.
    """
    found = _toml_lists(text) if is_toml else iter(_Scan(text).whole().lists)
    after, removed = text, list[str]()
    for each in sorted(found, key=lambda one: one.start, reverse=True):
        gone = [item for item in each.items if unwanted(each.names, item.value)]
        if gone and each.only_texts:
            after = _cut(after, each, gone, _TOML_SPACE if is_toml else _SPACE)
            removed += [item.value for item in gone]
    if not (_toml_holds if is_toml else _json_holds)(text, after, unwanted):
        raise InvalidError(
            "its lists cannot be changed in place", cure="take the tools out of it by hand"
        )
    return after, tuple(sorted(set(removed)))


def _cut(text: str, of: TextList, gone: list[Item], space: re.Pattern[str]) -> str:
    """Take items out of a list with their commas, and their lines where nothing else is there."""
    kept = [item for item in of.items if item not in gone]
    commas = {item: _comma(text, item, space) for item in of.items}
    for item in reversed(of.items):
        comma = commas[item]
        if item in gone:
            text = _without(text, item.start, item.end if comma is None else comma + 1)
        elif item is kept[-1] and commas[of.items[-1]] is None and comma is not None:
            text = text[:comma] + text[comma + 1 :]  # nothing follows any more
    closes = text.index("]", of.start) if not kept else -1
    if not kept and not text[of.start + 1 : closes].strip():
        text = text[: of.start + 1] + text[closes:]
    return text


def _comma(text: str, item: Item, space: re.Pattern[str]) -> int | None:
    at = _after(text, item.end, space)
    return at if text[at] == "," else None


def _after(text: str, at: int, space: re.Pattern[str]) -> int:
    found = space.match(text, at)
    return found.end() if found else at


def _without(text: str, start: int, end: int) -> str:
    """Take a span out; with its line where that is empty then, else with the space behind it."""
    line_starts = text.rfind("\n", 0, start) + 1
    line_ends = text.find("\n", end)
    alone = not text[line_starts:start].strip() and not text[end : max(line_ends, end)].strip()
    if alone and line_ends >= 0 and line_starts:
        return text[:line_starts] + text[line_ends + 1 :]
    while end < len(text) and text[end] in " \t":
        end += 1
    if text[end : end + 1] == "]":
        start = len(text[:start].rstrip(" \t"))
    return text[:start] + text[end:]


def _read(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError as error:
        raise _unreadable() from error


def _json_holds(before: str, after: str, unwanted: Unwanted) -> bool:
    """Say whether exactly the unwanted items are gone."""

    def is_kept(leaf: tuple[Names, str]) -> bool:
        names, raw = leaf
        in_list = names[-1:] == ("[]",) and raw.startswith('"')
        return not (in_list and unwanted(names[:-1], _read(raw)))

    return [*filter(is_kept, _Scan(before).whole().leaves)] == _Scan(after).whole().leaves


# ---- TOML ----------------------------------------------------------------------------------------


def _toml_lists(text: str) -> Iterator[TextList]:
    """Find the lists of texts, each by its table's names and its own."""
    _toml(text)
    tables = [(found.start(), _dotted(found["name"])) for found in _TABLE.finditer(text)]
    for found in _LIST.finditer(text):
        above = [names for start, names in tables if start < found.start()]
        names = (*(above[-1] if above else ()), found["name"])
        each = _toml_list(text, found.end() - 1, names)
        if each is not None:
            yield each


def _toml_list(text: str, start: int, names: Names) -> TextList | None:
    """Return the list that begins at a bracket, where it holds texts only."""
    at, items = _after(text, start + 1, _TOML_SPACE), []
    while not text.startswith("]", at):
        found = _TOML_TEXT.match(text, at)
        if found is None or found[0] in {'""', "''"}:
            return None
        items.append(Item(tomllib.loads(f"x = {found[0]}")["x"], at, found.end()))
        at = _after(text, found.end(), _TOML_SPACE)
        if text.startswith(",", at):
            at = _after(text, at + 1, _TOML_SPACE)
        elif not text.startswith("]", at):
            return None
    return TextList(names, tuple(items), start, at + 1, only_texts=True)


def _dotted(name: str) -> Names:
    try:
        read: Any = tomllib.loads(f"[{name}]")
    except ValueError:
        return ()
    names = []
    while isinstance(read, dict) and read:
        ((only, read),) = read.items()
        names.append(only)
    return tuple(names)


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError("it is no TOML", cure="correct the file") from error


def _toml_holds(before: str, after: str, unwanted: Unwanted) -> bool:
    def kept(value: object, names: Names) -> object:
        match value:
            case dict():
                return {name: kept(each, (*names, name)) for name, each in value.items()}
            case list() if all(isinstance(each, str) for each in value):
                return [each for each in value if not unwanted(names, each)]
            case _:
                return value

    return kept(_toml(before), ()) == _toml(after)


def _unreadable() -> InvalidError:
    return InvalidError("it is no JSON", cure="correct the file")
