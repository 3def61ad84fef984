"""What must never work, tried on real server processes: by clients, by files of others, by pages.

``test_names``: what a client names; ``test_limits``: how much of it; ``test_files``: what lies in
the project; ``test_lines`` and ``test_requests``: what is no message; ``test_anything``: whatever
else there is; ``test_races``: many at once.

Most tests end with the same two looks: the server still answers, and nothing changed in or beside
the project but the sessions of its installation.
"""

import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.mcp_tool.conftest import lay_project, serving_http, unmeasured_environment
from tests.mcp_tool.door import Door, HttpDoor

WORDS_OF_OTHERS = "not to be read here"


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with a neighbour that nobody is to read or change."""
    place = tmp_path_factory.mktemp("security")
    (place / "neighbour").mkdir()
    (place / "neighbour/secret.md").write_text(WORDS_OF_OTHERS)
    install = lay_project(place / "project")
    (place / "project/src").mkdir()
    (install / "state/workflows").mkdir(parents=True)
    return place / "project"


@pytest.fixture
def door(project: Path, open_door: Callable[[Path], Door]) -> Iterator[Door]:
    """Return the door of the module's server, and look at everything afterwards."""
    found = open_door(project)
    before = _state(project)
    yield found
    assert found.ask("list_workflows")["status"] == "success"
    assert _state(project) == before
    for path in (project / ".praxis-os/state/workflows").iterdir():
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600, path


@pytest.fixture
def spare(project: Path) -> Iterator[Path]:
    """Lay another installation in the project's place, for a while."""
    install, kept = project / ".praxis-os", project / "kept"
    install.rename(kept)
    yield lay_project(project)
    shutil.rmtree(install, ignore_errors=True)
    kept.rename(install)


def _state(project: Path) -> dict[str, object]:
    """Return everything in and beside the project but what sessions are stored in."""
    stored = project / ".praxis-os/state/workflows"
    return {
        str(path): (path.lstat().st_mode, path.is_file() and path.read_bytes())
        for path in sorted(project.parent.rglob("*"))
        if not path.is_relative_to(stored)
    }


@pytest.fixture
def session(door: Door) -> str:
    """Start a session that takes any evidence."""
    begun = door.ask("start", workflow_type="loose_v1", target_file="src")
    name: str = begun["session_id"]
    return name


@pytest.fixture(scope="session")
def over_http(project: Path) -> Iterator[HttpDoor]:
    """Serve the project over HTTP, too."""
    with serving_http(project, env=unmeasured_environment()) as url:
        yield HttpDoor(url)


def refused(answer: Mapping[str, Any], kind: str = "ValueError") -> str:
    """Return the words of an error, which it has to be, of a kind."""
    assert (answer["status"], answer.get("error_type")) == ("error", kind)
    words: str = answer["error"]
    return words
