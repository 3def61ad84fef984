"""Conflicts decided by plugins."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from aos_upgrade_plugin.api import Choice, ConflictDecision, Merge, OpenConflict, hookimpl
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.gate import Distribution
from aos_upgrade_plugin.plugins import OURS, BuiltIn, Plugins
from tests.decide.conflicts import conflict

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "decide-conflicts.md"
ACME = Distribution(name="acme-rules", version="1")
OPEN = conflict(b"base", b"local", b"incoming", path="standards/universal/acme/a.md")


class Keeps:
    """A plugin with an opinion about everything."""

    @hookimpl
    def aos_resolve_conflict(self, conflict: OpenConflict) -> ConflictDecision:
        """Keep what stands there."""
        del conflict
        return ConflictDecision(choice=Choice.KEEP)


class Wrong:
    """A plugin that answers with something else."""

    @hookimpl
    def aos_resolve_conflict(self) -> str:
        """Return no decision."""
        return "keep"


def _plugins(*strangers: object) -> Plugins:
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    for number, stranger in enumerate(strangers):
        plugins.register(stranger, ACME, name=f"stranger-{number}")
    return plugins


def test_the_example_of_the_page_decides() -> None:
    """What the how-to shows can be copied."""
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    rules = ModuleType("acme_rules")
    exec(code, vars(rules))  # noqa: S102  our own page
    plugins = _plugins(rules)
    decided = plugins.resolve_conflict(OPEN)
    assert decided is not None
    assert (decided.decision.choice, decided.by) == (Choice.KEEP, "acme-rules 1")
    elsewhere = OPEN.model_copy(update={"path": "usage/a.md"})
    assert plugins.resolve_conflict(elsewhere) is None
    merges = elsewhere.model_copy(update={"merge": Merge(content=b"both")})
    found = plugins.resolve_conflict(merges)
    assert found is not None
    assert found.decision.choice is Choice.MERGE


def test_nobody_with_an_opinion_is_nobody() -> None:
    """The built-in plugin has none."""
    assert _plugins().resolve_conflict(OPEN) is None


def test_the_first_decision_stands() -> None:
    """Nobody after it is asked."""
    assert _plugins(Keeps(), Wrong()).resolve_conflict(OPEN) is not None


def test_an_answer_that_is_no_decision_is_blamed_on_its_distribution() -> None:
    """Whoever reads the error knows what to repair or leave out."""
    with pytest.raises(RefusedError, match="acme-rules"):
        _plugins(Wrong()).resolve_conflict(OPEN)
