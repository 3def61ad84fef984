"""Whatever upstream and the user did, across skipped releases: the promises of an upgrade.

A sample for every day; ten thousand with ``pytest -m random_full tests/decide``.
"""

import random
from collections.abc import Mapping
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.decide.content.changes import planned_changes
from aos_upgrade_plugin.decide.content.compare import compare
from aos_upgrade_plugin.decide.content.origin import ambiguous, made_from, recovered_base, trace
from aos_upgrade_plugin.decide.content.renames import chain
from aos_upgrade_plugin.decide.content.resolution import resolve
from aos_upgrade_plugin.models.plan import Choice, Conflict, PlannedChange
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Renames, Target, Versions
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, escape
from tests.decide import random_upgrades as made
from tests.decide.random_upgrades import History, Release, User
from tests.decide.three_sides import apply

_CHUNKS = 20
_SEEDS = 500  # a chunk; in all ten thousand
_SAMPLE = 100
_POLICIES = (OnConflict.FAIL, OnConflict.KEEP, OnConflict.TAKE)


class Upgrade(NamedTuple):
    """One upgrade, decided and applied."""

    conflicts: Mapping[TreePath, Conflict]
    changes: tuple[PlannedChange, ...]
    tree: Mapping[TreePath, Entry]
    renames: Renames
    """Where the user's installation went along."""


def _upgrade(
    here: Target, base: Versions, comes: Release, renames: Renames, policy: OnConflict
) -> Upgrade:
    compared = compare(
        base=base, local=here.versions, incoming=made.versions(comes), renames=renames
    )
    resolution = resolve(compared, target=here, on_conflict=policy)
    changes = planned_changes(resolution=resolution, target=here, incoming=made.laid(comes))
    return Upgrade(
        conflicts={one.path: one for one in resolution.conflicts},
        changes=changes,
        tree=apply((one.change for one in changes), here),
        renames={one.renamed_from: one.change.path for one in changes if one.renamed_from},
    )


def _base(
    told: History, mine: User, installed: int, *, recorded: bool
) -> tuple[Versions, int | None]:
    """Return the base and the release it is from, as recorded or as history tells."""
    if recorded:
        return made.versions(told.releases[installed]), installed
    local = made.versions(mine.items, on_disk=True)
    places = {escape(path): escape(path) for release in told.releases for path in release}
    found = trace(history=made.historic(told.releases), places=places, local=local)
    known = {
        version: item.content
        for release in told.releases
        for item in release.values()
        for version in made.versions({b"": item})[""].blobs
    }
    asked = {escape(path): item.content for path, item in mine.items.items()}
    commit = made_from(
        found,
        contents=known,
        local={path: asked[path] for path in ambiguous(found)},
        whole={},
    )
    number = int(commit, 16) - 1 if commit else None
    tree = made.blobs(told.releases[number]) if number is not None else {}
    return recovered_base(found, tree=tree, local=local), number


def _check(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  a seed that can be repeated, no secret
    told = made.history(chance)
    installed, comes = sorted(chance.sample(range(len(told.releases)), 2))
    mine = made.user(chance, told.releases, installed)
    policy, recorded = chance.choice(_POLICIES), chance.random() < 0.5
    base, number = _base(told, mine, installed, recorded=recorded)
    renames = chain(told.steps[number:comes]) if number is not None and number <= comes else {}
    here, incoming = made.target(mine), told.releases[comes]
    upgrade = _upgrade(here, base, incoming, renames, policy)
    _nothing_is_lost(upgrade, mine)
    if recorded:
        _everything_arrived(upgrade, mine, told.releases[installed], incoming, renames)
    if all(one.choice for one in upgrade.conflicts.values()):
        _nothing_is_left_to_do(upgrade, mine, incoming, policy)
    else:
        undecided = {path for path, one in upgrade.conflicts.items() if one.choice is None}
        assert not undecided & {one.change.path for one in upgrade.changes}


def _nothing_is_lost(upgrade: Upgrade, mine: User) -> None:
    """What only the user has stands where it stood or where it was renamed to, unless taken."""
    for path, mark in mine.marks.items():
        place = upgrade.renames.get(escape(path), escape(path))
        conflict = upgrade.conflicts.get(place)
        if conflict is None or conflict.choice is not Choice.TAKE:
            wanted = made.entry(mine.items[path])
            stands = upgrade.tree[place]
            assert made.known_by(stands) == made.known_by(wanted), f"{mark!r} at {place}"
    for folder in mine.folders:
        assert upgrade.tree[escape(folder)].kind is Kind.DIRECTORY


def _everything_arrived(
    upgrade: Upgrade, mine: User, base: Release, incoming: Release, renames: Renames
) -> None:
    """What the user did not touch is as a fresh installation would have it, but for line ends."""
    blocked = {path for one in upgrade.conflicts.values() for path in one.blocks}
    fresh, here = made.versions(incoming), made.versions(mine.items, on_disk=True)
    known = made.contents([incoming, mine.items, base])
    for raw in {*base, *incoming}:
        path = escape(raw)
        touched = mine.items.get(raw) != base.get(raw) or path in renames.values()
        if touched or path in upgrade.conflicts or path in blocked or path in renames:
            continue
        stands = upgrade.tree.get(path)
        if path not in fresh:
            assert stands is None or stands.kind is Kind.DIRECTORY, path
        else:
            assert stands is not None, path
            assert known[made.known_by(stands)].content == incoming[raw].content, path
    for old, new in renames.items():  # the same of what moved as a whole
        if here.get(old) == made.versions(base).get(old) and new not in here and old in here:
            if new in upgrade.conflicts or {old, new} & blocked:
                continue
            if new in fresh and new not in made.versions(base) and old not in fresh:
                stands = upgrade.tree[new]
                assert made.known_by(stands) == made.known_by(made.laid(incoming)[new].entry)
                assert old not in upgrade.tree or upgrade.tree[old].kind is Kind.DIRECTORY


def _nothing_is_left_to_do(
    upgrade: Upgrade, mine: User, incoming: Release, policy: OnConflict
) -> None:
    """Applied and recorded, the same upgrade again changes nothing and asks nothing."""
    known = made.contents([incoming, mine.items])
    again = made.target(made.left(upgrade.tree, known))
    assert again.tree == upgrade.tree
    second = _upgrade(again, made.versions(incoming), incoming, {}, policy)
    assert second.changes == ()
    assert second.conflicts == {}


def test_the_promises_hold() -> None:
    """A hundred random upgrades: nothing is lost, all arrives, nothing is done twice."""
    for seed in range(_SAMPLE):
        _check(seed)


@pytest.mark.random_full
@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_the_promises_hold_ten_thousand_times(chunk: int) -> None:
    """The same; a failure names its seed."""
    for seed in range(chunk * _SEEDS, (chunk + 1) * _SEEDS):
        try:
            _check(seed)
        except Exception as error:  # noqa: BLE001  whatever it is, the seed repeats it
            pytest.fail(f"seed {seed}: {error!r}")
