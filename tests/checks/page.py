"""The page of the built-in checks, from what they say of themselves.

To write it anew: ``python -m tests.checks.page``.
"""

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.actions.checking import all_checks
from aos_upgrade_plugin.models.gate import CheckId, Gate, PlannedCheck
from aos_upgrade_plugin.plugins import OURS, installed_plugins

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "checks.md"
_COLUMNS = ("check", "severity", "what it proves", "applies", "when it fails", "facts")


class Said(NamedTuple):
    """What only the text of a check says."""

    applies: str
    facts: tuple[str, ...]


@cache
def built_in() -> tuple[PlannedCheck, ...]:
    """Return the checks that come with this package."""
    return tuple(each for each in all_checks(None) if each.distribution.name == OURS.name)


def written_anew(page: str) -> str:
    """Return the page with its introduction as it is and all its tables made anew."""
    introduction, said = page.partition("\n## ")[0], said_of_checks()
    checks = built_in()
    tables = (_table(_by_id(checks, gate), said) for gate in Gate)
    parts = (f"## {gate}\n\n{table}\n" for gate, table in zip(Gate, tables, strict=True))
    return "\n".join([introduction, *parts])


def _by_id(checks: Iterable[PlannedCheck], gate: Gate) -> list[PlannedCheck]:
    return sorted((each for each in checks if each.gate is gate), key=lambda each: each.id)


def _table(checks: Iterable[PlannedCheck], said: Mapping[CheckId, Said]) -> str:
    rows = [
        (
            each.id,
            each.severity,
            each.title,
            said[each.id].applies,
            each.remedy,
            ", ".join(f"`{fact}`" for fact in said[each.id].facts),
        )
        for each in checks
    ]
    lines = [f"| {' | '.join(row)} |".replace("  |", " |") for row in (_COLUMNS, *rows)]
    return "\n".join([lines[0], f"|{'---|' * len(_COLUMNS)}", *lines[1:]])


def said_of_checks() -> dict[CheckId, Said]:
    """Return what only the texts of the checks say, by their names."""
    (folder,) = (
        Path(brought.where)
        for brought in installed_plugins().check_modules()
        if brought.distribution.name == OURS.name
    )
    return {
        check_id: said
        for file in sorted(folder.glob("check_*.py"))
        for check_id, said in _said_in(ast.parse(file.read_text(encoding="utf-8")))
    }


def _said_in(module: ast.Module) -> Iterator[tuple[CheckId, Said]]:
    functions = {each.name: each for each in module.body if isinstance(each, ast.FunctionDef)}
    for function in functions.values():
        for call in function.decorator_list:
            if isinstance(call, ast.Call) and _name(call.func) == "check":
                deciding = [_name(each.value) for each in call.keywords if each.arg == "applies"]
                answers = functions[deciding[0]] if deciding else None
                yield ast.literal_eval(call.args[0]), Said(_when(answers), _facts(function))


def _when(answers: ast.FunctionDef | None) -> str:
    """Return when a check applies, as the function that decides it says."""
    if answers is None:
        return "always"
    return (ast.get_docstring(answers) or "").removeprefix("Apply ").removesuffix(".")


def _facts(function: ast.FunctionDef) -> tuple[str, ...]:
    recorded = [
        (call.lineno, ast.literal_eval(call.args[0]))
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and _name(call.func) == "record_fact"
    ]
    return tuple(dict.fromkeys(fact for _, fact in sorted(recorded)))


def _name(expression: ast.expr) -> str:
    return expression.id if isinstance(expression, ast.Name) else ""


if __name__ == "__main__":
    PAGE.write_text(written_anew(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    sys.stdout.write(f"{PAGE}\n")
