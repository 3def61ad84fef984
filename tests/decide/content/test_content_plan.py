"""The one decision: which paths are planned at all, and what is recorded."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from aos_upgrade_plugin.decide.content.content_plan import ContentFacts, plan_content
from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import (
    RECORD,
    BaseRecord,
    Laid,
    Options,
    Origin,
    Paper,
    PlanSource,
    UpgradePlan,
)
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.three_way import Relation
from tests.decide.three_sides import Contents, entry, laid, target, versions

AGENT_OS = known()[0]
NOW = datetime(2025, 11, 21, 12, tzinfo=UTC)
COMMIT = "2" * 40


def _plan(
    base: Contents,
    local: Contents,
    incoming: Contents,
    *,
    record: BaseRecord | None = None,
    followed: Mapping[str, str] | None = None,
) -> UpgradePlan:
    facts = ContentFacts(
        parts=(Part.CONTENT,),
        layout=AGENT_OS,
        source=PlanSource(path="/source", commit=COMMIT, version="2.0"),
        object_format="sha1",
        target=target(local),
        incoming={path: laid(content) for path, content in incoming.items()},
        base=versions(base),
        renames={},
        origin=Origin(known_by="nothing"),
        record=record,
        record_entry=None,
        papers={Place.INSTALL: {"VERSION.txt": Paper(None, b"")}, Place.PROJECT: {}},
        followed=followed or {},
    )
    options = Options(only=Scope.CONTENT, on_conflict=OnConflict.FAIL)
    return plan_content(facts, options=options, created_at=NOW, tool="1")


def _paths(plan: UpgradePlan) -> set[str]:
    return {one.change.path for one in plan.changes if one.relation is not None}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("specs/a.md", id="the-user's"),
        pytest.param("standards/development/a.md", id="the-user's-standard"),
        pytest.param("standards/universal/__pycache__/a.pyc", id="made-again"),
        pytest.param(".backups/a", id="ours"),
        pytest.param("venv/bin/python", id="the-environment"),
    ],
)
def test_some_paths_are_never_touched(path: str) -> None:
    """Whatever a source has there, or once had: it is neither brought nor removed nor recorded."""
    plan = _plan({path: 1}, {path: 1}, {path: 2, "standards/universal/a.md": 1})
    assert _paths(plan) == {"standards", "standards/universal", "standards/universal/a.md"} - {
        *plan.target
    }
    assert plan.conflicts == ()
    assert plan.record is not None
    assert [*plan.record.parts[Part.CONTENT].paths] == ["standards/universal/a.md"]
    assert _paths(_plan({path: 1}, {path: 1}, {})) == set()


def test_configuration_is_asked_about() -> None:
    """The layout says where it is; upstream's change of it waits for an answer."""
    plan = _plan({"config.json": 1}, {"config.json": 1}, {"config.json": 2})
    assert [conflict.relation for conflict in plan.undecided] == [Relation.CONFIG]
    assert _paths(plan) == set()


def test_nothing_is_written_where_upstream_stood_still() -> None:
    """Edits and removals of the user's are no reason for a line in any log."""
    base = {"usage/a": 1, "usage/b": 1, "usage/c": 1}
    plan = _plan(base, {"usage/a": 1, "usage/b": 2}, base)
    assert plan.nothing_to_do
    assert plan.changes == ()
    assert plan.counts == {
        Relation.UNCHANGED: 1,
        Relation.EDITED_LOCALLY: 1,
        Relation.REMOVED_LOCALLY: 1,
        Relation.LOCAL_ONLY: 0,
    }


def test_what_the_user_did_first_is_recorded_all_the_same() -> None:
    """Upstream caught up with the user: no file changes, but the base does."""
    plan = _plan({"usage/a": 1}, {"usage/a": 2}, {"usage/a": 2})
    assert {one.change.path for one in plan.changes} == {"VERSION.txt", RECORD}
    assert not plan.nothing_to_do


def test_the_record_holds_what_the_source_had() -> None:
    """Also where the user's own stays, so it is asked about once; other parts stay recorded."""
    server = Laid(commit="1" * 40, paths={"mcp_server/a.py": laid(1)})
    before = BaseRecord(recorded_at=NOW, parts={Part.SERVER: server})
    plan = _plan({"usage/a": 1}, {"usage/a": 2}, {"usage/a": 1, "usage/b": 1}, record=before)
    assert plan.record is not None
    assert plan.record.parts[Part.SERVER] == server
    content = plan.record.parts[Part.CONTENT]
    assert (content.commit, content.version) == (COMMIT, "2.0")
    assert content.paths == {"usage/a": laid(1), "usage/b": laid(1)}
    (change,) = (one.change for one in plan.changes if one.change.path == RECORD)
    assert change.after is not None
    assert change.after.size_bytes == len(plan.record.to_json())
    assert BaseRecord.model_validate_json(plan.record.to_json()) == plan.record


def test_what_the_workflows_of_sessions_are_called_stays_recorded() -> None:
    """Also where this upgrade renames nothing, or one of them a second time."""
    before = BaseRecord(recorded_at=NOW, parts={}, sessions={"one": "b_v1", "two": "new_v1"})
    old: Contents = {"usage/a": 1}
    new: Contents = {"usage/a": 2}
    kept = _plan(old, old, new, record=before).record
    renamed = _plan(old, old, new, record=before, followed={"one": "c_v1"}).record
    assert kept is not None
    assert renamed is not None
    assert kept.sessions == before.sessions
    assert renamed.sessions == {"one": "c_v1", "two": "new_v1"}


def test_what_only_the_user_has_is_counted_and_not_named() -> None:
    """Three files of theirs: a number, and no path anywhere but in the tree itself."""
    plan = _plan({}, {"usage/mine": 1, "usage/b/mine": 2, "specs/mine": 3}, {"usage/a": 1})
    assert plan.counts[Relation.LOCAL_ONLY] == 3
    stored: Mapping[str, object] = json.loads(plan.model_dump_json(exclude={"target"}))
    assert "mine" not in json.dumps(stored)


def test_the_plan_says_what_stands_there_before_and_after() -> None:
    """Digest and mode of both, and where the content comes from."""
    plan = _plan({"usage/a": 1}, {"usage/a": 1}, {"usage/a": 2})
    (planned,) = (one for one in plan.changes if one.relation)
    assert (planned.change.before, planned.change.after) == (entry(1), entry(2))
    assert planned.blob == laid(2).blob
    assert planned.base == laid(1).blob
