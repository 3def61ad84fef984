"""What this pytest process has to do for a gate: which checks, knowing what."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, cast

import pytest

from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.event import Ended, Excused, Told
from aos_upgrade_plugin.models.gate import (
    Applicability,
    Gate,
    GateContext,
    NotApplies,
    Outcome,
    PlannedCheck,
)
from aos_upgrade_plugin.models.words import describe, line
from aos_upgrade_plugin.pytest_plugin.inventory import FoundCheck, Inventory

Tell = Callable[[Told], None]


class Duty(NamedTuple):
    """The checks to run, by where they are, and what they may know."""

    context: GateContext
    inventory: Inventory
    planned: tuple[PlannedCheck, ...]
    """All that are expected of this gate, with those that turn out not to apply."""
    wanted: dict[tuple[Path, str], PlannedCheck]
    """Those to run."""


KEY = pytest.StashKey[Duty]()


def plugin_name(part: type) -> str:
    """Return the name under which pytest knows a part of a gate; nobody else's is like it."""
    return f"{part.__module__}.{part.__qualname__}"


def context_of(config: pytest.Config) -> GateContext:
    """Return what the command line says; UsageError where it makes no sense."""
    given, gate = config.getoption("aos_context"), config.getoption("aos_gate")
    try:
        context = GateContext.model_validate_json(given.read_bytes()) if given else GateContext()
        said = {
            "gate": Gate.named(gate) if gate else None,
            "target": _folder("--aos-target", config.getoption("aos_target")),
            "source": _folder("--aos-source", config.getoption("aos_source")),
        }
    except (OSError, ValueError) as error:
        raise UsageError(
            line(str(error)), cure="see: pytest -p aos_upgrade_plugin --help"
        ) from None
    return context.model_copy(update={key: value for key, value in said.items() if value})


def decide(inventory: Inventory, context: GateContext, tell: Tell) -> Duty:
    """Find the checks of the gate, and tell of those that have nothing to measure."""
    expected = _expected(inventory, context)
    wanted: dict[tuple[Path, str], PlannedCheck] = {}
    for check, found in expected:
        try:
            answer = applicability(found, context)
        except Exception as error:  # noqa: BLE001  a check's own code may raise anything
            message = line(f"whether it applies cannot be decided: {describe(error)}")
            tell(Ended(check=check.id, outcome=Outcome.ERROR, message=message))
            continue
        if isinstance(answer, NotApplies):
            tell(Excused(check=check.id, reason=answer.reason))
        else:
            wanted[found.path, check.function] = check
    return _duty(inventory, context, expected, wanted)


def repeat(inventory: Inventory, context: GateContext) -> Duty:
    """Find the checks that another process decided on: all of ``context.planned``."""
    expected = _expected(inventory, context)
    wanted = {(found.path, check.function): check for check, found in expected}
    return _duty(inventory, context, expected, wanted)


def applicability(found: FoundCheck, context: GateContext) -> Applicability:
    """Ask a check whether it applies; TypeError when it does not say."""
    answer = cast("object", found.declaration.applies(context))
    if not isinstance(answer, Applicability):
        raise TypeError(f"it answered {answer!r}, neither Applies nor NotApplies")
    return answer


def _expected(inventory: Inventory, context: GateContext) -> list[tuple[PlannedCheck, FoundCheck]]:
    if context.planned is None:
        found = [one for one in inventory.checks if one.planned.gate is context.gate]
        return [(one.planned, one) for one in found]
    by_name = inventory.by_name()
    # A check that was renamed since is told of by the name that it was planned with.
    return [
        (by_name[name].planned.model_copy(update={"id": name}), by_name[name])
        for name in context.planned
        if name in by_name
    ]


def _duty(
    inventory: Inventory,
    context: GateContext,
    expected: list[tuple[PlannedCheck, FoundCheck]],
    wanted: dict[tuple[Path, str], PlannedCheck],
) -> Duty:
    ids = tuple(check.id for check in wanted.values())
    return Duty(
        context.model_copy(update={"planned": ids}),
        inventory,
        tuple(check for check, _ in expected),
        wanted,
    )


def _folder(option: str, path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise ValueError(f"{option}: {path} is not a folder")
    return path.absolute() if path else None
