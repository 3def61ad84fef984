"""Migrations as part of a plan: with the content, and path by path."""

import hashlib

import pytest

from aos_upgrade_plugin.decide.content.content_plan import ContentFacts, plan_content
from aos_upgrade_plugin.decide.migration.migrating import Offered, choose, migrated, with_migrations
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import Migration, Operation
from aos_upgrade_plugin.models.plan import Options, Origin, Paper, PlanSource, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.tree import Entry, Kind, escape
from tests.decide.content.test_content_plan import COMMIT, NOW
from tests.decide.three_sides import Contents, apply, entry, laid, target, text, versions

IGNORE = b".agent-os/venv/\n"


def _entry(content: bytes, mode: int = 0o644) -> Entry:
    digest = hashlib.sha256(content).hexdigest()
    return Entry(kind=Kind.FILE, mode=mode, size_bytes=len(content), digest=digest)


def _facts(base: Contents, local: Contents, incoming: Contents) -> ContentFacts:
    return ContentFacts(
        parts=(Part.CONTENT,),
        layout=known()[0],
        source=PlanSource(path="/source", commit=COMMIT, version="2.0"),
        object_format="sha1",
        target=target(local),
        incoming={path: laid(content) for path, content in incoming.items()},
        base=versions(base),
        origin=Origin(known_by="nothing"),
        renames={},
        record=None,
        record_entry=None,
        papers={
            Place.INSTALL: {},
            Place.PROJECT: {
                ".gitignore": Paper(_entry(IGNORE), IGNORE),
                ".mcp.json": Paper(_entry(b"{}", 0o600), b"{}"),
            },
        },
    )


def _migration(*operations: Operation, needed: bool = False) -> Migration:
    return Migration(id="one", title="One", why="because", needed=needed, operations=operations)


def _plan(
    facts: ContentFacts, *operations: Operation, asked: str = "one", needed: bool = False
) -> UpgradePlan:
    migration = _migration(*operations, needed=needed)
    chosen = choose([Offered(migration, "acme 1")], asked=tuple(filter(None, [asked])))
    as_if = migrated(facts, chosen.made)
    options = Options(only=Scope.CONTENT, on_conflict=OnConflict.FAIL)
    plan = plan_content(as_if, options=options, created_at=NOW, tool="1")
    return with_migrations(plan, chosen, facts=facts, as_if=as_if)


def test_a_moved_file_leaves_its_folder_empty_and_finds_the_new_one() -> None:
    """With what upstream does to both folders: one list leads from one tree to the other."""
    facts = _facts({"usage/old/a": 1}, {"usage/old/a": 1, "usage/old/mine": 2}, {"usage/new/a": 1})
    plan = _plan(facts, Operation(path="usage/old/mine", to="usage/new/deep/mine"))
    changes = [one.change for one in plan.changes if one.change.path.startswith("usage")]
    after = apply(changes, facts.target)
    files = {path: each for path, each in after.items() if each.kind is Kind.FILE}
    assert files["usage/new/deep/mine"] == entry(2)
    assert "usage/old" not in after
    assert plan.target == facts.target.tree
    moved = {one.change.path: one.renamed_from for one in plan.changes if one.renamed_from}
    assert moved == {"usage/new/deep/mine": "usage/old/mine"}
    assert {one.migration for one in plan.changes if "mine" in one.change.path} == {"one"}


def test_nothing_upstream_is_no_reason_not_to_migrate() -> None:
    """What was asked for is done, and nothing is written about an upgrade that was none."""
    facts = _facts({"usage/a": 1}, {"usage/a": 1, "usage/mine": 2}, {"usage/a": 1})
    plan = _plan(facts, Operation(path="usage/mine", to="usage/b/mine"))
    assert {one.change.path for one in plan.changes} == {"usage/mine", "usage/b", "usage/b/mine"}
    assert plan.record is None
    assert not plan.nothing_to_do


def test_a_rewritten_file_keeps_its_mode() -> None:
    """Only the content is another; outside of the installation too."""
    facts = _facts({}, {"usage/mine": 2}, {})
    plan = _plan(
        facts,
        Operation(path="usage/mine", text=escape(text(3))),
        Operation(path=".mcp.json", place=Place.PROJECT, text=escape(b'{"a":\n1}\n')),
    )
    by_path = {one.change.path: one for one in plan.changes}
    assert by_path["usage/mine"].change.after == entry(3)
    assert by_path[".mcp.json"].change.after == _entry(b'{"a":\n1}\n', 0o600)
    assert by_path[".mcp.json"].text == escape(b'{"a":\n1}\n')
    assert {*plan.project} == {".gitignore", ".mcp.json"}


def test_what_is_written_about_the_upgrade_comes_on_top() -> None:
    """One change from what stands to both, with the whole text in it."""
    facts = _facts({"usage/a": 1}, {"usage/a": 1}, {"usage/a": 2})
    plan = _plan(facts, Operation(path=".gitignore", place=Place.PROJECT, text="mine\\x0a"))
    (one,) = (one for one in plan.changes if one.change.path == ".gitignore")
    assert one.change.before == _entry(IGNORE)
    assert one.text is not None
    assert one.text.startswith("mine\\x0a")
    assert ".agent-os/venv" in one.text
    assert [*plan.project] == [".gitignore"]


def test_what_cancels_out_is_no_change() -> None:
    """A file that moves to where upstream has just removed it: it goes, and nothing comes."""
    facts = _facts({"usage/new/a": 1}, {"usage/a": 1}, {})
    plan = _plan(facts, Operation(path="usage/a", to="usage/new/a"))
    files = [one.change for one in plan.changes if one.change.path in {"usage/a", "usage/new/a"}]
    assert [(one.path, one.after) for one in files] == [("usage/a", None)]


def test_files_outside_that_no_migration_names_are_not_in_the_plan() -> None:
    """So whatever happens to them meanwhile is nobody's business here."""
    plan = _plan(_facts({"usage/a": 1}, {"usage/a": 1}, {"usage/a": 2}), asked="")
    assert {*plan.project} == {".gitignore"}


@pytest.mark.parametrize(
    ("asked", "needed", "made", "unasked"),
    [
        pytest.param("one", True, True, False, id="needed-and-asked-for"),
        pytest.param("all", False, True, False, id="all-is-every-one"),
        pytest.param("", True, True, True, id="needed-and-not-asked-for"),
        pytest.param("", False, False, False, id="offered"),
        pytest.param("other", False, False, False, id="another-one-asked-for"),
    ],
)
def test_a_migration_is_asked_for(asked: str, needed: bool, made: bool, unasked: bool) -> None:
    """What is needed is planned and stops the run; what is offered is left out."""
    facts = _facts({}, {"usage/mine": 1}, {})
    plan = _plan(facts, Operation(path="usage/mine"), asked=asked, needed=needed)
    assert [one.change.path for one in plan.changes] == (["usage", "usage/mine"] if made else [])
    assert bool(plan.unasked) is unasked
    assert bool(plan.offered) is (not made)
    assert plan.nothing_to_do is (not made)
    assert [each.flag for each in plan.migrations] == ["--migrate one"]
    assert bool(plan.notes) is (asked == "other")


@pytest.mark.parametrize(
    ("operations", "why"),
    [
        pytest.param([Operation(path="usage/none")], "no file usage/none", id="not-there"),
        pytest.param([Operation(path="usage", text="")], "no file usage", id="a-folder"),
        pytest.param(
            [Operation(path="usage/mine", to="usage/a")], "usage/a is there already", id="taken"
        ),
        pytest.param(
            [Operation(path="usage/mine", to="usage/new")], "is there already, or comes", id="comes"
        ),
        pytest.param(
            [Operation(path="usage/mine"), Operation(path="usage/mine", text="")],
            "usage/mine is changed twice",
            id="twice",
        ),
        pytest.param(
            [Operation(path="usage/mine", to=".backups/mine")], "path by path", id="control-data"
        ),
        pytest.param(
            [Operation(path="main.py", place=Place.PROJECT, text="")], "no file main.py", id="any"
        ),
        pytest.param(
            [
                Operation(path="usage/mine", to="usage/x/y"),
                Operation(path="usage/a", to="usage/x"),
            ],
            "usage/x is a folder for something else",
            id="a-file-and-a-folder",
        ),
    ],
)
def test_an_operation_that_is_not_possible_is_refused(
    operations: list[Operation], why: str
) -> None:
    """Before anything is planned, with the name of the migration."""
    facts = _facts({}, {"usage/mine": 1, "usage/a": 1}, {"usage/new": 2})
    with pytest.raises(RefusedError, match=f"the migration one cannot be made: .*{why}"):
        _plan(facts, *operations)
