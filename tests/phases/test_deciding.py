"""Conflicts of real trees: merged by git, decided path by path, and both sides kept."""

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from aos_upgrade_plugin.decide.content.answering import as_answers
from aos_upgrade_plugin.decide.run.reporting import how_to_decide
from aos_upgrade_plugin.effects.answers_file import read_answers, write_answers
from aos_upgrade_plugin.errors import RefusedError, StaleError
from aos_upgrade_plugin.models.conflict import ConflictDecision, Decided, OpenConflict
from aos_upgrade_plugin.models.layout import Part, Root
from aos_upgrade_plugin.models.plan import Choice, Conflict, Options, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.phases.deciding import Said
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.plan_diff import diffs
from aos_upgrade_plugin.phases.planning import plan_upgrade
from aos_upgrade_plugin.phases.source import take
from tests.effects.repositories import Item, build, extend, git
from tests.phases.products import NOW, apply, lay_down, plan, product, put

LINES = b"".join(b"line %d\n" % number for number in range(9))
TOP = LINES.replace(b"line 0", b"the new line 0")
BOTTOM = LINES.replace(b"line 8", b"my line 8")
BOTH = TOP.replace(b"line 8", b"my line 8")
FOLDER = "standards/universal"
OLD = product(
    {
        "standards/clean.md": LINES,
        "standards/same-line.md": LINES,
        "standards/run.sh": LINES,
        "standards/picture.png": b"\0one",
        "standards/link": Item(b"clean.md", "120000"),
        "standards/removed.md": LINES,
        "standards/broken.json": b'{\n"a": 1,\n"b": 1\n}\n',
    }
)
NEW = product(
    {
        "standards/clean.md": TOP,
        "standards/same-line.md": TOP,
        "standards/run.sh": Item(TOP, "100755"),
        "standards/picture.png": b"\0two",
        "standards/link": Item(b"run.sh", "120000"),
        "standards/added.md": b"theirs\n",
        "standards/broken.json": b'{\n"a": 1\n}\n',
    },
    version="1.1.0",
)
MINE: Mapping[str, bytes | Item] = {
    "clean.md": BOTTOM,
    "same-line.md": LINES.replace(b"line 0", b"my line 0"),
    "run.sh": BOTTOM,
    "picture.png": b"\0mine",
    "link": Item(b"same-line.md", "120000"),
    "removed.md": BOTTOM,
    "added.md": b"mine\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a source with two releases."""
    build(tmp_path / "source", OLD, NEW)
    return tmp_path / "source"


@pytest.fixture
def install(tmp_path: Path, source: Path) -> Path:
    """Return an installation of the first release, edited wherever the second changes it."""
    del source
    install = lay_down(OLD, tmp_path / "project")
    for name, item in MINE.items():
        put(install, f"{FOLDER}/{name}", item)
    return install


def _by_name(upgrade: UpgradePlan) -> dict[str, Conflict]:
    return {conflict.path.removeprefix(f"{FOLDER}/"): conflict for conflict in upgrade.conflicts}


def test_what_git_merges_is_merged_and_the_rest_says_why_not(source: Path, install: Path) -> None:
    """Clean texts are merged, with their modes; nothing else is touched or guessed."""
    upgrade = plan(install.parent, source, on_conflict=OnConflict.MERGE)
    found = _by_name(upgrade)
    merged = {name for name, conflict in found.items() if conflict.choice is Choice.MERGE}
    assert merged == {"clean.md", "run.sh"}
    about = {name: " ".join(conflict.about) for name, conflict in found.items()}
    assert "in one place" in about["same-line.md"]
    assert "no text" in about["picture.png"]
    assert "no file" in about["link"]
    assert "both started from" in about["added.md"]
    assert found["removed.md"].relation is Relation.EDIT_DELETE
    assert {name for name, one in found.items() if one.choice is None} == set(found) - merged
    assert {conflict.decided_by for conflict in found.values()} == {None, "--on-conflict merge"}


def test_who_asked_for_merges_is_not_told_to_undo_them(source: Path, install: Path) -> None:
    """To keep or take all is offered only while nothing is merged: it would undo that."""
    before = how_to_decide(plan(install.parent, source))
    assert before.startswith("decide for all: --on-conflict keep, take or merge")
    after = how_to_decide(plan(install.parent, source, on_conflict=OnConflict.MERGE))
    assert "run --on-conflict merge --answers FILE" in after
    assert "decide for all" not in after
    assert how_to_decide(plan(install.parent, source, on_conflict=OnConflict.KEEP)) == ""


def test_a_merge_is_in_the_plan_with_both_digests_and_comes_true(
    source: Path, tmp_path: Path
) -> None:
    """What stands before and after is there to be read; then there is nothing left to do."""
    install = lay_down(OLD, tmp_path / "project")
    for name in ("clean.md", "run.sh"):
        put(install, f"{FOLDER}/{name}", BOTTOM)
    upgrade = plan(install.parent, source, on_conflict=OnConflict.MERGE)
    assert upgrade.undecided == ()
    (one,) = (each for each in upgrade.changes if each.change.path == f"{FOLDER}/run.sh")
    assert (one.choice, one.blob, one.relation) == (Choice.MERGE, None, Relation.EDIT_EDIT)
    assert one.change.before == upgrade.target[one.change.path]
    assert one.change.after is not None
    assert one.change.after.mode == 0o755
    assert "+the new line 0\n" in "".join(diffs(upgrade, find(install)))
    stored = UpgradePlan.model_validate_json(upgrade.model_dump_json())
    apply(stored, install)
    assert (install / FOLDER / "clean.md").read_bytes() == BOTH
    assert (install / FOLDER / "run.sh").read_bytes() == BOTH
    assert os.access(install / FOLDER / "run.sh", os.X_OK)
    again = plan(install.parent, source, on_conflict=OnConflict.MERGE)
    assert again.nothing_to_do
    assert [kept.relation for kept in again.kept] == [Relation.EDITED_LOCALLY] * 2


def test_a_text_from_a_windows_checkout_is_merged_and_stays_one(
    source: Path, install: Path
) -> None:
    """Its line ends are nobody's edit."""
    put(install, f"{FOLDER}/clean.md", BOTTOM.replace(b"\n", b"\r\n"))
    upgrade = plan(install.parent, source, on_conflict=OnConflict.MERGE)
    (one,) = (each for each in upgrade.changes if each.change.path == f"{FOLDER}/clean.md")
    assert one.text == BOTH.replace(b"\n", b"\r\n").decode().replace("\r", "\\x0d").replace(
        "\n", "\\x0a"
    )


def test_a_renamed_file_is_merged_at_its_new_place(source: Path, tmp_path: Path) -> None:
    """Both changes are there, nothing is left at the old place, and its permissions went along."""
    install = lay_down(OLD, tmp_path / "project")
    renamed = {path: item for path, item in NEW.items() if path != b"universal/standards/clean.md"}
    extend(source, {**renamed, "universal/standards/deep/clear.md": TOP})
    put(install, f"{FOLDER}/clean.md", BOTTOM)
    (install / FOLDER / "clean.md").chmod(0o600)
    upgrade = plan(install.parent, source, on_conflict=OnConflict.MERGE)
    (conflict,) = upgrade.conflicts
    assert (conflict.choice, conflict.renamed_from) == (Choice.MERGE, f"{FOLDER}/clean.md")
    apply(upgrade, install)
    arrived = install / FOLDER / "deep/clear.md"
    assert arrived.read_bytes() == BOTH
    assert arrived.stat().st_mode & 0o777 == 0o600
    assert not (install / FOLDER / "clean.md").exists()
    assert plan(install.parent, source).nothing_to_do


def test_what_was_laid_down_from_elsewhere_has_no_text_to_start_from(
    source: Path, install: Path, tmp_path: Path
) -> None:
    """The record names it, and this source never had it: it is asked about, and said."""
    build(tmp_path / "other", product({"standards/clean.md": b"other\n"}))
    project = tmp_path / "elsewhere"
    lay_down(product({"standards/clean.md": b"stands\n"}), project)
    apply(plan(project, tmp_path / "other", on_conflict=OnConflict.TAKE), project / ".agent-os")
    put(project / ".agent-os", f"{FOLDER}/clean.md", b"mine\n")
    upgrade = plan(project, source, on_conflict=OnConflict.MERGE)
    conflict = _by_name(upgrade)["clean.md"]
    assert (conflict.choice, conflict.sides.base) == (None, None)
    assert "both started from" in conflict.about[0]
    assert install.is_dir()


def test_answers_decide_each_path_and_can_be_used_again(
    source: Path, install: Path, tmp_path: Path
) -> None:
    """Written as a template, filled, read: every choice comes true, and once more elsewhere."""
    template, contents = as_answers(plan(install.parent, source))
    assert contents == {}
    wanted = {"clean.md": "merge", "same-line.md": "own", "removed.md": "take", "added.md": "keep"}
    filled = [
        answer.model_copy(
            update={"decision": Choice(wanted.get(Path(answer.path).name, "take"))}
        ).model_dump(mode="json")
        for answer in template.answers
    ]
    own = b"what both meant\n"
    for answer in filled:
        if answer["decision"] == "own":
            answer["content"] = {"file": "own.md", "sha256": hashlib.sha256(own).hexdigest()}
    (tmp_path / "own.md").write_bytes(own)
    (tmp_path / "answers.json").write_text(json.dumps({"schema_version": 1, "answers": filled}))
    said = Said(answers=read_answers(tmp_path / "answers.json"))
    upgrade = plan(install.parent, source, said=said)
    assert upgrade.undecided == ()
    write_answers(tmp_path / "saved.toml", *as_answers(upgrade))
    apply(upgrade, install)
    folder = install / FOLDER
    assert (folder / "clean.md").read_bytes() == BOTH
    assert (folder / "same-line.md").read_bytes() == own
    assert not (folder / "removed.md").exists()
    assert (folder / "added.md").read_bytes() == b"mine\n"
    assert os.readlink(folder / "link") == "run.sh"
    again = plan(install.parent, source, said=said)
    assert again.nothing_to_do
    assert "nobody asked for" in again.notes[-1]
    other = lay_down(OLD, tmp_path / "second")
    for name, item in MINE.items():
        put(other, f"{FOLDER}/{name}", item)
    saved = Said(answers=read_answers(tmp_path / "saved.toml"))
    apply(plan(other.parent, source, said=saved), other)
    assert (other / FOLDER / "same-line.md").read_bytes() == own


def test_an_answer_that_no_longer_fits_is_refused_with_its_path(
    source: Path, install: Path, tmp_path: Path
) -> None:
    """The user went on editing: what was decided was decided about something else."""
    upgrade = plan(install.parent, source, on_conflict=OnConflict.KEEP)
    write_answers(tmp_path / "answers.json", *as_answers(upgrade))
    put(install, f"{FOLDER}/clean.md", BOTTOM + b"more\n")
    said = Said(answers=read_answers(tmp_path / "answers.json"))
    with pytest.raises(StaleError, match=r"clean\.md \(yours moved\)"):
        plan(install.parent, source, said=said)


def test_plugins_come_before_whoever_is_asked_and_the_option_comes_last(
    source: Path, install: Path
) -> None:
    """The plan says whose each decision is; what was skipped stays open."""
    asked: list[str] = []

    def plugin(conflict: OpenConflict) -> Decided | None:
        if conflict.path.endswith("clean.md"):
            return Decided(ConflictDecision(choice=Choice.MERGE), "acme 1")
        return None

    def ask(conflicts: Sequence[OpenConflict]) -> dict[str, ConflictDecision]:
        asked.extend(conflict.path for conflict in conflicts)
        return {f"{FOLDER}/added.md": ConflictDecision(choice=Choice.KEEP)}

    said = Said(None, plugin, ask)
    found = _by_name(plan(install.parent, source, said=said, on_conflict=OnConflict.ASK))
    assert found["clean.md"].decided_by == "acme 1"
    assert found["added.md"].decided_by == "asked"
    assert found["run.sh"].choice is None
    assert f"{FOLDER}/clean.md" not in asked
    assert len(asked) == len(found) - 1
    found = _by_name(plan(install.parent, source, said=said, on_conflict=OnConflict.KEEP))
    assert found["clean.md"].choice is Choice.MERGE
    assert found["run.sh"].decided_by == "--on-conflict keep"


def test_a_plugin_that_asks_for_what_cannot_be_is_refused(source: Path, install: Path) -> None:
    """With the path and its distribution."""

    def plugin(conflict: OpenConflict) -> Decided | None:
        del conflict
        return Decided(ConflictDecision(choice=Choice.MERGE), "acme 1")

    with pytest.raises(RefusedError, match=r"added\.md cannot be decided by merge \(acme 1\)"):
        plan(install.parent, source, said=Said(None, plugin))


def test_a_file_that_is_in_the_way_can_be_kept_by_an_answer(source: Path, tmp_path: Path) -> None:
    """Also one that another answer brings about."""
    extend(source, {**NEW, "universal/standards/box/in.md": b"theirs\n"})
    install = lay_down(NEW, tmp_path / "project")
    put(install, f"{FOLDER}/box", b"mine\n")
    upgrade = plan(install.parent, source)
    template, _ = as_answers(upgrade)
    (answer,) = template.answers
    assert answer.choices == (Choice.KEEP,)
    kept = answer.model_copy(update={"decision": Choice.KEEP})
    write_answers(tmp_path / "a.json", template.model_copy(update={"answers": (kept,)}), {})
    decided = plan(install.parent, source, said=Said(read_answers(tmp_path / "a.json")))
    assert [(one.choice, one.decided_by) for one in decided.conflicts] == [(Choice.KEEP, "answers")]
    assert git(source, "status", "--porcelain") == ""


@pytest.mark.parametrize("mine", [b'{"a": 1}', b'{"a": 5}'])
def test_configuration_that_the_product_brings_is_merged_by_key(
    tmp_path: Path, mine: bytes
) -> None:
    """Also where the user changed nothing: new keys come, every value stays, and it is told."""
    config = "universal/config.json"
    build(
        tmp_path / "source",
        {**OLD, config: b'{"a": 1}\n'},
        {**NEW, config: b'{"a": 2, "b": {"c": 3}}\n'},
    )
    install = lay_down(OLD, tmp_path / "project")
    put(install, "config.json", mine)
    delivered = Root(source=config, install="config.json", part=Part.CONTENT)
    found = find(install.parent)
    layout = found.layout.model_copy(update={"roots": (*found.layout.roots, delivered)})

    def planned(on_conflict: OnConflict) -> UpgradePlan:
        return plan_upgrade(
            found._replace(layout=layout),
            take(tmp_path / "source")._replace(layout=layout),
            options=Options(only=Scope.CONTENT, on_conflict=on_conflict),
            created_at=NOW,
        )

    assert [one.choice for one in planned(OnConflict.FAIL).conflicts] == [None]
    upgrade = planned(OnConflict.MERGE)
    (conflict,) = upgrade.conflicts
    assert conflict.about == ("a: upstream has 2, yours stays", "b: arrives")
    apply(upgrade, install)
    assert (install / "config.json").read_bytes() == mine[:-1] + b', "b": {"c": 3}}'
    assert planned(OnConflict.FAIL).nothing_to_do
