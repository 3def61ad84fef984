"""What a cut-over changes in the files of clients and in the configuration of the server."""

import ast
import json
import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from pydantic import JsonValue

from aos_upgrade_plugin.decide import json_text
from aos_upgrade_plugin.decide.service.client_files import CLIENTS, Entry, with_server
from aos_upgrade_plugin.decide.service.older_tools import OLDER_TOOLS, instead_of
from aos_upgrade_plugin.decide.service.string_lists import Names, without_items
from aos_upgrade_plugin.errors import InvalidError
from aos_upgrade_plugin.models.cut_over import Gone

SETTINGS = (
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".gemini/settings.json",
    ".kilocode/mcp.json",
    ".roo/mcp.json",
)
"""Files of clients that allow and refuse tools, beside those that start servers."""

GROUP = "workflow"
IN_GROUP = frozenset({"current_date"})
"""The tools of the group that are not of workflows."""
_OF_PRODUCT = frozenset({"aos_workflow", "pos_workflow"})
_GROUPS = "enabled_tool_groups"
_KNOWN_NAMES = frozenset({"agent-os-rag", "agent-os", "praxis-os"})
"""What the product's own instructions call its server."""
_PREFIXED = re.compile(r"mcp__(?P<server>.+?)__(?P<tool>\w+)")


class Edited(NamedTuple):
    """A file as it becomes."""

    text: str
    removed: tuple[str, ...] = ()
    added: str | None = None


def server_names(told: Iterable[str]) -> frozenset[str]:
    """Return what clients may call the product's server, besides what they were seen to."""
    return _KNOWN_NAMES | frozenset(told)


def without_tools(
    text: str, *, tools: AbstractSet[str], servers: AbstractSet[str], is_toml: bool
) -> Edited:
    """Take the tools of some servers out of every list of a client's file.

    A tool of another server that has the same name stays. Raises InvalidError.
    """

    def unwanted(names: Names, item: str) -> bool:
        found = _PREFIXED.fullmatch(item)
        if found:
            return found["server"] in servers and found["tool"] in tools
        return item in tools and not servers.isdisjoint(names)

    return Edited(*without_items(text, unwanted=unwanted, is_toml=is_toml))


def tells_of(text: str, servers: AbstractSet[str]) -> bool:
    """Say whether a client's file names one of some servers."""
    return any(f'"{name}"' in text or f".{name}]" in text for name in servers)


def has_its_own(tools: Collection[str]) -> bool:
    """Say whether the product's server has one tool for workflows itself."""
    return not _OF_PRODUCT.isdisjoint(tools)


def with_ours(edited: Edited, *, file: str, name: str, entry: Entry) -> Edited:
    """Tell a client of our server, unless it knows one of that name, or lists none in this file.

    Raises InvalidError where it cannot be added in place.
    """
    client = next((each for each in CLIENTS.values() if each.file == file), None)
    if client is None or tells_of(edited.text, {name}):
        return edited
    is_toml = file.endswith(".toml")
    text = with_server(edited.text, client=client, name=name, entry=entry, is_toml=is_toml)
    return edited._replace(text=text, added=name)


# ---- the server's own configuration --------------------------------------------------------------


def without_group(text: str, *, usual: tuple[str, ...] | None) -> Edited:
    """Take the group of the older tools out of ``config.json``, all else as it was.

    ``usual`` are the groups that count where it names none. Raises InvalidError where it cannot
    be done, with what to do by hand.
    """
    mcp = _config(text).get("mcp", {})
    if not isinstance(mcp, dict):
        raise InvalidError("mcp in it is no object", cure="correct the file")
    if _GROUPS not in mcp:
        return Edited(_with_groups(text, usual), removed=(GROUP,))
    groups = mcp[_GROUPS]
    if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups):
        raise InvalidError(f"mcp.{_GROUPS} in it is no list of names", cure="correct the file")
    _refuse_none_left([each for each in groups if each != GROUP])
    path = ("mcp", _GROUPS)
    return Edited(
        *without_items(
            text, unwanted=lambda names, item: names == path and item == GROUP, is_toml=False
        )
    )


def _with_groups(text: str, usual: tuple[str, ...] | None) -> str:
    """Name the groups that counted so far, but for the one of the older tools."""
    if usual is None:
        raise InvalidError(
            f"it names no {_GROUPS}, and the server's code does not say what counts then",
            cure=f"write mcp.{_GROUPS} into it, then run the command again",
        )
    named = [each for each in usual if each != GROUP]
    _refuse_none_left(named)
    left: list[JsonValue] = [*named]
    if not text.strip():
        return json.dumps({"mcp": {_GROUPS: left}}, indent=2) + "\n"
    top = json_text.begin(text)
    mcp = next((each for each in json_text.members(text, top) if each.key == "mcp"), None)
    if mcp is None:
        return json_text.with_members(text, top, {"mcp": {_GROUPS: left}})
    return json_text.with_members(text, mcp.value_begins, {_GROUPS: left})


def _config(text: str) -> dict[str, Any]:
    try:
        told = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        raise InvalidError(
            "it is no plain JSON, so the server ignores it", cure="correct the file"
        ) from error
    if not isinstance(told, dict):
        raise InvalidError("it is no JSON object", cure="correct the file")
    return told


def _refuse_none_left(groups: Collection[str]) -> None:
    if not groups:
        raise InvalidError(
            f"{GROUP} is the only group in {_GROUPS}, and the server does not start without one",
            cure=f'add another group to {_GROUPS}, "rag" for one, then run the command again',
        )


def usual_groups(code: Iterable[str]) -> tuple[str, ...] | None:
    """Return the tool groups that count where a configuration names none, as the code says.

    Nothing where it does not say; an empty answer where it knows no groups at all.
    """
    knows = False
    for text in code:
        if _GROUPS not in text:
            continue
        knows = True
        for groups in _defaults(text):
            return groups
    return None if knows else ()


def _defaults(text: str) -> Iterator[tuple[str, ...]]:
    """Find what a class gives its field of that name, as the first list of texts in it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what strangers wrote
            fields = [each for each in ast.walk(ast.parse(text)) if isinstance(each, ast.AnnAssign)]
    except (SyntaxError, ValueError, RecursionError):
        return
    for field in fields:
        if isinstance(field.target, ast.Name) and field.target.id == _GROUPS and field.value:
            for node in ast.walk(field.value):
                if isinstance(node, ast.List | ast.Tuple):
                    yield tuple(str(ast.literal_eval(each)) for each in node.elts)


# ---- what it came to -----------------------------------------------------------------------------


def gone_tools(before: Iterable[str], after: Collection[str]) -> tuple[Gone, ...]:
    """Return the tools that are no longer there, each with what takes its place."""
    return tuple(
        Gone(tool=each, instead=instead_of(each)) for each in sorted(before) if each not in after
    )


def are_old(tools: Iterable[str]) -> tuple[str, ...]:
    """Return the older separate tools among some; the one new tool is none."""
    return tuple(each for each in tools if each in OLDER_TOOLS)
