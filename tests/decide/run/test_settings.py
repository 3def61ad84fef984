"""Settings that are not of a run."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.run.settings import most_active_sessions, settled
from aos_upgrade_plugin.errors import UsageError

VARIABLE = "AOS_UPGRADE_MAX_ACTIVE_SESSIONS"


@pytest.mark.parametrize(
    ("environment", "project", "most"),
    [
        ({}, {}, 1_000),
        ({}, {"max-active-sessions": 7}, 7),
        ({}, {"max_active_sessions": 7}, 7),
        ({VARIABLE: "9"}, {"max_active_sessions": 7}, 9),
    ],
)
def test_how_many_sessions_may_be_active(
    environment: dict[str, str], project: dict[str, object], most: int
) -> None:
    """The environment counts before the project; an upgrade's settings know of it."""
    assert most_active_sessions(environment=environment, project=project) == most
    flags = {"source_path": Path()}
    assert settled(flags=flags, environment=environment, project=project).source_path == Path()


@pytest.mark.parametrize("said", ["0", "-1", "many", "", "1.5", "9" * 20, True, None])
def test_what_is_no_number_of_sessions(said: object) -> None:
    """It is refused by its name."""
    with pytest.raises(UsageError, match="max_active_sessions"):
        most_active_sessions(environment={}, project={"max-active-sessions": said})
