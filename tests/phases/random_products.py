"""Random products with real histories, and installations of them as users left them."""

import hashlib
import os
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import RECORD, BaseRecord, Laid, PlannedChange, UpgradePlan
from aos_upgrade_plugin.models.source import LaidDown, blob_id
from aos_upgrade_plugin.models.tree import Kind, TreePath, escape, unescape
from tests.decide import random_upgrades as made
from tests.decide.random_upgrades import History, Release, User
from tests.effects.repositories import Growth, Item, git, grow
from tests.phases.products import NOW, lay_down, product, put

PLACE = b"standards/universal/"
_ALWAYS = "workflows/a_v1/metadata.json"
_NOTHING = b"{}\n"


class Case(NamedTuple):
    """An upgrade to be made."""

    seed: int
    told: History
    installed: int
    comes: int
    mine: User
    chance: random.Random
    """For what is to be decided further."""

    @property
    def incoming(self) -> Release:
        """What the new release has."""
        return self.told.releases[self.comes]


class Stands(NamedTuple):
    """What stands at a path, as git names it."""

    mode: str
    oid: str


def case(seed: int) -> Case:
    """Make up a history, an installation of one of its releases, and a later one that comes."""
    chance = random.Random(seed)  # noqa: S311  a seed that can be repeated, no secret
    told = made.history(chance)
    installed, comes = sorted(chance.sample(range(len(told.releases)), 2))
    mine = made.user(chance, told.releases, installed)
    return Case(seed, told, installed, comes, mine, chance)


def as_product(release: Release) -> dict[bytes | str, bytes | Item]:
    """Return a source tree that has a release among its standards."""
    content: dict[bytes | str, bytes | Item] = {
        b"standards/" + path: item for path, item in in_git(release).items()
    }
    return {**product(content), f"universal/{_ALWAYS}": _NOTHING}


def in_git(release: Release) -> Mapping[bytes, Item]:
    """Return what a commit has."""
    return {path: Item(item.content, _mode(item)) for path, item in release.items()}


def lay_down_random(mine: User, project: Path) -> Path:
    """Put an installation into a project, as a user left it."""
    install = lay_down(as_product({}), project)
    for path, item in in_git(mine.items).items():
        put(install, PLACE + path, item)
    for path in mine.folders:
        os.makedirs(os.path.join(os.fsencode(install), PLACE + path))
    return install


def record(release: Release, commit: str, install: Path) -> None:
    """Let an installation say that a release was laid down in it."""
    laid = {escape(PLACE + path): item for path, item in release.items()}
    laid[_ALWAYS] = made.Item(_NOTHING)
    paths = {
        path: LaidDown(entry=made.entry(item), blob=blob_id(item.content, "sha1"))
        for path, item in laid.items()
    }
    kept = BaseRecord(recorded_at=NOW, parts={Part.CONTENT: Laid(commit=commit, paths=paths)})
    (install / RECORD).parent.mkdir(parents=True, exist_ok=True)
    (install / RECORD).write_bytes(kept.to_json())


def histories(folder: Path, cases: Sequence[Case]) -> Sequence[Sequence[str]]:
    """Make one repository with the history of each case, and return the names of its commits.

    It has no branches: every branch that there is would belong to the history of each.
    """
    git(folder.parent, "init", "-q", str(folder))
    grow(folder, (Growth(f"s{one.seed}", [*map(as_product, one.told.releases)]) for one in cases))
    names = [git(folder, "rev-list", "--reverse", f"s{one.seed}").split() for one in cases]
    branches = git(folder, "for-each-ref", "--format=delete %(refname)")
    git(folder, "update-ref", "--stdin", told=branches.encode())
    return names


def after(mine: User, plan: UpgradePlan) -> tuple[Mapping[bytes, Stands], Mapping[str, bytes]]:
    """Return what stands after a plan, and the contents that no release and no user had."""
    before = {
        path: Stands(mode, blob_id(content, "sha1"))
        for path, (content, mode) in in_git(mine.items).items()
    }
    tree, new = dict(before), dict[str, bytes]()
    changes = [(path, one) for one in plan.changes if (path := inside(one.change.path)) is not None]
    for path, _ in changes:
        tree.pop(path, None)
    for path, one in changes:
        if stands := _stands(one, before):
            tree[path] = stands
        if one.text is not None:
            new[blob_id(unescape(one.text), "sha1")] = unescape(one.text)
    return tree, new


def inside(path: TreePath | None) -> bytes | None:
    """Return the path of a release that one of an installation is; nothing for any other."""
    raw = unescape(path or "")
    return raw.removeprefix(PLACE) if raw.startswith(PLACE) else None


def _stands(one: PlannedChange, before: Mapping[bytes, Stands]) -> Stands | None:
    comes = one.change.after
    if comes is None or comes.kind is Kind.DIRECTORY:
        return None
    if comes.kind is Kind.LINK:
        return Stands("120000", blob_id(unescape(comes.link_target or ""), "sha1"))
    mode = "100755" if comes.mode & 0o100 else "100644"
    if one.text is not None:
        content = unescape(one.text)
        assert hashlib.sha256(content).hexdigest() == comes.digest
        return Stands(mode, blob_id(content, "sha1"))
    return Stands(mode, one.blob or before[inside(one.stands_at) or b""].oid)


def _mode(item: made.Item) -> str:
    if item.kind is Kind.LINK:
        return "120000"
    return "100755" if item.executable else "100644"
