"""Whose something is, and what of it may change hands on our word."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree.owner import Stranger


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("/data/.backups/p/.praxis-os/.upgrade-lock", "/data/.backups/p/.praxis-os/.upgrade-lock"),
        ("/srv/state/workflows/a/.praxis-os/.backups/x/MANIFEST.json",
         "/srv/state/workflows/a/.praxis-os/.backups"),
    ],
)  # fmt: skip
def test_no_more_than_ours_changes_hands(path: str, named: str) -> None:
    """A folder further up may have such a name, too, and everybody's backups in it."""
    assert f" {named}; then" in Stranger("root", Path(path)).cure


def test_what_is_not_ours_is_not_to_change_hands() -> None:
    """Its owner has a reason, or the wrong command was run."""
    assert Stranger("root", Path("/etc/passwd")).cure.startswith("run the command as root")
