"""Installations of the sample: as the instructions lay them down, and as users keep them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.layout import recognise, signs
from aos_upgrade_plugin.effects.layouts import known, present
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.models.tree import Kind
from aos_upgrade_plugin.sample import Environment, Source, build_source, lay_down, variants
from aos_upgrade_plugin.sample.environment import make_environment


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """Return the sample's source at its newest good version."""
    return build_source(tmp_path / "source")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return an empty project."""
    project = tmp_path / "project"
    project.mkdir()
    return project


@pytest.fixture
def install(source: Source, project: Path) -> Path:
    """Return a fresh installation of 1.0.0 without an environment."""
    return lay_down(source, "1.0.0", project)


@pytest.mark.parametrize(
    ("version", "script"),
    [("0.9.0", "install-agent-os.py"), ("1.1.0", "install-praxis-os.py")],
)
def test_it_is_what_the_products_own_installer_makes(
    source: Source, project: Path, tmp_path: Path, version: str, script: str
) -> None:
    """The installer in the source and ours leave the same files, folders and modes."""
    install = lay_down(source, version, project)
    source.check_out(version)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    subprocess.run([sys.executable, f"scripts/{script}", theirs], cwd=source.folder, check=True)
    assert read_tree(theirs / install.name) == read_tree(install)
    assert (theirs / ".gitignore").read_text() == (project / ".gitignore").read_text()


@pytest.mark.parametrize(
    ("version", "name"), [("0.9.0", "agent_os"), ("1.0.0", "praxis_os"), ("1.2.0", "praxis_os")]
)
def test_a_fresh_installation_is_recognised(
    source: Source, project: Path, version: str, name: str
) -> None:
    """Both generations are known by their signs; what the product never writes is not there."""
    install = lay_down(source, version, project)
    layouts = known()
    listing = present(install, signs(layouts))
    layout = recognise(name=install.name, listing=listing, layouts=layouts)
    assert layout.name == name
    for absent in (layout.config, layout.version, layout.update_log, layout.summary):
        assert not (install / absent).exists()


def test_what_the_project_had_stays(source: Source, project: Path) -> None:
    """The user's own ``.gitignore`` keeps its lines, in their order."""
    (project / ".gitignore").write_text("*.log\n!kept.log")
    lay_down(source, "1.0.0", project)
    lines = (project / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["*.log", "!kept.log"]
    assert ".praxis-os/.cache/" in lines


def test_clients_are_told_how_to_start_the_server(project: Path, install: Path) -> None:
    """One client knows relative paths, the other a variable for the project."""
    (relative,) = json.loads((project / ".mcp.json").read_text())["mcpServers"].values()
    (variable,) = json.loads((project / ".cursor/mcp.json").read_text())["mcpServers"].values()
    assert relative["command"] == f"{install.name}/venv/bin/python"
    assert variable["command"] == f"${{workspaceFolder}}/{install.name}/venv/bin/python"
    assert relative["args"] == ["-m", "mcp_server", "--transport", "dual"]


@pytest.mark.parametrize("environment", [Environment.SHARED, Environment.OWN])
def test_an_environment_is_a_real_one(install: Path, environment: Environment) -> None:
    """Its Python runs, calls itself by its place, and has what the requirements ask for."""
    (install / "mcp_server/requirements.txt").write_text("")  # a test needs no network
    make_environment(install, environment)
    said = subprocess.run(
        [install / "venv/bin/python", "-c", "import sys; print(sys.prefix, sys.base_prefix)"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    assert said == [str(install / "venv"), sys.base_prefix]


def test_a_shared_environment_has_the_sdk_at_once(source: Source, project: Path) -> None:
    """A server can be started from it without installing anything."""
    install = lay_down(source, "1.0.0", project, environment=Environment.SHARED)
    subprocess.run([install / "venv/bin/python", "-c", "import mcp"], check=True)
    assert not (install / "venv/bin/pip").exists()


def test_users_do_what_the_variants_say(install: Path, tmp_path: Path) -> None:
    """Each variant changes its own paths and no other."""
    before = read_tree(install)
    variants.configure(install)
    variants.add_user_files(install)
    variants.add_user_workflow(install)
    variants.record_version(install, "1.0.0")
    variants.edit(install, variants.UNTOUCHED)
    variants.edit(install, variants.CONTESTED)
    variants.delete(install, variants.CHANGED)
    variants.patch_server(install)
    after = read_tree(install)
    assert {path for path in {*before} & {*after} if before[path] != after[path]} == {
        variants.UNTOUCHED,
        variants.CONTESTED,
        variants.SERVER_CODE,
    }
    assert {*before} - {*after} == {variants.CHANGED}
    assert {path for path in {*after} - {*before} if after[path].kind is Kind.FILE} == {
        "config.json",
        "VERSION.txt",
        "UPDATE_LOG.txt",
        "standards/development/naming.md",
        "specs/approved/2025-04-01-search/README.md",
        "workspace/notes.md",
        "workflows/stock_take_v1/metadata.json",
        "workflows/stock_take_v1/phases/0/phase.md",
        "workflows/change_review_v1/our-notes.md",
    }
    variants.move_behind_link(install, tmp_path / "elsewhere/os")
    assert install.is_symlink()
    assert read_tree(install.resolve()) == after
