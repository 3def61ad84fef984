"""When an installation may follow the source to another name."""

import os
from pathlib import Path

import pytest

from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.phases.installation import Installation, find
from aos_upgrade_plugin.phases.planning import plan_upgrade
from aos_upgrade_plugin.phases.source import take
from aos_upgrade_plugin.plugins import OURS, BuiltIn, Plugins
from tests.effects.repositories import build
from tests.phases.products import NOW, lay_down, product, put

OLD = product({"standards/a.md": b"a\n", "usage/guide.md": b"g\n"})
_SIGNS = {path: content for path, content in OLD.items() if not str(path).startswith(".agent-os")}
NEW = {**_SIGNS, ".praxis-os/README.md": b"signs\n", b"universal/standards/a.md": b"b\n"}


@pytest.fixture
def at(tmp_path: Path) -> Installation:
    """Return an installation of the old generation; the source is at the new one."""
    build(tmp_path / "source", OLD, NEW)
    install = lay_down(OLD, tmp_path / "project")
    put(install, "config.json", b'{"rag": {"standards_path": ".agent-os/standards"}}\n')
    put(tmp_path / "project", ".gitignore", b".agent-os/venv/\n")
    return find(tmp_path / "project")


def _plan(at: Installation, only: Scope = Scope.ALL, *migrate: str) -> UpgradePlan:
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    options = Options(only=only, on_conflict=OnConflict.FAIL, migrate=migrate)
    source = take(at.project.parent / "source")
    return plan_upgrade(at, source, options=options, created_at=NOW, offer=plugins.migrations)


def test_it_is_planned_with_everything_that_tells_of_it(at: Installation) -> None:
    """Content before the server, and with the server the folder and what names it."""
    plan = _plan(at)
    assert [each.id for each in plan.unasked] == ["install-folder"]
    assert plan.rename is not None
    assert (plan.rename.before, plan.rename.after) == (".agent-os", ".praxis-os")
    assert plan.becomes == "praxis_os"
    with_server = {one.change.path for one in plan.of(Part.SERVER)}
    assert with_server == {"config.json", ".gitignore"}
    (ignore,) = (one for one in plan.changes if one.change.path == ".gitignore")
    assert ignore.text is not None
    assert ignore.text.startswith(".praxis-os/venv/")
    assert ".agent-os" not in ignore.text
    removed = {one.change.path for one in plan.of(Part.CONTENT) if one.change.after is None}
    assert removed == {"usage", "usage/guide.md"}


@pytest.mark.parametrize("only", [Scope.CONTENT, Scope.SERVER])
def test_a_part_alone_cannot_follow(at: Installation, only: Scope) -> None:
    """The server does not start in a folder of the old name, nor in one of the new alone."""
    why = "server of .praxis-os does not start in .agent-os, nor the one that is here in .praxis-os"
    with pytest.raises(RefusedError, match=f"alone cannot follow, because the {why}"):
        _plan(at, only)


def test_where_it_cannot_be_renamed(at: Installation, tmp_path: Path) -> None:
    """Seen through a link, or beside one of the new name: nothing is guessed."""
    (at.project / ".praxis-os").mkdir()
    with pytest.raises(RefusedError, match="is there already"):
        _plan(at)
    (at.project / ".praxis-os").rmdir()
    os.rename(at.path, tmp_path / ".agent-os")
    os.symlink(tmp_path / ".agent-os", at.path)
    with pytest.raises(RefusedError, match="a link is not renamed"):
        _plan(find(at.project))
