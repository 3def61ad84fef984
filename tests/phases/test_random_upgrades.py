"""Random upgrades of real installations from real repositories, with git's own detection.

A sample for every day; more with ``pytest -m random_full tests/phases``.
"""

import os
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import Choice, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.tree import TreePath, escape
from tests.decide.random_upgrades import User
from tests.effects.repositories import build
from tests.phases.products import apply, plan, prepared
from tests.phases.random_products import PLACE, as_product, case, lay_down_random

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="names that are no text")
_POLICIES = (OnConflict.FAIL, OnConflict.KEEP, OnConflict.TAKE, OnConflict.MERGE)
_CHUNKS, _SEEDS = 20, 25


def _check(seed: int, folder: Path) -> None:
    _, told, _, comes, mine, chance = case(seed)
    policy = chance.choice(_POLICIES)
    names = build(folder / "source", *map(as_product, told.releases))
    install = lay_down_random(mine, folder / "project")
    before = files.read_tree(install)
    upgrade = plan(folder / "project", folder / "source", names[comes], on_conflict=policy)
    transaction = prepared(upgrade, install)
    transaction.apply()
    _nothing_is_lost(upgrade, mine, install)
    transaction.undo()
    assert files.read_tree(install) == before
    apply(upgrade, install)
    if not upgrade.undecided:
        again = plan(folder / "project", folder / "source", names[comes], on_conflict=policy)
        assert again.nothing_to_do, again.changes


def _nothing_is_lost(upgrade: UpgradePlan, mine: User, install: Path) -> None:
    """What only the user has is where it was, or where git says that it was renamed to."""
    went = {one.renamed_from: one.change.path for one in upgrade.changes if one.renamed_from}
    conflicts = {one.path: one for one in upgrade.conflicts}
    for path, mark in mine.marks.items():
        place: TreePath = escape(PLACE + path)
        place = went.get(place, place)
        if place in conflicts and conflicts[place].choice is Choice.TAKE:
            continue
        location = files.locate(install, place)
        stands = os.readlink(location) if os.path.islink(location) else _read(location)
        assert mark in stands, place


def _read(location: bytes) -> bytes:
    with open(location, "rb") as file:
        return file.read()


@pytest.mark.parametrize("seed", range(3))
def test_the_promises_hold(seed: int, tmp_path: Path) -> None:
    """Nothing is lost, all can be taken back, and the second time there is nothing to do."""
    _check(seed, tmp_path)


@pytest.mark.random_full
@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_the_promises_hold_five_hundred_times(chunk: int, tmp_path: Path) -> None:
    """The same; a failure names its seed."""
    for seed in range(chunk * _SEEDS, (chunk + 1) * _SEEDS):
        folder = tmp_path / str(seed)
        folder.mkdir()
        try:
            _check(seed, folder)
        except Exception as error:  # noqa: BLE001  whatever it is, the seed repeats it
            pytest.fail(f"seed {seed}: {error!r}")
