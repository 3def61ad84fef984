"""What may become of a session."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.run.sessions import (
    STALE_AFTER,
    allowed,
    backups_needed,
    interrupted,
    matching,
    moved,
    refuse_deletion,
    session_id,
    stale,
)
from aos_upgrade_plugin.errors import StateError
from aos_upgrade_plugin.models.base import SESSION_ID
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.status import SessionView

NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)
UPGRADE, OTHER = "agent_os_upgrade_v1", "test_generation_v3"
S = SessionStatus


def _session(
    status: SessionStatus = S.ACTIVE,
    *,
    workflow: str = UPGRADE,
    name: str = "one",
    **fields: object,
) -> WorkflowSession:
    given_fields = {
        "session_id": name,
        "workflow_type": workflow,
        "target_file": "mcp_server",
        "session_status": status,
        "current_phase": 0,
        "created_at": NOW,
        "last_updated": NOW,
        **fields,
    }
    return WorkflowSession.model_validate(given_fields)


@pytest.mark.parametrize(
    ("workflow", "status", "to"),
    [
        (OTHER, S.ACTIVE, {S.PAUSED, S.COMPLETED, S.FAILED}),
        (OTHER, S.PAUSED, {S.ACTIVE}),
        (OTHER, S.FAILED, {S.ACTIVE}),
        (OTHER, S.COMPLETED, set()),
        (OTHER, S.ROLLED_BACK, set()),
        (OTHER, S.INCONSISTENT, set()),
        (UPGRADE, S.ACTIVE, {S.PAUSED, S.COMPLETED, S.FAILED, S.ROLLED_BACK, S.INCONSISTENT}),
        (UPGRADE, S.PAUSED, {S.ACTIVE, S.ROLLED_BACK, S.INCONSISTENT}),
        (UPGRADE, S.FAILED, {S.ACTIVE, S.ROLLED_BACK, S.INCONSISTENT}),
        (UPGRADE, S.COMPLETED, {S.ROLLED_BACK, S.INCONSISTENT}),
        (UPGRADE, S.ROLLED_BACK, set()),
        (UPGRADE, S.INCONSISTENT, {S.ROLLED_BACK}),
    ],
)
def test_where_a_session_may_go(
    workflow: str, status: SessionStatus, to: set[SessionStatus]
) -> None:
    """Exactly these states follow; everything else is refused with the state and what it allows."""
    session = _session(status, workflow=workflow)
    assert allowed(session) == to
    for target in S:
        if target in to:
            after = moved(session=session, to=target, reason="because")
            assert (after.session_status, after.status_reason) == (target, "because")
            continue
        with pytest.raises(StateError) as refusal:
            moved(session=session, to=target, reason="because")
        assert f"is {status}" in str(refusal.value)
        assert all(str(state) in str(refusal.value) for state in (to or ["nothing else"]))


@given(workflow=st.text(), target=st.text(), random=st.text(max_size=30))
def test_a_new_name_is_readable_and_safe(workflow: str, target: str, random: str) -> None:
    """Whatever the workflow and its target are called, the name is one, and not too long."""
    name = session_id(workflow_type=workflow, target_file=target, now=NOW, random=f"a{random}")
    assert SESSION_ID.fullmatch(name)
    assert re.search(r"_20251121123000_a\w*$", name)


def test_a_name_says_what_it_is_about() -> None:
    """People recognise their sessions."""
    name = session_id(workflow_type=UPGRADE, target_file="mcp_server/", now=NOW, random="3F7A")
    assert name == "agent_os_upgrade_v1_mcp_server_20251121123000_3f7a"


@pytest.mark.parametrize(
    ("session", "running", "answer"),
    [
        pytest.param(_session(), None, True, id="nobody-runs-it"),
        pytest.param(_session(), "another", True, id="another-is-running"),
        pytest.param(_session(), "one", False, id="it-is-running"),
        pytest.param(_session(S.PAUSED), None, False, id="paused"),
        pytest.param(_session(workflow=OTHER), None, False, id="driven-from-outside"),
    ],
)
def test_interrupted(session: WorkflowSession, running: str | None, *, answer: bool) -> None:
    """An active upgrade that no process runs was interrupted."""
    assert interrupted(session=session, running=running) is answer


@pytest.mark.parametrize(
    ("status", "backup", "needed"),
    [
        (S.ACTIVE, "b", True),
        (S.PAUSED, "b", True),
        (S.FAILED, "b", True),
        (S.INCONSISTENT, "b", True),
        (S.COMPLETED, "b", False),
        (S.ROLLED_BACK, "b", False),
        (S.ACTIVE, None, False),
    ],
)
def test_a_backup_that_is_needed(
    status: SessionStatus, backup: str | None, *, needed: bool
) -> None:
    """It is kept, and its session is not deleted as long as the backup is there."""
    session = _session(status, backup=backup)
    assert backups_needed([session]) == ({"b"} if needed else set())
    refuse_deletion(session=session, open_transactions=(), backups=())
    if needed:
        with pytest.raises(StateError, match="may need its backup b"):
            refuse_deletion(session=session, open_transactions=(), backups={"b"})


def test_a_session_with_an_open_change_is_not_deleted() -> None:
    """One with an open change is needed, in whatever state it is."""
    with pytest.raises(StateError, match="neither finished nor taken back: content"):
        refuse_deletion(session=_session(S.COMPLETED), open_transactions=["content"], backups=())


@pytest.mark.parametrize("status", S)
def test_stale(status: SessionStatus) -> None:
    """Unused for more than a week, with nothing to go back to: so offered, and not before."""
    session = _session(status, backup="b")
    week = NOW + STALE_AFTER
    later = week + timedelta(seconds=1)
    assert stale(session=session, now=later, backups=())
    assert not stale(session=session, now=week, backups=())
    assert stale(session=session, now=later, backups={"b"}) is (status is S.ROLLED_BACK)
    assert stale(session=_session(status), now=later, backups={"b"})


def test_filtering_puts_the_last_used_first() -> None:
    """Ordered by last use; a status picks those in it; what cannot be read is always shown."""
    views = [
        _view(_session(name="a", last_updated=NOW)),
        _view(_session(S.PAUSED, name="b", last_updated=NOW + timedelta(1))),
        _view(_session(name="c", last_updated=NOW + timedelta(2))),
        SessionView(session_id="damaged", session=None, problem="cut off"),
    ]
    found = matching(sessions=views, status=None)
    assert [each.session_id for each in found] == ["damaged", "c", "b", "a"]
    found = matching(sessions=views, status=S.ACTIVE)
    assert [each.session_id for each in found] == ["damaged", "c", "a"]


def _view(session: WorkflowSession) -> SessionView:
    return SessionView(session_id=session.session_id, session=session)
