"""The generation with a server of another name: its content can be upgraded, its server not yet."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.plan import Options
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import plan_upgrade
from aos_upgrade_plugin.phases.source import take
from tests.effects.repositories import Tree, build, extend
from tests.phases.products import NOW, apply, plan, put

MINE = b"indexes:\n  code:\n    source_paths: [../src/]\n"


def _source(standard: bytes, config: bytes = b"indexes: {}\n") -> Tree:
    return {
        ".praxis-os/README.md": b"the product in its own project\n",
        "dist/ouroboros/__main__.py": b"print('server')\n",
        "dist/config/mcp.yaml": config,
        "universal/standards/a.md": standard,
        "universal/workflows/a_v1/metadata.json": b"{}\n",
        "scripts/build.py": b"print('build')\n",
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with an installation as the product's script makes it, and set up."""
    build(tmp_path / "source", _source(b"one\n"), _source(b"two\n", b"indexes: {more: 1}\n"))
    install = tmp_path / "project/.praxis-os"
    for path, content in {
        "ouroboros/__main__.py": b"print('server')\n",
        "config/mcp.yaml": MINE,
        "standards/universal/a.md": b"one\n",
        "workflows/a_v1/metadata.json": b"{}\n",
        "scripts/build.py": b"print('build')\n",
        "state/workflow/active/1.json": b"{}\n",
    }.items():
        put(install, path, content)
    return tmp_path / "project"


def test_its_content_is_upgraded(project: Path) -> None:
    """The standards arrive; server, configuration and running workflows are as they were."""
    upgrade = plan(project, project.parent / "source")
    assert upgrade.layout == "praxis_os_ouroboros"
    assert upgrade.conflicts == ()
    apply(upgrade, project / ".praxis-os")
    assert (project / ".praxis-os/standards/universal/a.md").read_bytes() == b"two\n"
    assert (project / ".praxis-os/config/mcp.yaml").read_bytes() == MINE
    assert (project / ".praxis-os/state/workflow/active/1.json").read_bytes() == b"{}\n"
    assert plan(project, project.parent / "source").nothing_to_do


@pytest.mark.parametrize("only", [Scope.ALL, Scope.SERVER])
def test_its_server_is_refused_in_words(project: Path, only: Scope) -> None:
    """What can be done instead is said."""
    options = Options(only=only, on_conflict=OnConflict.FAIL)
    with pytest.raises(RefusedError, match="the server of prAxIs OS with Ouroboros") as refused:
        plan_upgrade(
            find(project), take(project.parent / "source"), options=options, created_at=NOW
        )
    assert refused.value.cure == "upgrade what can be: --only content"


def test_a_source_of_another_generation_is_refused(project: Path) -> None:
    """Both are installed in a folder of one name, so they are told by what they are."""
    source = project.parent / "source"
    extend(source, {"mcp_server/__main__.py": b"", **_without(_source(b"two\n"), "dist/")})
    with pytest.raises(RefusedError, match="installs prAxIs OS, and this is prAxIs OS with"):
        plan(project, source)


def _without(tree: Tree, prefix: str) -> Tree:
    return {path: item for path, item in tree.items() if not str(path).startswith(prefix)}
