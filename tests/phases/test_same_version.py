"""The same version again is no operation at all: the first promise of any upgrade tool."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.sample import Source, lay_down
from tests.phases.products import plan


@pytest.mark.parametrize(
    "version", ["0.8.0", "0.9.0", "1.0.0", "1.1.0", "1.2.0", "bad-start", "lost-tool"]
)
def test_a_fresh_install_has_nothing_to_do(
    sample_source: Source, tmp_path: Path, version: str
) -> None:
    """No change, no question, no note; what it was made from is found by its content alone."""
    install = lay_down(sample_source, version, tmp_path)
    before = files.read_tree(install)
    upgrade = plan(tmp_path, sample_source.folder, version)
    assert upgrade.nothing_to_do
    assert (upgrade.changes, upgrade.conflicts, upgrade.kept) == ((), (), ())
    assert (upgrade.unrecovered, upgrade.notes) == ((), ())
    assert upgrade.origin.known_by == "history"
    assert files.read_tree(install) == before
