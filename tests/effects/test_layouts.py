"""The layouts that come with the package, and the folders that bear an installation's name."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.layouts import known, named, present

NAMES = {".agent-os", ".praxis-os"}


def test_the_layouts_come_with_the_package() -> None:
    """Every one of them can be read; no two have the same name or generation."""
    layouts = known()
    assert [layout.name for layout in layouts] == ["agent_os", "praxis_os", "praxis_os_ouroboros"]
    assert {layout.folder for layout in layouts} == NAMES
    assert len({layout.generation for layout in layouts}) == len(layouts)


@pytest.mark.parametrize("start", ["", "src/deep", ".praxis-os", ".praxis-os/standards"])
def test_the_nearest_is_found_upwards(tmp_path: Path, start: str) -> None:
    """From the project, from below it, from the installation and from inside it."""
    project = (tmp_path / "project").resolve()
    for folder in (".praxis-os/standards", "src/deep"):
        (project / folder).mkdir(parents=True)
    nearest = next(named(project / start, NAMES))
    assert nearest == (project / ".praxis-os", ".praxis-os", project)


def test_a_link_keeps_its_name_and_its_project(tmp_path: Path) -> None:
    """What a link names is worked on, under the name that the project has for it."""
    shelf, project = tmp_path.resolve() / "shelf", tmp_path.resolve() / "project"
    shelf.mkdir()
    (project / "src").mkdir(parents=True)
    (project / ".praxis-os").symlink_to(shelf)
    assert next(named(project / "src", NAMES)) == (shelf, ".praxis-os", project)
    assert next(named(project / ".praxis-os" / "specs", NAMES)).project == project


def test_a_file_of_that_name_is_nothing(tmp_path: Path) -> None:
    """Only a folder can be an installation; a dangling link is none."""
    (tmp_path / ".praxis-os").write_text("no folder")
    (tmp_path / ".agent-os").symlink_to("nowhere")
    found = [each.path for each in named(tmp_path, NAMES)]
    assert not [path for path in found if path.is_relative_to(tmp_path)]


def test_what_is_there_is_listed(tmp_path: Path) -> None:
    """A dangling link stands there too."""
    (tmp_path / "standards").mkdir()
    (tmp_path / "mcp_server").symlink_to("nowhere")
    assert present(tmp_path, ["standards", "mcp_server", "a/b"]) == {"standards", "mcp_server"}
