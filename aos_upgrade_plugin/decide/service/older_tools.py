"""The separate tools of older servers: what each took, and what is called in its place."""

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from aos_upgrade_plugin.models.cut_over import Use
from aos_upgrade_plugin.models.words import line as line_of
from aos_upgrade_plugin.models.workflow_call import Action


class OlderTool(NamedTuple):
    """One of the separate tools."""

    parameters: tuple[str, ...]
    """In the order in which they were given."""
    action: Action | None
    """The action with the same parameters; nothing where there is none."""
    remark: str = ""
    """What is different, or what to do where there is no action."""


OLDER_TOOLS: Mapping[str, OlderTool] = MappingProxyType(
    {
        "start_workflow": OlderTool(("workflow_type", "target_file", "options"), Action.START),
        "get_current_phase": OlderTool(("session_id",), Action.GET_PHASE),
        "get_task": OlderTool(("session_id", "phase", "task_number"), Action.GET_TASK),
        "complete_phase": OlderTool(("session_id", "phase", "evidence"), Action.COMPLETE_PHASE),
        "get_workflow_state": OlderTool(("session_id",), Action.GET_STATE),
        "create_workflow": OlderTool(
            (), None, "write the folder, or walk a workflow that creates one: action start"
        ),
        "validate_workflow": OlderTool(
            (), None, "action list_workflows names each broken definition with its problem"
        ),
    }
)
"""Source: what the product's server registered from ced34ea to 182c6ab, validate_workflow later."""

TOOL = "aos_workflow"
_ANYWAY = "no tool takes its place"
_GONE = {"current_date": "ask the shell: date -I"}
"""Not of workflows, but in their group."""

_NAMES = "|".join(OLDER_TOOLS)
# The new tool has actions of the same name: alone they say nothing.
_ONLY_OLD = "|".join(name for name in OLDER_TOOLS if name not in set(Action))
_PREFIXED = rf"\bmcp_{{1,2}}(?P<server>[\w.-]+?)_{{1,2}}(?P<prefixed>{_NAMES})\b"
_BY_CLIENT = (
    r"\bcall_?tool\s*\(\s*(?:\{\s*[\"']?name[\"']?\s*:\s*|name\s*=\s*)?"
    rf"[\"'`](?P<by_client>{_NAMES})[\"'`]"
)
_CALLED = rf"(?<![\w.])(?<!def )(?<!function )(?P<called>{_NAMES})(?=\()"
_NAMED = rf"(?<![\w.])[`\"'](?P<named>{_ONLY_OLD})[`\"']"
_IN_CODE = re.compile(f"{_PREFIXED}|{_BY_CLIENT}", re.IGNORECASE)
_IN_TEXT = re.compile(f"{_PREFIXED}|{_BY_CLIENT}|{_CALLED}|{_NAMED}", re.IGNORECASE)
_LONGEST_CALL, _LONGEST_WRITTEN, _LONGEST_INSTEAD = 4_000, 120, 240


def instead_of(tool: str) -> str:
    """Say what takes the place of a tool that is gone."""
    older = OLDER_TOOLS.get(tool)
    if older is None:
        return _GONE.get(tool, _ANYWAY)
    return _call(older.action, older.parameters) if older.action else older.remark


def uses_in(text: str, *, servers: Iterable[str], is_code: bool) -> Iterator[Use]:
    """Yield where a text speaks of an older tool, from its beginning to its end.

    Where it names the server, too, it has to be one of these. In code only what can be nothing
    else counts: other functions may have such names.
    """
    known = {_plain(each) for each in servers}
    line, counted = 1, 0
    for found in (_IN_CODE if is_code else _IN_TEXT).finditer(text):
        line, counted = line + text.count("\n", counted, found.start()), found.start()
        server = found["server"]
        if server is not None and _plain(server) not in known:
            continue
        tool = next(name.lower() for name in found.group(*_forms(is_code=is_code)) if name)
        ends = text.find("\n", found.end())
        written = text[found.start() : ends if ends >= 0 else len(text)]
        yield Use(
            line=line,
            tool=tool,
            written=line_of(written)[:_LONGEST_WRITTEN],
            instead=_translated(tool, text, found.end()) or instead_of(tool),
        )


def _forms(*, is_code: bool) -> tuple[str, ...]:
    return ("prefixed", "by_client") if is_code else ("prefixed", "by_client", "called", "named")


def _plain(server: str) -> str:
    """Return a server's name as clients make it a part of a tool's."""
    return re.sub(r"[^a-z0-9]", "_", server.lower())


def _call(action: Action, parameters: tuple[str, ...]) -> str:
    needed = [f"{name}=…" for name in parameters if name != "options"]
    return _new_call(action, needed)


def _new_call(action: Action, arguments: list[str]) -> str:
    said = ", ".join([f'action="{action}"', *arguments])
    return f"{TOOL}({said})"


def _translated(tool: str, text: str, at: int) -> str | None:
    """Return a call with the arguments that stand there; nothing where they cannot be read."""
    older = OLDER_TOOLS[tool]
    given = _arguments(text[at : at + _LONGEST_CALL], older.parameters) if older.action else None
    if older.action is None or not given:
        return None
    call = _new_call(older.action, [f"{name}={value}" for name, value in given.items()])
    return call if len(call) <= _LONGEST_INSTEAD and call.isprintable() else None


def _arguments(rest: str, parameters: tuple[str, ...]) -> dict[str, str] | None:
    """Return what each parameter is given in the parentheses that a text begins with.

    Nothing where that is no Python, or does not fit the parameters.
    """
    ends = _closed_at(rest)
    if ends is None:
        return None
    try:
        code = f"f{rest[:ends]}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what strangers wrote
            call = ast.parse(code, mode="eval").body
        if not isinstance(call, ast.Call) or len(call.args) > len(parameters):
            return None
        given = [_written(code, each) for each in call.args]
        named = dict(zip(parameters, given, strict=False))
        named |= {str(each.arg): _written(code, each.value) for each in call.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    starred = any(isinstance(each, ast.Starred) for each in call.args)
    return named if set(named) <= set(parameters) and not starred else None


def _written(code: str, part: ast.expr) -> str:
    """Return a part of a call as it was written, on one line."""
    written = ast.get_source_segment(code, part) or ""
    return written if written.isprintable() and written else ast.unparse(part)


def _closed_at(rest: str) -> int | None:
    """Return where the parentheses end that a text begins with; nothing where it begins so not."""
    depth = 0
    for at, character in enumerate(rest):
        depth += (character in "([{") - (character in ")]}")
        if depth <= 0:
            return at + 1 if at else None
    return None
