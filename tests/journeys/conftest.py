"""A trip for each test."""

from pathlib import Path

import pytest

from tests.journeys.trips import Trip


@pytest.fixture
def trip(tmp_path: Path) -> Trip:
    """Return a project with an installation that is to be upgraded."""
    return Trip(tmp_path)
