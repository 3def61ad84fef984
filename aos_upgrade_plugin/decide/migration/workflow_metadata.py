"""The user's own workflows brought to the form that the server reads, as they are written."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from aos_upgrade_plugin.decide.json_text import begin, elements, members, with_members
from aos_upgrade_plugin.models.layout import WorkflowFormat
from aos_upgrade_plugin.models.migration import Migration, MigrationFacts, Operation
from aos_upgrade_plugin.models.tree import Kind, TreePath, escape

WORKFLOWS: TreePath = "workflows"
_DEFINITION = re.compile(rf"{WORKFLOWS}/[^/]+/metadata\.json")
_TYPE, _TOTAL, _PHASES = "workflow_type", "total_phases", "phases"


def workflow_metadata(facts: MigrationFacts) -> Migration | None:
    """Add what the definitions of the user's own workflows lack."""
    rewritten = {
        path: text
        for path in facts.users_own_below(WORKFLOWS)
        if facts.target[path].kind is Kind.FILE and _DEFINITION.fullmatch(path)
        for text in [_rewritten(facts, path)]
        if text is not None
    }
    if not rewritten:
        return None
    names = ", ".join(path.split("/")[1] for path in rewritten)
    return Migration(
        id="workflow-metadata",
        title="Your own workflows get the keys that the server reads",
        why=f"the server makes up a definition for {names}, because keys are missing in theirs",
        operations=tuple(
            Operation(path=path, text=escape(text)) for path, text in rewritten.items()
        ),
    )


def completed(content: bytes, *, folder: str, form: WorkflowFormat) -> bytes:
    """Return a definition with what it lacks; the same bytes where it lacks nothing.

    A key that can be told from the rest is told: the type from the folder, the number of phases.
    Raises ValueError for what is no definition at all.
    """
    text = content.decode("utf-8")
    start = begin(text)
    told: Any = json.loads(text[start:])
    if not isinstance(told, dict) or not isinstance(told.get(_PHASES), list):
        raise ValueError("it has no list of phases")  # noqa: TRY004  the text is wrong, no type
    found = {member.key: member for member in members(text, start)}
    phases = [*elements(text, found[_PHASES].value_begins)]
    whole = {_TYPE: folder, _TOTAL: len(phases), **form.workflow}
    # From the end of the text, so that what comes first keeps its place.
    inside = [_lacks(phase, form.phase) for phase in told[_PHASES]]
    places = zip((*phases, start), (*inside, _lacks(told, whole)), strict=True)
    for at, added in sorted(places, key=lambda one: -one[0]):
        text = with_members(text, at, added)
    return text.encode("utf-8")


def _lacks(told: Any, wanted: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]:  # noqa: ANN401
    if not isinstance(told, dict):
        raise ValueError("a phase is no object")  # noqa: TRY004  the text is wrong, no type
    return {key: value for key, value in wanted.items() if key not in told}


def _rewritten(facts: MigrationFacts, path: TreePath) -> bytes | None:
    """Return the new content of a definition; nothing where it needs none or is broken."""
    before = facts.read(path)
    try:
        after = completed(before, folder=path.split("/")[1], form=facts.layout.workflow_format)
    except ValueError:
        return None
    return after if after != before else None
