"""The page of the fourteen actions, from real calls: ``docs/reference/workflow-actions.md``.

To write it anew: ``python -m tests.actions.reference``.
"""

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.actions.workflow_tool import HANDLERS
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.actions.scenes import Scene, Shown
from tests.actions.scenes_of_actions import SCENES, every_action
from tests.actions.scenes_of_upgrades import UpgradeScene, upgrades

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "workflow-actions.md"
INTRODUCTION = """\
# The fourteen actions, by example

Each action of the tool `aos_workflow` with a call, its answer, and everything that it refuses. The
answers are the tool's own: `python -m tests.actions.reference` makes the calls and writes this
page, on which names of sessions and times are always the same, and what is long is shortened
(`…`). On the command line a call is `aos-upgrade workflow ACTION`, with an option for each
parameter. An agent reads this page as the resource `aos://reference/workflow-actions`, or one
action of it as `aos://reference/workflow-actions/{action}`.

States, limits and gate definitions: [the workflow tool](workflow-tool.md).
"""
_UPGRADES = """\
The actions for a session of `agent_os_upgrade_v1`, where they differ. What a phase does is done and
measured by `complete_phase`; what is claimed is only compared. The installation of these calls is a
small sample with one conflict, and the upgrade is a dry run of the content alone.
"""
_SESSION = re.compile(r"\b([a-z0-9_]+)_\d{14}_[0-9a-f]{8}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
_MEASURED = {
    r'(_seconds": )[\d.e-]+': r"\g<1>61.5",
    r'("disk_space_available": )"[^"]*"': r'\1"67.8 GB"',
    r'("disk_space_available_bytes": )\d+': r"\g<1>67800764416",
    r'("disk_space_required": )"[^"]*"': r'\1"66.8 KB"',
    r'("disk_space_required_bytes": )\d+': r"\g<1>66846",
    r'("installation_size_bytes": )\d+': r"\g<1>22086",
    r'("duration_s": )(?!0\.0\b)[\d.e-]+': r"\g<1>5.4",
    r'("checks_(?:done|planned)": )\d+': r"\g<1>13",
    r'("evidence_head": )"[0-9a-f]{64}"': rf'\1"{"0123456789abcdef" * 4}"',
}
"""What is another value each time, and what stands for it."""
_FLAT = re.compile(r"([\[{])\s+([^\[\]{}]*?)\s+([\]}])")
_LONGEST_LINE = 110
_LONGEST_TEXT, _DEEPEST = 200, 3
_MOST_WORDS, _MOST_OBJECTS, _MOST_FIELDS = 14, 3, 3


def page() -> str:
    """Return the page, having made every call of it."""
    parts = [INTRODUCTION, _section("Every action", "", _played(every_action))]
    for action, scene in SCENES.items():
        said = (HANDLERS[action].__doc__ or "").partition("\n\n")[0]
        parts.append(_section(action, f"{said}\n\n{takes(action)}\n\n", _played(scene)))
    parts.append(_section("upgrades", _UPGRADES, _played(upgrades, UpgradeScene)))
    return "\n".join(parts)


def takes(action: Action) -> str:
    """Say what an action needs and may take."""
    fields = REQUESTS[action].model_fields
    needs = [f"`{name}`" for name, field in fields.items() if field.is_required()]
    may = [f"`{name}`" for name, field in fields.items() if not field.is_required()]
    said = [f"needs {', '.join(needs)}"] if needs else []
    said += [f"may take {', '.join(may)}"] if may else []
    return f"It {' and '.join(said)}."


def _played(scene: Callable[[Scene], None], on: type[Scene] = Scene) -> Sequence[Shown]:
    with tempfile.TemporaryDirectory() as folder:
        played = on(Path(folder).resolve())
        scene(played)
        return played.shown


def _section(name: str, introduction: str, shown: Iterable[Shown]) -> str:
    names = _Names()
    examples = [each for each in shown if _in_full(each)]
    refused = [each for each in shown if not _in_full(each)]
    parts = [f"## {name}\n\n{introduction}".rstrip("\n") + "\n"]
    parts += [_example(each, names) for each in examples]
    parts += [_table(refused)]
    return "\n".join(parts)


def _in_full(shown: Shown) -> bool:
    """Say whether a whole answer is shown: it is a success, or has more than the table has."""
    more = {"checkpoint_passed", "conflicts", "valid_actions"} & {*shown.answer}
    return not shown.failed or ("action" in shown.call and bool(more))


def _example(shown: Shown, names: "_Names") -> str:
    call, answer = (_as_json(each, names) for each in (shown.call, shown.answer))
    when = f"{shown.when[0].upper()}{shown.when[1:]}"
    return f"**{when}**\n\n```json\n{call}\n```\n\n```json\n{answer}\n```\n"


def _as_json(value: Mapping[str, Any], names: "_Names") -> str:
    text = json.dumps(_shortened(value), indent=2, ensure_ascii=False)
    plain = _TIME.sub(r"2026-01-02T03:04:05\2", _SESSION.sub(names.of, text))
    for measured, always in _MEASURED.items():
        plain = re.sub(measured, always, plain)
    return _FLAT.sub(_in_one_line, plain)


def _in_one_line(found: re.Match[str]) -> str:
    """Return a list or an object that holds no other in one line, if it fits."""
    line = found[1] + re.sub(r",\n\s*", ", ", found[2]) + found[3]
    return line if len(line) <= _LONGEST_LINE else found[0]


def _shortened(value: Any, depth: int = 0) -> Any:  # noqa: ANN401  JSON
    match value:
        case str() if len(value) > _LONGEST_TEXT:
            return f"{value[:_LONGEST_TEXT]}…"
        case dict() if depth > _DEEPEST and len(value) > _MOST_FIELDS:
            return {"…": f"{len(value)} more"}
        case dict():
            most = _MOST_FIELDS if all(isinstance(each, dict) for each in value.values()) else 99
            shown = {key: _shortened(value[key], depth + 1) for key in [*value][:most]}
            return shown | ({"…": f"{len(value) - most} more"} if len(value) > most else {})
        case list():
            most = _MOST_WORDS if all(isinstance(each, str) for each in value) else _MOST_OBJECTS
            left_out = [f"… {len(value) - most} more"] if len(value) > most else []
            return [*(_shortened(each, depth + 1) for each in value[:most]), *left_out]
    return value


def _table(refused: Iterable[Shown]) -> str:
    rows: list[tuple[str, ...]] = [("when", "error_type", "error", "remediation")]
    for each in refused:
        told = (_SESSION.sub("SESSION", str(each.answer[key])) for key in rows[0][1:])
        rows.append((each.when, *(text.replace("|", "\\|") for text in told)))
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([lines[0], f"|{'---|' * len(rows[0])}", *lines[1:]]) + "\n"


class _Names:
    """The sessions of a section, each by a name that is the same whenever the page is written."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def of(self, found: re.Match[str]) -> str:
        """Return what a session is called on the page."""
        number = len(self._known) + 1
        return self._known.setdefault(found[0], f"{found[1]}_20260102030405_{number:08x}")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
