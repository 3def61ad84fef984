"""The checks that there are, and what one of them is."""

from aos_upgrade_plugin.effects.gate.check_list import collect
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.gate import Gate, GateContext, PlannedCheck


def all_checks(gate: Gate | None) -> tuple[PlannedCheck, ...]:
    """Return the checks of a gate, or of all, as installed distributions bring them."""
    return collect(GateContext(gate=gate))


def explained(name: str) -> PlannedCheck:
    """Return the check of an id or an alias; raise NotFoundError where there is none."""
    wanted = name.upper()
    found = [each for each in all_checks(None) if wanted in {each.id, *each.aliases}]
    if not found:
        raise NotFoundError(f"there is no check {name!r}", cure="see them all: aos-upgrade checks")
    return found[0]
