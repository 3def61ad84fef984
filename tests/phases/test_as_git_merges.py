"""What an upgrade makes of random trees is what ``git merge`` makes of them, or it asks.

Where it differs, docs/explanation/three-way.md says why; only what is said there passes here. A
sample for every day; ten thousand with ``pytest -m random_full tests/phases``.
"""

import shutil
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.decide.content.content_plan import ContentFacts, plan_content
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import Conflict, Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.source import blob_id
from aos_upgrade_plugin.models.three_way import Relation, Renames, Version, Versions
from aos_upgrade_plugin.models.tree import Kind
from aos_upgrade_plugin.phases.conflicts import WhereTextsAre
from aos_upgrade_plugin.phases.deciding import NOTHING_SAID, decide_conflicts
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.planning import gather
from aos_upgrade_plugin.phases.source import take
from tests.decide.random_upgrades import above
from tests.effects.repositories import Item, Tree
from tests.phases.gits_merge import Merged, Sides, merges
from tests.phases.products import NOW, apply, plan
from tests.phases.random_products import (
    Case,
    Stands,
    after,
    case,
    histories,
    in_git,
    inside,
    lay_down_random,
    record,
)

pytestmark = pytest.mark.skipif(sys.platform == "darwin", reason="names that are no text")
_MERGE = Options(only=Scope.CONTENT, on_conflict=OnConflict.MERGE)
_CHUNKS, _SEEDS, _SAMPLE = 20, 500, 30


class Trees(NamedTuple):
    """Everything about one upgrade, by the paths of its releases and as git names contents."""

    seed: int
    base: Mapping[bytes, Stands]
    local: Mapping[bytes, Stands]
    incoming: Mapping[bytes, Stands]
    ours: Mapping[bytes, Stands]
    contents: Mapping[str, bytes]
    followed: AbstractSet[tuple[bytes, bytes]]
    """What the plan knows to be renamed upstream."""
    open_conflicts: Sequence[tuple[Relation, AbstractSet[bytes]]]
    """What nobody decided: the paths that wait for each."""
    folders: AbstractSet[bytes]
    """Empty ones of the user's."""

    @property
    def sides(self) -> Sides:
        """The three for git; where only line ends were converted here, as a commit has it."""
        local = {path: self._committed(path, stands) for path, stands in self.local.items()}
        base, incoming = (self._items(tree) for tree in (self.base, self.incoming))
        return base, self._items(local), incoming

    def _committed(self, path: bytes, stands: Stands) -> Stands:
        base = self.base.get(path)
        alike = base and self.alike_but_line_ends(stands, base)
        return Stands(stands.mode, base.oid) if base and alike else stands

    def _items(self, tree: Mapping[bytes, Stands]) -> Tree:
        return {path: Item(self.contents[oid], mode) for path, (mode, oid) in tree.items()}

    def alike_but_line_ends(self, one: Stands | None, other: Stands | None) -> bool:
        """Say whether only line ends, and whether it can be run, tell two texts apart."""
        if not one or not other or "120000" in {one.mode, other.mode}:
            return False
        texts = [self.contents.get(each.oid, b"\0") for each in (one, other)]
        return b"\0" not in texts[0] + texts[1] and len({*map(_with_lf, texts)}) == 1

    def has_converted(self, path: bytes) -> bool:
        """Say whether a side has line ends at a path, or where it was, that are not git's."""
        places = {path, *(old for old, new in self.followed if new == path)}
        sides = [
            tree.get(each) for tree in (self.base, self.local, self.incoming) for each in places
        ]
        return any(b"\r" in self.contents[each.oid] for each in sides if each)


def _with_lf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


# ---- what an upgrade makes of it -------------------------------------------------------------


def _upgrades(cases: Sequence[Case], folder: Path) -> Sequence[Trees]:
    source = folder / "source"
    names = histories(source, cases)
    return [
        _upgrade(one, source, commits, folder / f"{one.seed}")
        for one, commits in zip(cases, names, strict=True)
    ]


def _upgrade(one: Case, source: Path, commits: Sequence[str], project: Path) -> Trees:
    install = lay_down_random(one.mine, project)
    if one.chance.random() < 0.5:  # else history tells
        record(one.told.releases[one.installed], commits[one.installed], install)
    taken = take(source, commits[one.comes])
    facts = gather(find(project), taken, (Part.CONTENT,))
    where = WhereTextsAre(taken.repository, install, {})
    decisions = decide_conflicts(facts, where, on_conflict=_MERGE.on_conflict, said=NOTHING_SAID)
    upgrade = plan_content(facts, options=_MERGE, created_at=NOW, tool="test", decisions=decisions)
    trees = _trees(one, facts, upgrade)
    _nothing_is_lost(one, trees)
    if not upgrade.undecided and any(conflict.choice for conflict in upgrade.conflicts):
        apply(upgrade, install)
        again = plan(project, source, commits[one.comes], on_conflict=OnConflict.MERGE)
        assert again.nothing_to_do, again.changes
    shutil.rmtree(project)
    return trees


def _trees(one: Case, facts: ContentFacts, upgrade: UpgradePlan) -> Trees:
    ours, written = after(one.mine, upgrade)
    releases = [*map(in_git, one.told.releases)]
    known = [item.content for tree in (*releases, in_git(one.mine.items)) for item in tree.values()]
    return Trees(
        seed=one.seed,
        base=_in_git(facts.base),
        local=_named(in_git(one.mine.items)),
        incoming=_named(in_git(one.incoming)),
        ours=ours,
        contents={**{blob_id(content, "sha1"): content for content in known}, **written},
        followed={
            (old, new)
            for each in facts.renames.items()
            if (old := inside(each[0])) is not None and (new := inside(each[1])) is not None
        },
        open_conflicts=[_waiting(conflict, facts.renames) for conflict in upgrade.undecided],
        folders=one.mine.folders,
    )


def _in_git(versions: Versions) -> Mapping[bytes, Stands]:
    return {
        path: Stands(_mode(version), min(version.blobs))
        for each, version in versions.items()
        if (path := inside(each)) is not None
    }


def _mode(version: Version) -> str:
    if version.kind is Kind.LINK:
        return "120000"
    return "100755" if version.executable else "100644"


def _named(items: Mapping[bytes, Item]) -> Mapping[bytes, Stands]:
    return {path: Stands(mode, blob_id(content, "sha1")) for path, (content, mode) in items.items()}


def _waiting(conflict: Conflict, renames: Renames) -> tuple[Relation, AbstractSet[bytes]]:
    """Return what a conflict is, and every path that waits for its decision."""
    paths = {conflict.path, *conflict.blocks}
    paths |= {each for pair in renames.items() if not paths.isdisjoint(pair) for each in pair}
    return conflict.relation, {path for each in paths if (path := inside(each)) is not None}


def _nothing_is_lost(one: Case, trees: Trees) -> None:
    went = dict(trees.followed)
    for path, mark in one.mine.marks.items():
        places = {path, went.get(path, path)}
        stands = [trees.ours[each] for each in places if each in trees.ours]
        assert any(mark in trees.contents[each.oid] for each in stands), path


# ---- and how it compares with what git makes of it -------------------------------------------


class Judge:
    """Finds of each path why it stands there as it does; what has no reason is a defect."""

    def __init__(self, trees: Trees, merged: Merged) -> None:
        """Look at where git conflicts, what waits for a decision, and what the user moved."""
        self.trees, self.merged = trees, merged
        followed = {*merged.moved_there.items()} | trees.followed
        self.moved = {
            path
            for old, new in merged.moved_here.items()
            for path in (old, new, *(there for each, there in followed if each == old))
        }
        self.only_we_follow = {
            path for pair in trees.followed - {*merged.moved_there.items()} for path in pair
        }
        self.turned = {
            path
            for old, new in trees.followed
            if _kind(trees.base.get(old)) != _kind(trees.local.get(old))
            for path in (old, new)
        }
        self.at_both_places = {
            path for pair in followed if trees.local.keys() >= {*pair} for path in pair
        }
        self.waiting = [paths for _, paths in trees.open_conflicts]
        self.as_git_conflicts = self._tied_to(merged.conflicts)

    def _tied_to(self, conflicts: AbstractSet[bytes]) -> AbstractSet[bytes]:
        """Add what waits for the same decision, or stands where something of that shall come."""
        tied = {*conflicts}
        for _ in self.waiting:
            folders = {folder for path in tied for folder in above(path)}
            for paths in self.waiting:
                in_folders = {folder for path in paths for folder in above(path)}
                if not tied.isdisjoint(paths | in_folders) or not folders.isdisjoint(paths):
                    tied |= paths
        return tied

    def reason(self, path: bytes) -> str:
        """Say why a path is as it is; AssertionError where there is no reason."""
        waits = any(path in paths for paths in self.waiting)
        if waits and path in self.as_git_conflicts:
            return "conflict"
        if waits:
            return self._where_only_we_ask(path)
        if path in self.merged.conflicts:
            return self._where_only_git_conflicts(path)
        return self._where_both_merge(path)

    def _where_only_git_conflicts(self, path: bytes) -> str:
        trees = self.trees
        base, local, incoming, ours = (
            tree.get(path) for tree in (trees.base, trees.local, trees.incoming, trees.ours)
        )
        if ours == local and self._brings_nothing(path):
            return "upstream's rename or mode alone"
        if ours == incoming and base and local and base.oid == local.oid:
            return "no edit but of the mode here"
        return self._other_reason(path)

    def _brings_nothing(self, path: bytes) -> bool:
        """Say whether upstream has no content at a path that was not there before."""
        trees, incoming = self.trees, self.trees.incoming.get(path)
        if incoming is None:
            return path not in trees.base or path not in trees.local
        before = {path, *(old for old, new in trees.followed if new == path)}
        same = any(trees.base[each].oid == incoming.oid for each in before if each in trees.base)
        return same or trees.alike_but_line_ends(trees.local.get(path), incoming)

    def _where_only_we_ask(self, path: bytes) -> str:
        mine = [(relation, paths) for relation, paths in self.trees.open_conflicts if path in paths]
        if any(relation is Relation.ADD_ADD for relation, _ in mine):
            return "both added it"
        empty = {folder for each in self.trees.folders for folder in (each, *above(each))}
        if any(not empty.isdisjoint(paths) for _, paths in mine):
            return "an empty folder is in the way"
        if path in self.at_both_places:
            return "it stands at both places"
        return self._other_reason(path)

    def _where_both_merge(self, path: bytes) -> str:
        ours, gits = self.trees.ours.get(path), self.merged.tree.get(path)
        if ours == gits:
            return "same"
        if ours and gits and ours.mode == gits.mode and self.trees.alike_but_line_ends(ours, gits):
            return "line ends"
        return self._other_reason(path)

    def _other_reason(self, path: bytes) -> str:
        if path in self.moved:
            return "moved here"
        if path in self.only_we_follow:
            return "followed commit by commit"
        if self.trees.has_converted(path):
            return "line ends"
        if path in self.turned:
            return "a link became a file here, or a file a link"
        raise AssertionError(
            f"seed {self.trees.seed}: {path!r}: ours {self.trees.ours.get(path)}, "
            f"git's {self.merged.tree.get(path)}"
        )


def _kind(stands: Stands | None) -> str:
    return stands.mode[:3] if stands else ""


def _reasons(seeds: Sequence[int], folder: Path) -> Counter[str]:
    upgrades = _upgrades([*map(case, seeds)], folder)
    merged = merges(folder / "merges", [trees.sides for trees in upgrades])
    reasons: Counter[str] = Counter()
    for trees, gits in zip(upgrades, merged, strict=True):
        judge = Judge(trees, gits)
        for path in {*trees.base, *trees.local, *trees.incoming, *trees.ours, *gits.tree}:
            reasons[judge.reason(path)] += 1
    return reasons


def test_it_is_as_git_merges(tmp_path: Path) -> None:
    """Where git merges, the same bytes and modes stand; where it does not, somebody is asked."""
    reasons = _reasons(range(_SAMPLE), tmp_path)
    assert reasons["same"] > 0.8 * reasons.total(), reasons


@pytest.mark.random_full
@pytest.mark.parametrize("chunk", range(_CHUNKS))
def test_it_is_as_git_merges_ten_thousand_times(chunk: int, tmp_path: Path) -> None:
    """The same; a failure names its seed."""
    reasons = _reasons(range(chunk * _SEEDS, (chunk + 1) * _SEEDS), tmp_path)
    assert reasons["same"] > 0.8 * reasons.total(), reasons
