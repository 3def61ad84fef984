"""Lists of texts in configurations of clients, and single items taken out of them.

JSON with remarks and commas at the end is read, as editors write it; TOML as far as such lists go.
Every other byte of a file stays.
"""

import re
import tomllib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.decide.json_text import begin, elements, members, value_at
from aos_upgrade_plugin.errors import InvalidError
from aos_upgrade_plugin.models.commented_json import blanked, parse_commented_json

Names = tuple[str, ...]
Unwanted = Callable[[Names, str], bool]
"""Says of an item, by the names of the members that lead to its list, whether it shall go."""

_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_TOML_SPACE = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_TOML_TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'')
_TABLE = re.compile(r"^[ \t]*\[(?!\[)(?P<name>[^\]\n]+)\]", re.MULTILINE)
_LIST = re.compile(r"^[ \t]*(?P<name>[\w-]+)[ \t]*=[ \t]*\[", re.MULTILINE)


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


def without_items(text: str, *, unwanted: Unwanted, is_toml: bool) -> tuple[str, tuple[str, ...]]:
    """Return a configuration without some items of its lists, and those items.

    Raises InvalidError where the file is not what it should be, or cannot be changed so.
    """
    try:
        found = [*(_toml_lists if is_toml else _json_lists)(text)]
    except RecursionError as error:
        raise InvalidError("it is nested too deep", cure="correct the file") from error
    after, removed = text, list[str]()
    for each in sorted(found, key=lambda one: one.start, reverse=True):
        gone = [item for item in each.items if unwanted(each.names, item.value)]
        if gone and each.only_texts:
            after = _cut(after, each, gone, _TOML_SPACE if is_toml else _SPACE)
            removed += [item.value for item in gone]
    read = _toml if is_toml else _json
    if _kept(read(text), (), unwanted) != read(after):
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


def _kept(value: object, names: Names, unwanted: Unwanted) -> object:
    """Return a value without the unwanted items of all its lists."""
    match value:
        case dict():
            return {name: _kept(each, (*names, name), unwanted) for name, each in value.items()}
        case list():
            left = [each for each in value if not (isinstance(each, str) and unwanted(names, each))]
            return [_kept(each, (*names, "[]"), unwanted) for each in left]
        case _:
            return value


# ---- JSON ----------------------------------------------------------------------------------------


def _json_lists(text: str) -> Iterator[TextList]:
    """Find every list, by the names of the members that lead to it."""
    _json(text)
    plain = blanked(text)
    yield from _lists_in(plain, begin(plain), ())


def _lists_in(plain: str, at: int, names: Names) -> Iterator[TextList]:
    match plain[at]:
        case "{":
            for member in members(plain, at):
                yield from _lists_in(plain, member.value_begins, (*names, member.key))
        case "[":
            starts = [*elements(plain, at)]
            for start in starts:
                yield from _lists_in(plain, start, (*names, "[]"))
            values = [(start, *value_at(plain, start)) for start in starts]
            texts = [
                Item(value, start, end) for start, value, end in values if isinstance(value, str)
            ]
            end = value_at(plain, at)[1]
            yield TextList(names, tuple(texts), at, end, only_texts=len(texts) == len(values))
        case _:  # a text, a number or a word holds no list
            pass


def _json(text: str) -> JsonValue:
    try:
        return parse_commented_json(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError("it is no JSON", cure="correct the file") from error


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
