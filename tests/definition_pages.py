"""The texts of the upgrade's workflow folder that are made from something else.

``validation-criteria.md`` from the checks and the models of the evidence, and the end of
``rollback-procedure.md`` from the guide that is tested step by step. To write both anew:
``python -m tests.definition_pages``.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.models import evidence
from aos_upgrade_plugin.models.gate import Gate, PlannedCheck, Severity
from aos_upgrade_plugin.models.workflow import UPGRADE
from tests.checks.page import Said, built_in, said_of_checks

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "workflows" / UPGRADE
CRITERIA = FOLDER / "supporting-docs" / "validation-criteria.md"
PROCEDURE = FOLDER / "supporting-docs" / "rollback-procedure.md"
BY_HAND = ROOT / "docs" / "how-to" / "restore-by-hand.md"
_BY_HAND = "## Without the command\n"
_INTRODUCTION = """\
# Validation criteria

What has to be measured before a phase is left, and what its evidence holds then. Everything that
is planned for an installation has to be proven: a check that was skipped, vanished or broke off
keeps its gate shut like one that failed. What does not apply to an installation is not planned, and
the reason is written down. `aos-upgrade explain ID` says all about a check; other distributions
may add some.

<!-- Made from the checks and from the models of the evidence: python -m tests.definition_pages -->
"""
_WORDS = {
    "boolean": "yes or no",
    "integer": "whole number",
    "null": "nothing",
    "number": "number",
    "string": "text",
}


def criteria() -> str:
    """Return ``validation-criteria.md`` as the checks have it."""
    metadata = json.loads((FOLDER / "metadata.json").read_text(encoding="utf-8"))
    said = said_of_checks()
    phases = (_phase(each, said) for each in metadata["phases"])
    return "\n".join([_INTRODUCTION, *phases, _going_back(said)])


def procedure(now: str) -> str:
    """Return ``rollback-procedure.md`` with its steps by hand as the guide has them."""
    guide = BY_HAND.read_text(encoding="utf-8").partition("\n\n")[2]
    return f"{now.partition(_BY_HAND)[0]}{_BY_HAND}\n{guide}"


def _phase(phase: Mapping[str, Any], said: Mapping[str, Said]) -> str:
    gate = list(Gate)[phase["number"]]
    rules = "".join(f"- {each}\n" for each in phase["validation_criteria"])
    tables = "\n".join(_tables(gate, said))
    model = getattr(evidence, f"Phase{phase['number']}Evidence")
    fields = _evidence(model.model_json_schema(mode="serialization"), gate, said)
    return (
        f"## Phase {phase['number']}: {phase['name']}\n\n"
        f"🛑 It is left through the gate `{gate}`, when:\n\n{rules}\n{tables}\n"
        f"📊 Its evidence:\n\n{fields}"
    )


def _going_back(said: Mapping[str, Said]) -> str:
    tables = "\n".join(_tables(Gate.ROLLBACK, said))
    return f"## Going back\n\n🛑 Only the gate `rollback` says that it is done.\n\n{tables}"


def _tables(gate: Gate, said: Mapping[str, Said]) -> Iterator[str]:
    checks = sorted((each for each in built_in() if each.gate is gate), key=lambda each: each.id)
    blockers = [each for each in checks if each.severity is Severity.BLOCKER]
    findings = [each for each in checks if each.severity is not Severity.BLOCKER]
    yield f"Each of these keeps it shut:\n\n{_rows(blockers, said)}"
    if findings:
        yield f"These are told, and shut nothing:\n\n{_rows(findings, said)}"


def _rows(checks: Iterable[PlannedCheck], said: Mapping[str, Said]) -> str:
    rows = [(each.id, each.title, said[each.id].applies, each.remedy) for each in checks]
    return _table(("check", "proves", "applies", "when it fails"), rows)


def _evidence(schema: Mapping[str, Any], gate: Gate, said: Mapping[str, Said]) -> str:
    guarding = sorted(each.id for each in built_in() if each.gate is gate)
    rows: list[tuple[str, ...]] = []
    for name, field in schema["properties"].items():
        measuring = ", ".join(each for each in guarding if name in said[each].facts)
        told = "derived" if field.get("readOnly") else measuring or "not measured"
        rows.append((f"`{name}`", _kind(field, schema.get("$defs", {})), told))
    return _table(("field", "what it is", "measured by"), rows)


def _kind(field: Mapping[str, Any], defined: Mapping[str, Any]) -> str:
    match field:
        case {"const": value}:
            said = f"`{json.dumps(value)}`"
        case {"enum": values}:
            said = " or ".join(f"`{each}`" for each in values)
        case {"anyOf": kinds}:
            said = " or ".join(_kind(each, defined) for each in kinds)
        case {"$ref": reference}:
            inside = defined[reference.rpartition("/")[2]]["properties"]
            said = f"object: {', '.join(f'`{each}`' for each in inside)}"
        case {"type": "array", "items": item}:
            said = f"list of {_kind(item, defined)}"
        case {"format": "date-time"}:
            said = "moment in UTC"
        case _:
            said = _WORDS[field["type"]]
    return said


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(head)}", *lines[1:]]) + "\n"


if __name__ == "__main__":
    CRITERIA.write_text(criteria(), encoding="utf-8")
    PROCEDURE.write_text(procedure(PROCEDURE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{CRITERIA}\n{PROCEDURE}\n")
