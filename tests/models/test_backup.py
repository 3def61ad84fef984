"""Names of backups: what sorts them, and what is none."""

import pytest

from aos_upgrade_plugin.models.backup import age_order


def test_backups_of_one_second_sort_by_number() -> None:
    """The ninth is older than the tenth."""
    names = [f"2026-01-01-000000{turn}" for turn in ("", "-2", "-9", "-10", "-11")]
    ages = [age for name in names if (age := age_order(name))]
    assert len(ages) == len(names)
    assert ages == sorted(ages)


@pytest.mark.parametrize(
    "name",
    [
        "2026-01-01-000000\n",
        "2026-01-01-000000-0",
        "2026-01-01-000000-" + "9" * 5000,
        "2026-01-01-00000\u0661",
        "2026-01-01-000000-1\u0661",
        "../2026-01-01-000000",
    ],
    ids=["line-end", "nought", "too-many", "other-digits", "other-number", "elsewhere"],
)
def test_what_no_backup_is_called_is_no_name(name: str) -> None:
    """Only digits that we would write, and no more of them than there can be backups."""
    assert age_order(name) is None
