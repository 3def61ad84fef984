"""The files in which clients are told of servers: one more server, and all else as it was."""

import json
import re
import tomllib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from aos_upgrade_plugin.decide.json_text import after_space, begin, members
from aos_upgrade_plugin.errors import InvalidError
from aos_upgrade_plugin.models.commented_json import blanked

Entry = Mapping[str, Any]
"""How a server is started: ``command``, ``args``."""

_INDENT = re.compile(r"\n([ \t]+)\"")
_MARK = "\ufeff"
"""What some editors write first, to say that a file is UTF-8."""


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


class _Text(NamedTuple):
    """A file as it is, and with blanks for what is no plain JSON; both of one length."""

    whole: str
    plain: str


def with_server(text: str, *, client: Client, name: str, entry: Entry, is_toml: bool) -> str:
    """Return a client's file with one server more; of one of that name ``entry`` is brought up.

    Every other byte of it stays: remarks, a mark at its begin, its kind of line ends. Raises
    InvalidError where the file is not what it should be.
    """
    if text.startswith(_MARK):
        rest = text.removeprefix(_MARK)
        rest = with_server(rest, client=client, name=name, entry=entry, is_toml=is_toml)
        return _MARK + rest
    entry = {**client.more, **entry}
    after = (_toml_with if is_toml else _json_with)(text, client.key, name, entry)
    if "\r\n" in text and "\n" not in text.replace("\r\n", ""):
        after = after.replace("\r\n", "\n").replace("\n", "\r\n")
    return after


def _json_with(text: str, key: str, name: str, entry: Entry) -> str:
    if not text.strip():
        return json.dumps({key: {name: entry}}, indent=2, ensure_ascii=False) + "\n"
    plain = blanked(text)
    before = _json(plain)
    there = before.get(key, {})
    if not isinstance(there, dict):
        raise InvalidError(f"{key} in it is no object", cure="correct the file")
    known = there.get(name)
    entry = {**known, **entry} if isinstance(known, dict) else dict(entry)
    if known == entry:
        return text
    step = (_INDENT.search(text) or [None, "  "])[1] or "  "
    top = begin(plain)
    servers = next((each for each in members(plain, top) if each.key == key), None)
    if servers is None:
        after = _put(_Text(text, plain), top, key, {name: entry}, at=_Depth(step, 1))
    else:
        after = _put(_Text(text, plain), servers.value_begins, name, entry, at=_Depth(step, 2))
    if _json(blanked(after)) != {**before, key: {**there, name: entry}}:
        raise InvalidError("a name stands in it twice", cure="correct the file")
    return after


def _json(plain: str) -> dict[str, Any]:
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError) as error:
        raise InvalidError(
            "it is no JSON", cure="correct the file, or add the server by hand"
        ) from error
    if not isinstance(found, dict):
        raise InvalidError("it is no JSON object", cure="correct the file")
    return found


def _put(texts: _Text, start: int, name: str, value: Entry, *, at: _Depth) -> str:
    """Return the text with a member in the object that begins at a place, in its own style."""
    text, plain = texts
    margin = at.step * at.depth
    written = json.dumps(dict(value), indent=at.step, ensure_ascii=False)
    written = written.replace("\n", f"\n{margin}")
    known = list(members(plain, start))
    there = next((each for each in known if each.key == name), None)
    if there is not None:
        return text[: there.value_begins] + written + text[there.ends :]
    line = f"\n{margin}{json.dumps(name)}: {written}"
    if known:
        return text[: known[-1].ends] + "," + line + text[known[-1].ends :]
    end = after_space(plain, start + 1)
    rest = text[start + 1 : end].rstrip()  # remarks, where there are any
    return text[: start + 1] + line + rest + f"\n{at.step * (at.depth - 1)}" + text[end:]


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
