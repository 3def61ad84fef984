"""From an installation and a source to a plan that can be applied, undone and made again."""

import os
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.content.staleness import stale
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.errors import DiskError, RefusedError, StaleError
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.plan import RECORD, Choice, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.plan_diff import diffs
from aos_upgrade_plugin.phases.planning import read_installation, read_papers_of
from tests.effects.repositories import NO_TEXT, Item, build, extend, git
from tests.phases.products import apply, lay_down, plan, prepared, product, put

ODD = b"standards/a b\n" + NO_TEXT + b".md"
OLD = product(
    {
        "standards/stays.md": b"stays\n",
        "standards/changes.md": b"one\ntwo\nthree\n",
        "standards/goes.md": b"goes\n",
        "standards/deep/only/one.md": b"one\n",
        "standards/empty.md": b"",
        "workflows/a_v1/metadata.json": b"{}\n",
        "workflows/a_v1/run.sh": b"#!/bin/sh\n",
        "usage/link.md": Item(b"../standards/universal/stays.md", "120000"),
        "usage/becomes-folder": b"file\n",
        "usage/becomes-file/a.md": b"a\n",
        ODD: b"odd\n",
    },
    version="1.0.0",
)
NEW = product(
    {
        "standards/stays.md": b"stays\n",
        "standards/changes.md": b"one\ntwo\nthree\nfour\n",
        "standards/comes/new.md": b"new\n",
        "standards/empty.md": b"",
        "workflows/a_v1/metadata.json": b"{}\n",
        "workflows/a_v1/run.sh": Item(b"#!/bin/sh\n", "100755"),
        "usage/link.md": Item(b"../standards/universal/changes.md", "120000"),
        "usage/becomes-folder/a.md": b"a\n",
        "usage/becomes-file": b"file\n",
        ODD: b"odder\n",
    },
    version="1.1.0",
)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source with two releases, tagged ``old`` and ``new``."""
    names = build(tmp_path / "source", OLD, NEW)
    for name, commit in zip(("old", "new"), names, strict=True):
        git(tmp_path / "source", "tag", name, commit)
    return tmp_path / "source"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project under git with the old release in it."""
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    (project / ".gitignore").write_bytes(b"*.pyc\n!keep.pyc")
    lay_down(OLD, project)
    return project


def _tree(project: Path) -> Tree:
    return files.read_tree(project, enter=lambda path: path not in {".git", ".agent-os/.upgrades"})


def _relations(upgrade: UpgradePlan) -> dict[str, Relation | None]:
    return {one.change.path: one.relation for one in upgrade.changes}


def test_a_fresh_install_has_nothing_to_do(source: Path, project: Path) -> None:
    """The first test of any upgrade tool: the same version again is no operation at all."""
    before = _tree(project)
    upgrade = plan(project, source, "old")
    assert upgrade.nothing_to_do
    assert (upgrade.changes, upgrade.conflicts, upgrade.record) == ((), (), None)
    assert _tree(project) == before


def test_everything_that_changed_upstream_arrives(source: Path, project: Path) -> None:
    """New, updated, removed, modes, links, files that become folders and back, odd names."""
    upgrade = plan(project, source)
    apply(upgrade, project / ".agent-os")
    install = project / ".agent-os"
    expected = lay_down(NEW, project / "expected")
    for part in ("standards/universal", "usage", "workflows"):
        assert files.read_tree(install / part) == files.read_tree(expected / part)
    assert upgrade.origin.known_by == "history"
    assert upgrade.origin.commit == git(source, "rev-parse", "old").strip()
    assert (upgrade.origin.version, upgrade.source.version) == ("1.0.0", "1.1.0")


def test_it_is_taken_back_byte_for_byte(source: Path, project: Path) -> None:
    """With what is written about it: version, log, summary, .gitignore, the record."""
    before = _tree(project)
    transaction = prepared(plan(project, source), project / ".agent-os")
    transaction.apply()
    assert _tree(project) != before
    transaction.undo()
    assert _tree(project) == before
    assert not (project / ".agent-os" / ".upgrades").exists()


def test_the_second_time_there_is_nothing_to_do(source: Path, project: Path) -> None:
    """What was laid down is recorded, so the history is not even asked."""
    apply(plan(project, source), project / ".agent-os")
    again = plan(project, source)
    assert again.nothing_to_do
    assert again.origin.known_by == "record"
    assert again.origin.commit == git(source, "rev-parse", "new").strip()


def test_the_users_work_survives(source: Path, project: Path) -> None:
    """Edits, files in the product's folders, removals, configuration: none is asked about."""
    install = project / ".agent-os"
    mine = {
        "standards/universal/stays.md": b"mine\n",
        "standards/universal/deep/only/mine.md": b"mine\n",
        "workflows/mine_v1/metadata.json": b"{}\n",
        "specs/mine.md": b"mine\n",
        "config.json": b"{}\n",
    }
    for path, content in mine.items():
        put(install, path, content)
    (install / "standards/universal/empty.md").unlink()
    upgrade = plan(project, source)
    assert upgrade.conflicts == ()
    assert not {*mine} & {*_relations(upgrade)}
    assert {kept.path: kept.relation for kept in upgrade.kept} == {
        "standards/universal/stays.md": Relation.EDITED_LOCALLY,
        "standards/universal/empty.md": Relation.REMOVED_LOCALLY,
    }
    apply(upgrade, install)
    for path, content in mine.items():
        assert (install / path).read_bytes() == content
    assert not (install / "standards/universal/empty.md").exists()
    assert plan(project, source).nothing_to_do


@pytest.mark.parametrize(
    ("on_conflict", "left"), [(OnConflict.KEEP, b"mine\n"), (OnConflict.TAKE, b"theirs\n")]
)
def test_a_conflict_is_asked_about_once(
    source: Path, project: Path, on_conflict: OnConflict, left: bytes
) -> None:
    """Undecided it changes nothing; decided it is not asked again."""
    install = project / ".agent-os"
    edited = install / "standards/universal/changes.md"
    edited.write_bytes(b"mine\n")
    upgrade = plan(project, source)
    (conflict,) = upgrade.undecided
    assert (conflict.path, conflict.relation) == (
        "standards/universal/changes.md",
        Relation.EDIT_EDIT,
    )
    assert conflict.path not in _relations(upgrade)
    decided = plan(project, source, on_conflict=on_conflict)
    assert decided.undecided == ()
    assert [one.choice for one in decided.conflicts] == [Choice(on_conflict)]
    apply(decided, install)
    assert edited.read_bytes() == (left if on_conflict is OnConflict.KEEP else _new("changes.md"))
    assert plan(project, source).nothing_to_do


def _new(name: str) -> bytes:
    content = NEW[b"universal/standards/" + name.encode()]
    assert isinstance(content, bytes)
    return content


def test_skipped_versions_need_no_step_between(source: Path, project: Path) -> None:
    """From the first release to the third, with an edit of a file that the second changed."""
    third = {**NEW, "universal/standards/stays.md": b"third\n"}
    extend(source, third)
    put(project / ".agent-os", "standards/universal/stays.md", b"mine\n")
    upgrade = plan(project, source)
    assert [conflict.path for conflict in upgrade.conflicts] == ["standards/universal/stays.md"]
    assert upgrade.counts[Relation.UPDATED] == 3


def test_converted_line_ends_are_no_edit(source: Path, project: Path) -> None:
    """An installation copied from a Windows checkout is untouched, and can be upgraded."""
    install = project / ".agent-os"
    changes = install / "standards/universal/changes.md"
    changes.write_bytes(changes.read_bytes().replace(b"\n", b"\r\n"))
    assert plan(project, source, "old").nothing_to_do
    upgrade = plan(project, source)
    assert _relations(upgrade)["standards/universal/changes.md"] is Relation.UPDATED
    assert upgrade.conflicts == ()


def test_an_outdated_record_is_not_believed(source: Path, project: Path) -> None:
    """Somebody upgraded by hand since: history knows, and nothing is called an edit."""
    install = project / ".agent-os"
    apply(plan(project, source), install)
    extend(source, {**NEW, "universal/standards/stays.md": b"third\n"})
    lay_down({**NEW, "universal/standards/stays.md": b"third\n"}, project)
    put(install, "standards/universal/comes/new.md", b"mine\n")
    upgrade = plan(project, source)
    assert upgrade.origin.known_by == "history"
    assert upgrade.conflicts == ()
    assert [kept.path for kept in upgrade.kept] == ["standards/universal/comes/new.md"]


def test_what_cannot_be_recovered_is_said_and_is_the_users(source: Path, project: Path) -> None:
    """A file where a later release has one, of an installation that nobody recorded."""
    install = project / ".agent-os"
    put(install, "standards/universal/comes/new.md", b"mine\n")
    put(install, "standards/universal/comes/mine.md", b"mine\n")
    upgrade = plan(project, source, on_conflict=OnConflict.KEEP)
    assert upgrade.unrecovered == ("standards/universal/comes/new.md",)
    (note,) = upgrade.notes
    assert note.endswith("treated as yours: standards/universal/comes/new.md")
    apply(upgrade, install)
    assert (install / "standards/universal/comes/new.md").read_bytes() == b"mine\n"
    assert plan(project, source).unrecovered == ()


def test_a_user_who_went_back_to_an_older_text_keeps_it(source: Path, project: Path) -> None:
    """The record knows that something newer was laid down there: it is an edit like any."""
    install = project / ".agent-os"
    apply(plan(project, source), install)
    put(install, "standards/universal/changes.md", b"one\ntwo\nthree\n")
    upgrade = plan(project, source)
    assert upgrade.nothing_to_do
    assert [kept.path for kept in upgrade.kept] == ["standards/universal/changes.md"]


def test_a_damaged_record_is_replaced_by_history(source: Path, project: Path) -> None:
    """The plan says so, goes on, and writes a good one over it."""
    install = project / ".agent-os"
    put(install, RECORD, b"{")
    upgrade = plan(project, source)
    assert upgrade.origin.known_by == "history"
    assert "cannot be read" in upgrade.notes[0]
    apply(upgrade, install)
    assert plan(project, source).origin.known_by == "record"


def test_what_is_written_about_the_upgrade(source: Path, project: Path) -> None:
    """The version, a line in the log, a section in the summary, and lines to ignore."""
    install = project / ".agent-os"
    put(install, "UPDATE_LOG.txt", b"theirs\r\n")
    apply(plan(project, source), install)
    assert b"Current Version: 1.1.0\n" in (install / "VERSION.txt").read_bytes()
    log = (install / "UPDATE_LOG.txt").read_bytes()
    assert log.startswith(b"theirs\r\n2025-11-21 12:00:00Z | ")
    assert (
        b"## Upgrade of 2025-11-21 12:00:00Z" in (install / "INSTALLATION_SUMMARY.md").read_bytes()
    )
    ignored = (project / ".gitignore").read_bytes()
    assert ignored.startswith(b"*.pyc\n!keep.pyc\n")
    assert b"\n.agent-os/.upgrades\n" in ignored


def test_a_project_without_git_gets_no_ignore_file(source: Path, tmp_path: Path) -> None:
    """There is nobody to read it."""
    lay_down(OLD, tmp_path / "plain")
    upgrade = plan(tmp_path / "plain", source)
    assert Place.PROJECT not in {one.change.place for one in upgrade.changes}


def test_an_installation_behind_a_link_keeps_to_itself(
    source: Path, project: Path, tmp_path: Path
) -> None:
    """The project that shows it is not the folder that holds it: nothing there is written."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (project / ".agent-os").rename(elsewhere / ".agent-os")
    (project / ".agent-os").symlink_to(elsewhere / ".agent-os")
    upgrade = plan(project, source)
    assert Place.PROJECT not in {one.change.place for one in upgrade.changes}
    assert upgrade.changes


def test_a_plan_is_stored_and_read_again(source: Path, project: Path) -> None:
    """The very same plan, with names that are not UTF-8."""
    upgrade = plan(project, source)
    assert UpgradePlan.model_validate_json(upgrade.model_dump_json()) == upgrade


def test_a_plan_for_a_tree_that_moved_is_stale(source: Path, project: Path) -> None:
    """An edit, a new file, a line in .gitignore: each is named; caches are not looked at."""
    upgrade = plan(project, source)
    installation = find(project)
    put(project, ".agent-os/standards/universal/stays.md", b"edited\n")
    put(project, ".agent-os/specs/new.md", b"new\n")
    put(project, ".agent-os/.cache/index", b"derived\n")
    put(project, ".gitignore", b"other\n")
    papers = read_papers_of(installation)[Place.PROJECT]
    moved = stale(
        upgrade,
        target=read_installation(installation).tree,
        project={path: paper.entry for path, paper in papers.items()},
        commit=upgrade.source.commit,
    )
    assert [str(each) for each in moved] == [
        "added: specs",
        "added: specs/new.md",
        "content: standards/universal/stays.md",
        "content: .gitignore",
    ]


def test_a_save_after_the_plan_is_never_overwritten(source: Path, project: Path) -> None:
    """Even unasked, the transaction stops at it, names it and takes the rest back."""
    upgrade = plan(project, source)
    put(project, ".agent-os/standards/universal/changes.md", b"edited\n")
    before = _tree(project)
    transaction = prepared(upgrade, project / ".agent-os")
    with pytest.raises(StaleError, match=r"changes\.md"):
        transaction.apply()
    transaction.undo()
    assert _tree(project) == before


def test_the_plan_as_a_diff(source: Path, project: Path) -> None:
    """Each file that changes is in it, and nothing that is not printable."""
    upgrade = plan(project, source)
    shown = list(diffs(upgrade, find(project)))
    text = "".join(shown)
    assert "--- a/standards/universal/changes.md\n" in text
    assert "+four\n" in text
    assert "mode 0644 becomes 0755\n" in text
    assert "link -> ../standards/universal/stays.md becomes link -> " in text
    assert "diff ../.gitignore\n" in text
    assert RECORD not in text
    assert text.replace("\n", "").isprintable()


# ---- what cannot be planned ------------------------------------------------------------------


def test_a_shallow_source_says_what_that_costs(source: Path, project: Path, tmp_path: Path) -> None:
    """The old release is not in its history: what differs is treated as the user's."""
    git(tmp_path, "clone", "-q", "--depth=1", source.as_uri(), "shallow")
    upgrade = plan(project, tmp_path / "shallow")
    assert "fetch --unshallow" in upgrade.notes[0]
    conflicts = {conflict.path: conflict.relation for conflict in upgrade.undecided}
    assert conflicts["standards/universal/changes.md"] is Relation.ADD_ADD
    assert "standards/universal/goes.md" not in {one.change.path for one in upgrade.changes}
    assert plan(project, _complete(tmp_path / "shallow")).conflicts == ()


def _complete(clone: Path) -> Path:
    git(clone, "fetch", "-q", "--unshallow")
    return clone


def test_a_submodule_in_the_content_is_refused(source: Path, project: Path) -> None:
    """Its files are not in the source, so they could only be missing."""
    extend(source, {**NEW, "universal/standards/other": Item(b"1" * 40, "160000")})
    with pytest.raises(RefusedError, match="universal/standards/other in the source are submod"):
        plan(project, source)


def test_a_pointer_instead_of_content_is_noted(source: Path, project: Path) -> None:
    """Git LFS keeps the content elsewhere; the plan says what would be laid down."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    extend(source, {**NEW, "universal/standards/big.bin": pointer})
    assert "standards/universal/big.bin" in plan(project, source).notes[0]


def test_another_generation_is_refused(source: Path, project: Path) -> None:
    """What the source installs goes by another name; that needs more than new files."""
    moved = {path: item for path, item in NEW.items() if path != ".agent-os/README.md"}
    extend(source, {**moved, ".praxis-os/README.md": b"signs\n"})
    with pytest.raises(RefusedError, match=r"installs \.praxis-os, and this is \.agent-os"):
        plan(project, source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_cannot_be_read_stops_the_plan(source: Path, project: Path) -> None:
    """An unreadable file might be an edit; nobody guesses."""
    (project / ".agent-os/standards/universal/stays.md").chmod(0)
    with pytest.raises(DiskError, match=r"stays\.md"):
        plan(project, source)


def test_a_plan_is_applied_from_any_working_directory(
    source: Path, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names its source from the root, also where that was named from somewhere else."""
    strange = os.fsencode(source.parent) + b"/so\\urce " + NO_TEXT
    os.rename(source, strange)
    monkeypatch.chdir(source.parent)
    upgrade = plan(project, Path(os.fsdecode(strange)).relative_to(source.parent))
    stored = UpgradePlan.model_validate_json(upgrade.model_dump_json())
    monkeypatch.chdir(project)
    apply(stored, project / ".agent-os")
    assert (project / ".agent-os/standards/universal/comes/new.md").is_file()


def test_a_record_in_other_names_is_not_believed(
    source: Path, project: Path, tmp_path: Path
) -> None:
    """The same product in a repository that names contents by SHA-256: its history is asked."""
    apply(plan(project, source), project / ".agent-os")
    build(tmp_path / "sha256", OLD, NEW, object_format="sha256")
    again = plan(project, tmp_path / "sha256")
    assert again.origin.known_by == "history"
    assert again.nothing_to_do


def test_an_installation_of_something_else_is_nobodys_base(source: Path, tmp_path: Path) -> None:
    """No file of it was ever in the source: what differs is the user's, and asked about."""
    strange = tmp_path / "strange"
    lay_down(product({"standards/changes.md": b"else\n"}), strange)
    (strange / ".agent-os/mcp_server/__main__.py").write_text("else\n")
    upgrade = plan(strange, source)
    assert upgrade.origin.known_by == "nothing"
    assert [conflict.relation for conflict in upgrade.undecided] == [Relation.ADD_ADD]


def test_what_is_no_file_is_refused_before_anything_changes(source: Path, project: Path) -> None:
    """What is written about an upgrade is never written through a link, and never left out."""
    install = project / ".agent-os"
    (install / "UPDATE_LOG.txt").symlink_to("elsewhere")
    (install / "VERSION.txt").unlink(missing_ok=True)
    (install / "VERSION.txt").mkdir()
    with pytest.raises(RefusedError, match=r"VERSION.txt, UPDATE_LOG.txt .* link") as refused:
        plan(project, source)
    assert "remove it" in refused.value.cure
