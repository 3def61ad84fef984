"""Migrations measured on real folders, planned, made and taken back."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.content.staleness import stale
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import plan_upgrade, read_installation_tree
from aos_upgrade_plugin.phases.source import take
from aos_upgrade_plugin.plugins import OURS, BuiltIn, Plugins
from tests.effects.repositories import build
from tests.phases.products import NOW, apply, lay_down, prepared, product, put

OLD = product(
    {"standards/old/a.md": b"a\n", "standards/old/b.md": b"b\n", "usage/guide.md": b"g\n"}
)
NEW = product({"standards/new/a.md": b"a\n", "standards/new/b.md": b"b\n"}, version="2.0.0")
MINE = {
    "standards/universal/old/mine.md": b"mine\n",
    "usage/mine.md": b"mine too\n",
    "workflows/mine_v1/metadata.json": b'{"phases": []}\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the old release and files of the user's own."""
    build(tmp_path / "source", OLD, NEW)
    install = lay_down(OLD, tmp_path / "project")
    for path, content in MINE.items():
        put(install, path, content)
    return tmp_path / "project"


def _plan(project: Path, *migrate: str) -> UpgradePlan:
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    options = Options(only=Scope.CONTENT, on_conflict=OnConflict.FAIL, migrate=migrate)
    source = take(project.parent / "source")
    return plan_upgrade(
        find(project), source, options=options, created_at=NOW, offer=plugins.migrations
    )


def _tree(project: Path) -> Tree:
    return files.read_tree(project / ".agent-os", enter=lambda path: path != ".upgrades")


def test_what_nobody_asked_for_is_offered_and_not_done(project: Path) -> None:
    """Each with its flag; the user's files stay where they are."""
    plan = _plan(project)
    assert [each.flag for each in plan.offered] == [
        "--migrate content-folders",
        "--migrate usage-folder",
        "--migrate workflow-metadata",
    ]
    apply(plan, project / ".agent-os")
    for path, content in MINE.items():
        assert (project / ".agent-os" / path).read_bytes() == content


def test_what_was_asked_for_is_done_and_taken_back(project: Path) -> None:
    """In the one transaction of the content; and the second time there is nothing to do."""
    install, before = project / ".agent-os", _tree(project)
    plan = _plan(project, "all")
    transaction = prepared(plan, install)
    transaction.apply()
    assert (install / "standards/universal/new/mine.md").read_bytes() == b"mine\n"
    assert (install / "standards/development/usage/mine.md").read_bytes() == b"mine too\n"
    assert not (install / "standards/universal/old").exists()
    assert not (install / "usage").exists()
    assert b'"primary_outputs"' in (install / "workflows/mine_v1/metadata.json").read_bytes()
    transaction.undo()
    assert _tree(project) == before
    apply(plan, install)
    again = _plan(project, "all")
    assert again.nothing_to_do
    assert (again.changes, again.migrations) == ((), ())


def test_a_plan_with_migrations_goes_stale_like_any(project: Path) -> None:
    """Whatever stood there when it was made is compared, what moves included."""
    plan = _plan(project, "usage-folder")
    (project / ".agent-os/usage/mine.md").write_bytes(b"edited\n")
    moved = stale(
        plan,
        target=read_installation_tree(find(project)),
        project=plan.project,
        commit=plan.source.commit,
    )
    assert [str(each) for each in moved] == ["content: usage/mine.md"]
