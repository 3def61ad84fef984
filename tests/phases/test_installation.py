"""Which installation a command is about."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.phases.installation import find


def _lay_down(project: Path, name: str = ".praxis-os", *, parts: str = "standards") -> Path:
    folder = project.resolve() / name
    (folder / parts).mkdir(parents=True)
    return folder


@pytest.mark.parametrize("start", ["", "src/deep", ".praxis-os", ".praxis-os/standards"])
def test_it_is_found_from_everywhere(tmp_path: Path, start: str) -> None:
    """From the project, from below it, by its own name, from inside it."""
    install = _lay_down(tmp_path)
    (tmp_path / "src/deep").mkdir(parents=True)
    found = find(tmp_path / start)
    assert (found.path, found.project) == (install, install.parent)
    assert found.layout.name == "praxis_os"


def test_a_link_is_resolved_first(tmp_path: Path) -> None:
    """What changes is what the link names; the project is where people see it."""
    real = _lay_down(tmp_path / "shelf", "shared")
    project = tmp_path.resolve() / "project"
    project.mkdir()
    (project / ".agent-os").symlink_to(real)
    found = find(project)
    assert (found.path, found.project, found.layout.name) == (real, project, "agent_os")


def test_the_folder_that_the_servers_code_brings_is_none(tmp_path: Path) -> None:
    """The product ships its server with a folder of that name in it."""
    install = _lay_down(tmp_path, ".agent-os", parts="mcp_server/.agent-os/workflows")
    assert find(install / "mcp_server").path == install
    assert find(install / "mcp_server/.agent-os").path == install


def test_a_copy_inside_an_installation_is_taken_at_its_word(tmp_path: Path) -> None:
    """Who names an installation means that one, wherever it lies."""
    inner = _lay_down(_lay_down(tmp_path) / "workspace/clone")
    assert find(inner).path == inner


def test_two_side_by_side_have_to_be_told_apart(tmp_path: Path) -> None:
    """Nobody can know which one is meant."""
    old, new = _lay_down(tmp_path, ".agent-os"), _lay_down(tmp_path, ".praxis-os")
    with pytest.raises(RefusedError, match=r"holds \.agent-os and \.praxis-os"):
        find(tmp_path)
    assert find(new).path == new
    assert find(old / "standards").path == old


def test_a_folder_with_nothing_but_the_name_is_refused(tmp_path: Path) -> None:
    """Not one further up is taken for it: that could be another project's."""
    _lay_down(tmp_path)
    (tmp_path / "inner/.praxis-os").mkdir(parents=True)
    with pytest.raises(NotFoundError, match=r"holds none of config/mcp\.yaml, mcp_server"):
        find(tmp_path / "inner")


def test_a_generation_that_is_not_known_is_refused(tmp_path: Path) -> None:
    """What was looked for is named, so that nobody looks for a fault of their own."""
    (tmp_path / ".praxis-os/later_server").mkdir(parents=True)
    with pytest.raises(NotFoundError, match=r"none of config/mcp\.yaml, mcp_server, ouro"):
        find(tmp_path)


def test_the_later_generation_is_told_by_its_server(tmp_path: Path) -> None:
    """Both have standards in a folder of the same name."""
    (_lay_down(tmp_path, ".praxis-os") / "ouroboros").mkdir()
    assert find(tmp_path).layout.name == "praxis_os_ouroboros"


def test_where_there_is_none_it_is_said(tmp_path: Path) -> None:
    """With the names that were looked for, and the folder."""
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"no \.agent-os or \.praxis-os in .*empty or above"):
        find(tmp_path / "empty")
