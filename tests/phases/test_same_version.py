"""The same version again is no operation at all: the first promise of any upgrade tool."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import plan_upgrade
from aos_upgrade_plugin.phases.source import take
from aos_upgrade_plugin.sample import Source, lay_down
from tests.effects.repositories import Tree, build
from tests.phases import products
from tests.phases.products import NOW, plan


@pytest.mark.parametrize(
    "version", ["0.8.0", "0.9.0", "1.0.0", "1.1.0", "1.2.0", "bad-start", "lost-tool"]
)
def test_a_fresh_install_has_nothing_to_do(
    sample_source: Source, tmp_path: Path, version: str
) -> None:
    """No change, no question, no note; what it was made from is found by its content alone."""
    install = lay_down(sample_source, version, tmp_path)
    before = files.read_tree(install)
    upgrade = plan(tmp_path, sample_source.folder, version)
    assert upgrade.nothing_to_do
    assert (upgrade.changes, upgrade.conflicts, upgrade.kept) == ((), (), ())
    assert (upgrade.unrecovered, upgrade.notes) == ((), ())
    assert upgrade.origin.known_by == "history"
    assert files.read_tree(install) == before


def test_what_its_instructions_forgot_comes_with_the_next_version_only(tmp_path: Path) -> None:
    """The first sources kept a script of the server where no instruction copied it from."""
    forgotten: Tree = {".agent-os/scripts/build_rag_index.py": b"print('index')\n"}
    old: Tree = {**products.product({"standards/a.md": b"one\n"}), **forgotten}
    new: Tree = {**products.product({"standards/a.md": b"two\n"}, version="1.1.0"), **forgotten}
    commits = build(tmp_path / "source", old, new)
    products.lay_down(old, tmp_path / "project")
    assert _whole(tmp_path, commits[0]).nothing_to_do
    (came,) = (
        each.change.path
        for each in _whole(tmp_path, commits[1]).changes
        if each.relation is Relation.NEW and each.change.path.endswith(".py")
    )
    assert came == "scripts/build_rag_index.py"


def _whole(folder: Path, commit: str) -> UpgradePlan:
    """Plan content and server."""
    options = Options(only=Scope.ALL, on_conflict=OnConflict.FAIL)
    source = take(folder / "source", commit)
    return plan_upgrade(find(folder / "project"), source, options=options, created_at=NOW)
