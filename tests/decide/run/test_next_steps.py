"""What to do next, from how everything stands."""

from datetime import UTC, datetime

import pytest

from aos_upgrade_plugin.decide.run.next_steps import next_steps
from aos_upgrade_plugin.decide.run.sessions import DRIVEN
from aos_upgrade_plugin.models.journal import JournalState
from aos_upgrade_plugin.models.lock import HeldBy, Holder
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.status import (
    DamagedBackup,
    LastBackup,
    OpenTransaction,
    SessionView,
)

NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)
DAY_S = 24 * 3600
FRESH = LastBackup(name="2025-11-21-123000", created_at=NOW, age_s=DAY_S)


def _view(status: str = "active", *, stale: bool = False, **state: object) -> SessionView:
    interrupted = state.pop("interrupted", False)
    session = WorkflowSession.model_validate(
        {
            "session_id": "one",
            "workflow_type": "agent_os_upgrade_v1",
            "target_file": "mcp_server",
            "session_status": SessionStatus(status),
            "current_phase": 2,
            "created_at": NOW,
            "last_updated": NOW,
            **state,
        }
    )
    seen = {"session_id": "one", "session": session, "interrupted": interrupted, "stale": stale}
    return SessionView.model_validate(seen)


def _open(state: JournalState | None, **fields: str) -> OpenTransaction:
    return OpenTransaction(owner=fields.get("owner", "other"), purpose="content", state=state)


def _held(*, alive: bool, heirs: tuple[int, ...] = ()) -> HeldBy:
    holder = Holder(
        pid=7, process_started_at=0, host="h", session="one", since=NOW, command="aos-upgrade run"
    )
    return HeldBy(holder=holder, alive=alive, heirs=heirs)


@pytest.mark.parametrize(
    ("facts", "why", "command"),
    [
        pytest.param({}, None, None, id="all-is-well"),
        pytest.param(
            {"lock": _held(alive=True), "sessions": (_view(interrupted=True),)},
            "something works on it",
            None,
            id="somebody-works-on-it",
        ),
        pytest.param(
            {"lock": _held(alive=False, heirs=(8, 9))},
            "process 8 9 outlived what started it",
            None,
            id="orphans",
        ),
        pytest.param(
            {"sessions": (_view(interrupted=True),)},
            "interrupted: one in phase 2",
            ["aos-upgrade resume one", "aos-upgrade rollback one"],
            id="interrupted",
        ),
        pytest.param(
            {
                "sessions": (_view(interrupted=True),),
                "transactions": (_open(JournalState.APPLIED, owner="one"),),
            },
            "interrupted: one in phase 2",
            ["aos-upgrade resume one", "aos-upgrade rollback one"],
            id="its-own-change-is-part-of-resuming",
        ),
        pytest.param(
            {
                "sessions": (_view(metadata={DRIVEN: True}),),
                "transactions": (_open(JournalState.APPLIED, owner="one"),),
            },
            "incomplete: one is driven phase by phase",
            ["aos-upgrade resume one", "aos-upgrade rollback one"],
            id="what-waits-between-two-phases-was-not-interrupted",
        ),
        pytest.param(
            {
                "sessions": (_view("paused"),),
                "transactions": (_open(JournalState.APPLIED, owner="one"),),
            },
            "one is paused",
            "aos-upgrade resume one",
            id="nor-was-what-is-paused",
        ),
        pytest.param(
            {"transactions": (_open(JournalState.PREPARED),)},
            "interrupted: content of other",
            "aos-upgrade backups create",
            id="a-change-cut-off",
        ),
        pytest.param(
            {"transactions": (_open(JournalState.APPLIED),)},
            "is in place",
            "aos-upgrade rollback other",
            id="a-change-in-place",
        ),
        pytest.param(
            {
                "transactions": (
                    OpenTransaction(owner="x", purpose="y", state=None, problem="damaged"),
                )
            },
            "damaged",
            "aos-upgrade backups restore",
            id="a-damaged-journal",
        ),
        pytest.param(
            {"sessions": (_view("paused"),)}, "one is paused", "aos-upgrade resume one", id="paused"
        ),
        pytest.param(
            {"sessions": (_view("inconsistent"),)},
            "one could not be rolled back",
            "aos-upgrade rollback one",
            id="inconsistent",
        ),
        pytest.param(
            {"sessions": (_view("failed", options={"source_path": "a b", "only": "content"}),)},
            "one failed before it changed anything",
            "aos-upgrade run --source 'a b' --only content",
            id="failed",
        ),
        pytest.param(
            {"sessions": (_view("completed"), _view("failed"))},
            None,
            None,
            id="failed-and-upgraded-since",
        ),
        pytest.param(
            {"sessions": (_view("failed", workflow_type="other"),)},
            "one failed",
            "aos-upgrade resume one",
            id="another-workflow-failed",
        ),
        pytest.param(
            {"sessions": (_view("failed", stale=True),)},
            "not used for a week",
            "aos-upgrade sessions delete one",
            id="stale",
        ),
        pytest.param({"sessions": (_view("completed", stale=True),)}, None, None, id="history"),
        pytest.param(
            {"sessions": (SessionView(session_id="x", session=None, problem="cut off"),)},
            "damaged: cut off",
            "aos-upgrade sessions show x",
            id="a-damaged-session",
        ),
        pytest.param(
            {"last_backup": None}, "no backup", "aos-upgrade backups create", id="no-backup"
        ),
        pytest.param(
            {"last_backup": FRESH.model_copy(update={"age_s": 8 * DAY_S})},
            "the last backup is old",
            "aos-upgrade backups create",
            id="an-old-backup",
        ),
        pytest.param(
            {"damaged_backups": (DamagedBackup(name="2025-11-22-123000", problem="cut off"),)},
            "the newest backup leads nowhere: cut off",
            "aos-upgrade backups create --full",
            id="a-damaged-backup",
        ),
    ],
)
def test_the_most_urgent_step(
    facts: dict[str, object], why: str | None, command: str | list[str] | None
) -> None:
    """Each finding has a step with a command; where somebody works, only waiting helps."""
    known = {
        "lock": None,
        "transactions": (),
        "sessions": (),
        "last_backup": FRESH,
        "damaged_backups": (),
        **facts,
    }
    steps = next_steps(**known)  # type: ignore[arg-type]  # a table of facts
    commands = command if isinstance(command, list) else [command]
    assert [step.command for step in steps] == ([] if why is None else commands)
    assert why is None or why in steps[0].why
