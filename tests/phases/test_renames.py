"""What git takes for renamed in a real source is followed in a real installation."""

from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.run.reporting import changes_report
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.plan_diff import diffs
from tests.effects.repositories import NO_TEXT, build, extend
from tests.phases.products import apply, lay_down, plan, prepared, product, put

_LINES = [b"line %d of a text that is long enough to be known again\n" % n for n in range(12)]
TEXT = b"".join(_LINES)
CHANGED = b"".join([*_LINES[:-1], b"the last one is new\n"])
OTHER = b"".join(b"something else, line %d\n" % n for n in range(9))
ODD = b"standards/odd/a b\n" + NO_TEXT + b".md"
OLD = product(
    {
        "standards/old/text.md": TEXT,
        "standards/old/other.md": OTHER,
        "standards/Case.md": b"case, and enough of it to be told from others\n",
        ODD: b"odd, and enough of it to be told from all others\n",
    }
)
NEW = product(
    {
        "standards/new/text.md": CHANGED,
        "standards/new/other.md": OTHER,
        "standards/CASE.md": b"case, and enough of it to be told from others\n",
        ODD + b".new": b"odd, and enough of it to be told from all others\n",
    },
    version="1.1.0",
)
PLACE = "standards/universal/"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source whose second release renamed everything."""
    build(tmp_path / "source", OLD, NEW)
    return tmp_path / "source"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the first release in it."""
    lay_down(OLD, tmp_path / "project")
    return tmp_path / "project"


def _renamed(upgrade: UpgradePlan) -> dict[str, str]:
    return {one.change.path: one.renamed_from for one in upgrade.changes if one.renamed_from}


def test_untouched_files_are_renamed_and_nothing_is_left(source: Path, project: Path) -> None:
    """As a fresh installation of the new release would have it, also with odd names."""
    upgrade = plan(project, source)
    assert upgrade.counts[Relation.MOVED] == 4
    assert _renamed(upgrade)[f"{PLACE}new/text.md"] == f"{PLACE}old/text.md"
    told = changes_report(upgrade).paths
    assert {each: len(paths) for each, paths in told.items()} == {
        "moved": 4,
        "folders": 2,
        "written": 4,
    }
    apply(upgrade, project / ".agent-os")
    fresh = lay_down(NEW, project / "fresh")
    assert files.read_tree(project / ".agent-os" / PLACE) == files.read_tree(fresh / PLACE)
    assert plan(project, source).nothing_to_do


def test_an_edit_goes_along_and_comes_back(source: Path, project: Path) -> None:
    """The edited file is at its new place, and taken back it is where it was."""
    install = project / ".agent-os"
    put(install, f"{PLACE}old/other.md", OTHER + b"and mine\n")
    before = files.read_tree(install)
    upgrade = plan(project, source)
    assert upgrade.conflicts == ()
    transaction = prepared(upgrade, install)
    transaction.apply()
    assert (install / PLACE / "new/other.md").read_bytes() == OTHER + b"and mine\n"
    assert not (install / PLACE / "old").exists()
    transaction.undo()
    assert files.read_tree(install) == before
    apply(upgrade, install)
    again = plan(project, source)
    assert again.nothing_to_do
    assert [kept.path for kept in again.kept] == [f"{PLACE}new/other.md"]


@pytest.mark.parametrize(
    ("on_conflict", "left"),
    [
        (OnConflict.KEEP, b"mine\n" + TEXT),
        (OnConflict.TAKE, CHANGED),
        (OnConflict.MERGE, b"mine\n" + CHANGED),
    ],
)
def test_a_conflict_at_a_new_name_is_asked_about_once(
    source: Path, project: Path, on_conflict: OnConflict, left: bytes
) -> None:
    """Both sides changed it: kept, taken or merged, it is at the new place, and that was all."""
    install = project / ".agent-os"
    put(install, f"{PLACE}old/text.md", b"mine\n" + TEXT)
    (conflict,) = plan(project, source).undecided
    assert (conflict.path, conflict.renamed_from) == (
        f"{PLACE}new/text.md",
        f"{PLACE}old/text.md",
    )
    apply(plan(project, source, on_conflict=on_conflict), install)
    assert (install / PLACE / "new/text.md").read_bytes() == left
    assert not (install / PLACE / "old").exists()
    assert plan(project, source).nothing_to_do


def test_names_are_followed_through_skipped_versions(tmp_path: Path) -> None:
    """A text that changed in every release is no rename from end to end, but is step by step."""
    texts = [b"".join(_LINES[number * 2 : number * 2 + 6]) for number in range(4)]
    releases = [
        product({f"standards/{number}.md": text, "standards/other.md": OTHER})
        for number, text in enumerate(texts)
    ]
    source, project = tmp_path / "source", tmp_path / "project"
    build(source, *releases)
    lay_down(releases[0], project)
    assert _renamed(plan(project, source)) == {f"{PLACE}3.md": f"{PLACE}0.md"}
    put(project / ".agent-os", f"{PLACE}0.md", b"mine\n")
    (conflict,) = plan(project, source).undecided
    assert (conflict.path, conflict.renamed_from) == (f"{PLACE}3.md", f"{PLACE}0.md")


def test_what_is_not_delivered_is_no_place_to_go(tmp_path: Path) -> None:
    """Upstream moved a file out of what is installed: here it is removed."""
    source, project = tmp_path / "source", tmp_path / "project"
    build(source, OLD)
    extend(source, {**product({"standards/rest.md": b"rest\n"}), "attic/text.md": TEXT})
    lay_down(OLD, project)
    put(project / ".agent-os", f"{PLACE}old/text.md", TEXT + b"mine\n")
    upgrade = plan(project, source)
    assert _renamed(upgrade) == {}
    assert [one.relation for one in upgrade.undecided] == [Relation.EDIT_DELETE]


def test_the_diff_says_where_it_was(source: Path, project: Path) -> None:
    """One piece for each renamed file, with no more in it than what changed."""
    shown = "".join(diffs(plan(project, source), find(project)))
    assert f"diff {PLACE}new/text.md\nrenamed from {PLACE}old/text.md\n" in shown
    assert "+the last one is new\n" in shown
    assert f"diff {PLACE}old/text.md" not in shown
