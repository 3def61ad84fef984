"""The files in which clients are told of servers: one more server, and all else as it was."""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from json.decoder import JSONDecoder
from types import MappingProxyType
from typing import Any, NamedTuple

from aos_upgrade_plugin.errors import InvalidError

Entry = Mapping[str, Any]
"""How a server is started: ``command``, ``args``."""

_SPACE = re.compile(r"[ \t\r\n]*")
_INDENT = re.compile(r"\n([ \t]+)\"")
_DECODER = JSONDecoder()


class Client(NamedTuple):
    """Where a client looks, and under which key."""

    file: str | None
    """Relative to the project; nothing where it is the user's own, in a place that varies."""
    key: str
    more: Entry = MappingProxyType({})
    """What its entries have besides."""


CLIENTS: Mapping[str, Client] = {
    "claude": Client(".mcp.json", "mcpServers"),
    "cursor": Client(".cursor/mcp.json", "mcpServers"),
    "vscode": Client(".vscode/mcp.json", "servers", {"type": "stdio"}),
    "codex": Client(".codex/config.toml", "mcp_servers"),
    "cline": Client(None, "mcpServers"),
}


class _Depth(NamedTuple):
    """How a file is indented, and how deep a member lies."""

    step: str
    depth: int


class _Member(NamedTuple):
    """One member of a JSON object, and where its value is in the text."""

    name: str
    start: int
    end: int


def with_server(text: str, *, client: Client, name: str, entry: Entry, is_toml: bool) -> str:
    """Return a client's file with one server more; an entry of that name is replaced.

    Every other byte of it stays. Raises InvalidError where the file is not what it should be.
    """
    entry = {**client.more, **entry}
    if is_toml:
        return _toml_with(text, client.key, name, entry)
    if not text.strip():
        return json.dumps({client.key: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
    before = _json(text)
    if not isinstance(before.get(client.key, {}), dict):
        raise InvalidError(f"{client.key} in it is no object", cure="correct the file")
    if before.get(client.key, {}).get(name) == entry:
        return text
    step = (_INDENT.search(text) or [None, "  "])[1] or "  "
    top = _SPACE.match(text).end()  # type: ignore[union-attr]  # it matches nothing, too
    servers = next((each for each in _members(text, top) if each.name == client.key), None)
    if servers is None:
        after = _put(text, top, client.key, {name: entry}, at=_Depth(step, 1))
    else:
        after = _put(text, servers.start, name, entry, at=_Depth(step, 2))
    wanted = {**before, client.key: {**before.get(client.key, {}), name: dict(entry)}}
    if _json(after) != wanted:
        raise InvalidError("a name stands in it twice", cure="correct the file")
    return after


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError(
            "it is no plain JSON; comments and commas at the end are refused, too",
            cure="correct the file, or add the server by hand",
        ) from error
    if not isinstance(found, dict):
        raise InvalidError("it is no JSON object", cure="correct the file")
    return found


def _members(text: str, start: int) -> Iterator[_Member]:
    """Yield the members of the object that begins at a place; it is known to be JSON."""
    at = _after_space(text, start + 1)
    while text[at] == '"':
        name, at = _DECODER.raw_decode(text, at)
        value = _after_space(text, _after_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, value)
        yield _Member(name, value, end)
        at = _after_space(text, end)
        if text[at] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _put(text: str, start: int, name: str, value: Entry, *, at: _Depth) -> str:
    """Return the text with a member in the object that begins at a place, in its own style."""
    margin = at.step * at.depth
    written = json.dumps(dict(value), indent=at.step, ensure_ascii=False)
    written = written.replace("\n", f"\n{margin}")
    members = list(_members(text, start))
    there = next((each for each in members if each.name == name), None)
    if there is not None:
        return text[: there.start] + written + text[there.end :]
    line = f"\n{margin}{json.dumps(name)}: {written}"
    if members:
        return text[: members[-1].end] + "," + line + text[members[-1].end :]
    end = _after_space(text, start + 1)
    return text[: start + 1] + line + f"\n{at.step * (at.depth - 1)}" + text[end:]


def _toml_with(text: str, key: str, name: str, entry: Entry) -> str:
    before = _toml(text)
    there = before.get(key, {})
    if isinstance(there, dict) and there.get(name) == dict(entry):
        return text
    if not isinstance(there, dict) or name in there:
        raise InvalidError(
            f"{key}.{name} is there already, and says something else",
            cure="remove that table, then run the command again",
        )
    lines = [f"{field} = {json.dumps(value, ensure_ascii=False)}" for field, value in entry.items()]
    table = "\n".join([f"[{key}.{json.dumps(name)}]", *lines])
    after = f"{text.rstrip()}\n\n{table}\n" if text.strip() else f"{table}\n"
    if _toml(after) != {**before, key: {**there, name: dict(entry)}}:
        raise InvalidError(f"{key} in it cannot be added to", cure="add the server by hand")
    return after


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidError("it is no TOML", cure="correct the file") from error
