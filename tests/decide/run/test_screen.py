"""How a run ended, in words."""

import pytest

from aos_upgrade_plugin.decide.run.screen import headline, screen
from aos_upgrade_plugin.models.report import ChangesReport, RollbackReport, RunReport, Status
from aos_upgrade_plugin.models.session import Release


def _report(status: Status) -> RunReport:
    return RunReport(
        session_id="one",
        status=status,
        installation="/project/.praxis-os",
        from_release=Release(version="1.0.0"),
        to_release=Release(version="1.1.0"),
        evidence_dir="/evidence",
    )


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (Status.COMPLETED, "completed: 1.0.0 -> 1.1.0"),
        (Status.NOTHING_TO_DO, "nothing to do: at 1.1.0"),
        (Status.ROLLED_BACK, "rolled back: at 1.0.0 again"),
        (Status.BLOCKED, "blocked: still at 1.0.0, not at 1.1.0"),
        (Status.INTERRUPTED, "interrupted: 1.0.0 -> 1.1.0"),
    ],
)
def test_the_headline_says_which_version_is_there(status: Status, line: str) -> None:
    """Nobody who went back reads that he is at the new version."""
    assert headline(_report(status)) == line


def test_a_version_that_stays_the_same_is_told_by_its_commits() -> None:
    """Between releases a product keeps its number; nobody reads that nothing became anything."""
    releases = {
        "from_release": Release(version="1.6.0", commit="8dbe22e" + "0" * 33),
        "to_release": Release(version="1.6.0", commit="925b10d" + "0" * 33),
    }
    said = headline(_report(Status.COMPLETED).model_copy(update=releases))
    assert said == "completed: 1.6.0 (8dbe22e00000) -> 1.6.0 (925b10d00000)"


def test_what_was_not_done_is_not_told_as_done() -> None:
    """Who went back, or never began, does not read that files were changed."""
    changed = {"changes": ChangesReport(paths={"new": ("a.md",), "edited_locally": ("b.md",)})}
    said = {
        status: [*screen(_report(status).model_copy(update=changed))][1:3]
        for status in (Status.COMPLETED, Status.ROLLED_BACK, Status.BLOCKED, Status.PLANNED)
    }
    assert [*said.values()] == [
        ["  new: 1", "  edited locally: 1"],
        ["  new: 1, taken back", "  edited locally: 1"],
        ["  new: 1, not done", "  edited locally: 1"],
        ["  new: 1, to be done", "  edited locally: 1"],
    ]


def test_everything_that_was_kept_or_went_wrong_is_on_the_screen() -> None:
    """What is set aside, on the way there and back, and every warning has a line."""
    report = _report(Status.COMPLETED).model_copy(
        update={
            "rollback": RollbackReport(performed=True, verified=True, set_aside=("back.md",)),
            "set_aside": ("late.md",),
            "git_commit": "c0ffee",
            "warnings": ("git commit failed",),
        }
    )
    lines = [*screen(report)]
    assert {
        "  set aside: back.md",
        "  set aside: late.md",
        "  committed: c0ffee",
        "  warning: git commit failed",
    } <= {*lines}
