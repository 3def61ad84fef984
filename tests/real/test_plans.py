"""Plans between commits of the real product: what upstream changed arrives, edits survive.

Needs a clone of github.com/honeyhiveai/praxis-os, named by AOS_REAL_PRAXIS_OS.
"""

import os
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.source.repository import Repository
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import Choice, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Tree, unescape
from aos_upgrade_plugin.phases.source import take
from tests.effects.repositories import Item, git
from tests.effects.repositories import Tree as Contents
from tests.phases.products import apply, lay_down, plan, prepared, put

pytestmark = pytest.mark.real

CLONE = Path(os.environ.get("AOS_REAL_PRAXIS_OS", "/nowhere"))
MISSING = "AOS_REAL_PRAXIS_OS names no clone of honeyhiveai/praxis-os"
# From, to, and how many files are new, updated and removed where the installer puts them. Under
# universal/ five more came with 45421f3 and went with 395aab3; no installer ever copied them.
PAIRS = [
    ("ced34ea", "d07d0d6", (28, 2, 0)),
    ("d07d0d6", "45421f3", (8, 4, 1)),
    ("845a154", "45421f3", (5, 1, 0)),
    ("45421f3", "395aab3", (4, 49, 1)),
    ("99a7137", "b70784d", (5, 11, 5)),
]
COUNTED = (Relation.NEW, Relation.UPDATED, Relation.REMOVED_UPSTREAM)


@pytest.fixture(autouse=True)
def _clone() -> None:
    if not (CLONE / ".git").exists():
        pytest.skip(MISSING)


@cache
def _contents(commit: str) -> Contents:
    """Read what the installer would copy from a commit."""
    repository = Repository(CLONE)
    tree = repository.tree(repository.commit(commit))
    copied = ("universal/", "mcp_server/", "scripts/")
    with repository.blobs() as read:
        return {
            unescape(path): Item(read(each.oid), each.mode)
            for path, each in tree.items()
            if path.startswith(copied)
        }


def project_with(root: Path, commit: str) -> Path:
    """Make a project under git with a fresh installation of a commit."""
    project = root / "project"
    project.mkdir()
    git(project, "init", "-q")
    lay_down(_contents(commit), project, folder=take(CLONE, commit).layout.folder)
    return project


def _install(project: Path) -> Path:
    (install,) = (path for path in project.iterdir() if path.name in {".agent-os", ".praxis-os"})
    return install


def _tree(project: Path) -> Tree:
    return files.read_tree(project, enter=lambda path: not path.startswith(".git/"))


def _commits() -> list[str]:
    if not (CLONE / ".git").exists():
        return []
    return git(CLONE, "rev-list", "--reverse", "--abbrev-commit", "HEAD").split()


def _counts(upgrade: UpgradePlan) -> tuple[int, ...]:
    """Count what came, changed and went; a rename is one that came and one that went."""
    moved = upgrade.counts.get(Relation.MOVED, 0)
    new, updated, removed = (upgrade.counts.get(relation, 0) for relation in COUNTED)
    return new + moved, updated, removed + moved


@pytest.mark.parametrize("commit", _commits())
def test_a_fresh_install_of_any_commit_has_nothing_to_do(tmp_path: Path, commit: str) -> None:
    """The same version again is no operation at all, and the version is recognised."""
    project = project_with(tmp_path, commit)
    before = _tree(project)
    upgrade = plan(project, CLONE, commit)
    assert upgrade.nothing_to_do
    assert (upgrade.changes, upgrade.kept) == ((), ())
    assert upgrade.origin.commit is not None
    assert _same_install(upgrade.origin.commit, commit)
    assert _tree(project) == before


def _same_install(one: str, other: str) -> bool:
    """Say whether two commits install the same, byte for byte."""
    named = (dict(_contents(commit)) for commit in (one, other))
    left, right = ({k: v for k, v in each.items() if _is_installed(k)} for each in named)
    return left == right


def _is_installed(path: bytes | str) -> bool:
    hidden = (b"/.cursor/", b"/.agent-os/", b"universal/ai-assistant/", b"universal/.")
    raw = path if isinstance(path, bytes) else path.encode()
    return not any(each in raw for each in hidden) and not raw.startswith(b"universal/templates")


@pytest.mark.parametrize(("old", "new", "expected"), PAIRS)
def test_everything_arrives(tmp_path: Path, old: str, new: str, expected: tuple[int, ...]) -> None:
    """Without a single question, and as a fresh installation would have it; then taken back."""
    project = project_with(tmp_path, old)
    install = _install(project)
    before = _tree(project)
    upgrade = plan(project, CLONE, new)
    assert upgrade.conflicts == ()
    assert _counts(upgrade) == expected
    assert _same_install(upgrade.origin.commit or "", old)
    transaction = prepared(upgrade, install)
    transaction.apply()
    transaction.undo()
    assert _tree(project) == before
    apply(upgrade, install)
    fresh = lay_down(_contents(new), tmp_path / "fresh")
    for part in ("standards", "usage", "workflows"):
        assert _parts(install / part) == _parts(fresh / part)
    assert plan(project, CLONE, new).nothing_to_do


def _parts(folder: Path) -> Tree:
    return files.read_tree(folder) if folder.is_dir() else {}


def test_skipping_a_version_and_not_skipping_it_end_alike(tmp_path: Path) -> None:
    """From the first release to the third, directly and by way of the second."""
    install = _install(project_with(tmp_path, "ced34ea"))
    project = install.parent
    for new in ("d07d0d6", "45421f3"):
        upgrade = plan(project, CLONE, new)
        assert upgrade.conflicts == ()
        apply(upgrade, install)
    direct = tmp_path / "direct"
    direct.mkdir()
    other = _install(project_with(direct, "ced34ea"))
    apply(plan(other.parent, CLONE, "45421f3"), other)
    for part in ("standards", "usage", "workflows"):
        assert _parts(install / part) == _parts(other / part)


MINE = {
    "standards/development/house-rules.md": b"# Ours\n",
    "standards/universal/testing/our-fixtures.md": b"# Ours\n",
    "workflows/spec_creation_v1/our-notes.md": b"# Ours\n",
    "workflows/our_release_v1/metadata.json": b'{"workflow_type": "our_release_v1"}\n',
    "specs/2025-11-01-ours/README.md": b"# Ours\n",
    "config.json": b'{"rag": {"standards_path": ".agent-os/standards"}}\n',
    "mcp_server/our_patch.py": b"PATCH = True\n",
}


@pytest.mark.parametrize(("old", "new", "expected"), PAIRS)
def test_the_users_work_survives(
    tmp_path: Path, old: str, new: str, expected: tuple[int, ...]
) -> None:
    """Files in the product's folders, edits upstream did not meet, and edits it did meet."""
    project = project_with(tmp_path, old)
    install = _install(project)
    for path, content in MINE.items():
        put(install, path, content)
    met, unmet = edit_product(project, new)
    asked = plan(project, CLONE, new)
    assert {conflict.path for conflict in asked.undecided} == met
    assert {kept.path for kept in asked.kept} == unmet
    assert _same_install(asked.origin.commit or "", old)
    edited = {path: (install / path).read_bytes() for path in met | unmet}
    upgrade = plan(project, CLONE, new, on_conflict=OnConflict.KEEP)
    touched = {one.change.path for one in upgrade.changes}
    assert not touched & {*MINE, *edited}
    assert sum(_counts(upgrade)) == sum(expected) - len(met)
    apply(upgrade, install)
    for path, content in {**MINE, **edited}.items():
        assert (install / path).read_bytes() == content
    assert plan(project, CLONE, new).nothing_to_do


def edit_product(project: Path, new: str) -> tuple[set[str], set[str]]:
    """Edit two files that upstream changes and two that it does not; return which."""
    install = _install(project)
    changed = [
        one.change.path
        for one in plan(project, CLONE, new).changes
        if one.relation in {Relation.UPDATED, Relation.REMOVED_UPSTREAM}
        and one.change.path.endswith(".md")
    ]
    met = set(changed[:2])
    calm = [
        f"{part}/{path}"
        for part in ("standards/universal", "workflows")
        for path in sorted(_parts(install / part))
        if path.endswith(".md")
    ]
    unmet = set([path for path in calm if path not in {*changed, *MINE}][:2])
    for path in met | unmet:
        with (install / path).open("ab") as file:
            file.write(b"\nWe also do this.\n")
    return met, unmet


def _far_pairs() -> list[tuple[str, str]]:
    """Return pairs of commits from all over the history, forwards and back."""
    commits = _commits()
    return [
        (one, other)
        for place, one in enumerate(commits)
        for far, other in enumerate(commits)
        if (place * 13 + far * 7) % 47 == 0 and place != far
    ]


@pytest.mark.parametrize(("old", "new"), _far_pairs())
def test_any_pair_of_one_generation(tmp_path: Path, old: str, new: str) -> None:
    """Also backwards: nothing is asked, all arrives, and then there is nothing to do."""
    if take(CLONE, old).layout != take(CLONE, new).layout:
        pytest.skip("another generation: that is a migration")
    project = project_with(tmp_path, old)
    upgrade = plan(project, CLONE, new)
    assert upgrade.conflicts == ()
    if upgrade.changes:
        apply(upgrade, _install(project))
    fresh = lay_down(_contents(new), tmp_path / "fresh")
    installed: Mapping[str, Path] = {"new": _install(project), "fresh": fresh}
    for part in ("standards/universal", "workflows"):
        left, right = (_parts(root / part) for root in installed.values())
        assert left == right
    assert plan(project, CLONE, new).nothing_to_do
    shutil.rmtree(project)


@pytest.mark.parametrize(
    ("old", "new", "clean"), [("845a154", "45421f3", 1), ("45421f3", "395aab3", 39)]
)
def test_edits_are_merged_as_git_merges_them(
    tmp_path: Path, old: str, new: str, clean: int
) -> None:
    """A line of the user's at the end of every text that upstream changes, too."""
    project = project_with(tmp_path, old)
    install = _install(project)
    changed = {
        one.change.path: one.blob or ""
        for one in plan(project, CLONE, new).changes
        if one.relation is Relation.UPDATED and one.change.path.endswith(".md")
    }
    for path in changed:
        with (install / path).open("ab") as file:
            file.write(b"\n<!-- our team -->\n")
    upgrade = plan(project, CLONE, new, on_conflict=OnConflict.MERGE)
    merged = {one.path for one in upgrade.conflicts if one.choice is Choice.MERGE}
    assert {*changed} - merged == {one.path for one in upgrade.undecided}
    assert len(merged) == clean
    apply(upgrade, install)
    with Repository(CLONE).blobs() as read:
        for path in merged:
            text = (install / path).read_bytes()
            assert text.endswith(b"\n<!-- our team -->\n")
            assert {*read(changed[path]).splitlines()} <= {*text.splitlines()}
