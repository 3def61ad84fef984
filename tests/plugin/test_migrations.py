"""Migrations, named by plugins."""

import pytest

from aos_upgrade_plugin.api import Migration, MigrationFacts, Operation, hookimpl
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.gate import Distribution
from aos_upgrade_plugin.plugins import OURS, BuiltIn, Plugins
from tests.decide.migration_facts import facts

ACME = Distribution(name="acme-standards", version="1")
FACTS = facts(
    local={
        "usage/mine.md": b"",
        "workflows/mine_v1/metadata.json": b'{"phases": []}',
        "standards/acme/old.md": b"old",
    }
)


class Standards:
    """A stranger's migration."""

    @hookimpl
    def aos_migrations(self, facts: MigrationFacts) -> list[Migration]:
        """Rename a standard of theirs."""
        old = "standards/acme/old.md"
        if old not in facts.target or facts.read(old) != b"old":
            return []
        moved = Operation(path=old, to="standards/acme/new.md")
        return [Migration(id="acme", title="Acme", why="it is old", operations=(moved,))]


class Twin:
    """A migration with an id that somebody else has."""

    @hookimpl
    def aos_migrations(self) -> list[Migration]:
        """Call it as the built-in one."""
        return [Migration(id="usage-folder", title="Twin", why="none", forgets=(".cache/x",))]


class Wrong:
    """An answer that is no migration."""

    @hookimpl
    def aos_migrations(self) -> list[str]:
        """Return a name."""
        return ["usage-folder"]


def _plugins(*strangers: object) -> Plugins:
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    for number, stranger in enumerate(strangers):
        plugins.register(stranger, ACME, name=f"stranger-{number}")
    return plugins


def test_built_in_and_strange_migrations_come_through_one_hook() -> None:
    """Added up, each with the distribution that brings it."""
    offered = _plugins(Standards()).migrations(FACTS)
    assert {each.migration.id: each.distribution for each in offered} == {
        "usage-folder": str(OURS),
        "workflow-metadata": str(OURS),
        "acme": str(ACME),
    }
    assert _plugins(Standards()).migrations(facts()) == ()


@pytest.mark.parametrize("stranger", [Twin(), Wrong()])
def test_a_wrong_answer_is_blamed_on_its_distribution(stranger: object) -> None:
    """An id of somebody else, or no migration at all."""
    with pytest.raises(RefusedError, match="acme-standards"):
        _plugins(stranger).migrations(FACTS)
