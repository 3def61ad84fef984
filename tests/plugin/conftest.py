"""A world for each test."""

from pathlib import Path

import pytest

from tests.plugin.worlds import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Return an environment and folders of this test's own."""
    return World(tmp_path)
