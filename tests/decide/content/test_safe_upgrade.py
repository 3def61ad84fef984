"""The content upgrade in the words of the product's own script."""

from aos_upgrade_plugin.decide.content.safe_upgrade import safe_upgrade_lines
from aos_upgrade_plugin.models.report import ChangesReport, Status
from tests.decide.run.test_screen import _report

COUNTS = {
    "new": 5,
    "updated": 3,
    "mode_updated": 1,
    "removed_upstream": 2,
    "moved": 4,
    "unchanged": 100,
    "same_change": 1,
    "edited_locally": 6,
    "removed_locally": 1,
}


def test_every_count_has_the_word_of_the_script() -> None:
    """Edits are local-only, and both that the script knows nothing of have a word, too."""
    report = _report(Status.COMPLETED).model_copy(
        update={
            "changes": ChangesReport(counts=COUNTS),
            "backup": "/b",
            "migrations": ("offered: a (--migrate a)", "to decide: told among the reasons"),
            "warnings": ("careful",),
        }
    )
    assert [*safe_upgrade_lines(report)] == [
        "completed: 1.0.0 -> 1.1.0",
        "Files added:     5",
        "Files updated:   4",
        "Files moved:     4",
        "Files removed:   2",
        "Files unchanged: 101",
        "Local-only:      7",
        "Conflicts:       0",
        "Errors:          0",
        "Backup created:  /b",
        "To roll back:    aos-upgrade rollback one",
        "offered: a (--migrate a)",
        "warning: careful",
    ]


def test_what_is_not_resolved_is_listed_and_what_went_wrong_is_counted() -> None:
    """With what to do about it."""
    undecided = ChangesReport(paths={"undecided": ("a.md",)})
    asked = _report(Status.NEEDS_DECISION).model_copy(
        update={"changes": undecided, "reasons": ("a.md (edit/edit)",), "cure": "decide"}
    )
    assert [*safe_upgrade_lines(asked)][-4:] == [
        "Conflicts:       1",
        "Errors:          0",
        "  a.md",
        "next: decide",
    ]
    failed = _report(Status.BLOCKED).model_copy(update={"reasons": ("no space",)})
    assert [*safe_upgrade_lines(failed)][-2:] == ["Errors:          1", "  no space"]
