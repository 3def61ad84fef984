"""Random upgrades of real installations from real repositories, with git's own detection.

A sample for every day; more with ``pytest -m random_full tests/phases``.
"""

import os
import random
import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import Choice, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.tree import Kind, TreePath, escape
from tests.decide import random_upgrades as made
from tests.decide.random_upgrades import Release, User
from tests.effects.repositories import Item, build
from tests.phases.products import apply, lay_down, plan, prepared, product, put

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="names that are no text")
_PLACE = b"standards/universal/"
_POLICIES = (OnConflict.FAIL, OnConflict.KEEP, OnConflict.TAKE, OnConflict.MERGE)
_CHUNKS, _SEEDS = 20, 25


def _check(seed: int, folder: Path) -> None:
    chance = random.Random(seed)  # noqa: S311  a seed that can be repeated, no secret
    told = made.history(chance)
    installed, comes = sorted(chance.sample(range(len(told.releases)), 2))
    mine, policy = made.user(chance, told.releases, installed), chance.choice(_POLICIES)
    names = build(folder / "source", *(_product(release) for release in told.releases))
    install = _lay_down(mine, folder / "project")
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


def _product(release: Release) -> dict[bytes | str, bytes | Item]:
    content: dict[bytes | str, bytes | Item] = {
        b"standards/" + path: Item(item.content, _mode(item)) for path, item in release.items()
    }
    return {**product(content), "universal/workflows/a_v1/metadata.json": b"{}\n"}


def _mode(item: made.Item) -> str:
    if item.kind is Kind.LINK:
        return "120000"
    return "100755" if item.executable else "100644"


def _lay_down(mine: User, project: Path) -> Path:
    rest = _product({})
    install = lay_down(rest, project)
    for path, item in mine.items.items():
        put(install, _PLACE + path, Item(item.content, _mode(item)))
    for path in mine.folders:
        os.makedirs(os.path.join(os.fsencode(install), _PLACE + path))
    return install


def _nothing_is_lost(upgrade: UpgradePlan, mine: User, install: Path) -> None:
    """What only the user has is where it was, or where git says that it was renamed to."""
    went = {one.renamed_from: one.change.path for one in upgrade.changes if one.renamed_from}
    conflicts = {one.path: one for one in upgrade.conflicts}
    for path, mark in mine.marks.items():
        place: TreePath = escape(_PLACE + path)
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
