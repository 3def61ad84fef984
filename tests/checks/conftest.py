"""One upgrade for all checks that look at what a run left."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.sample import Source
from tests.checks import upgrades
from tests.checks.upgrades import Ready, Upgraded, get_ready


@pytest.fixture(scope="session")
def finished(sample_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Upgrade a project; nobody may change it."""
    project = tmp_path_factory.mktemp("finished") / "project"
    project.mkdir()
    upgrades.lay_project(sample_source, project)
    upgrades.upgrade(sample_source, project)
    return project


@pytest.fixture
def upgraded(finished: Path, tmp_path: Path) -> Upgraded:
    """Return a copy of it, to be spoilt."""
    return Upgraded.copied(finished, tmp_path / "project")


@pytest.fixture(scope="session")
def good(sample_source: Source, tmp_path_factory: pytest.TempPathFactory) -> Ready:
    """Return what nothing is wrong with; nobody may change it."""
    return get_ready(sample_source, tmp_path_factory.mktemp("good"))


@pytest.fixture
def bad(sample_source: Source, tmp_path: Path) -> Ready:
    """Return one to be spoilt."""
    return get_ready(sample_source, tmp_path)
