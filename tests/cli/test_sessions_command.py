"""``aos-upgrade sessions`` and ``status`` on real folders."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.models.journal import Change, JournalHeader, JournalState
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.tree import Entry, Kind, escape
from tests.cli.conftest import COMMAND, NOW, Aos

pytestmark = pytest.mark.usefixtures("unmeasured")

Save = Callable[..., WorkflowSession]
LONG = "agent_os_upgrade_v1_mcp_server_20251121123000_3f7a"


def _snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        str(path): (
            path.lstat().st_mode,
            path.lstat().st_mtime_ns,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in [root, *root.rglob("*")]
    }


def test_a_list_fits_eighty_columns_with_whole_names(aos: Aos, session: Save) -> None:
    """A name of ours is never folded or cut, so that it can be copied."""
    session(LONG)
    session("other", session_status="inconsistent")
    ran = aos("sessions", "list")
    assert max(len(line) for line in ran.out.splitlines()) <= 80
    (line,) = (line for line in ran.out.splitlines() if LONG in line)
    assert line.split()[:3] == [LONG, "interrupted", "2"]
    assert f"interrupted: {LONG}; see: aos-upgrade status" in ran.err


def test_the_list_for_programs(aos: Aos, session: Save) -> None:
    """Every session has the same keys, damaged ones too."""
    session("one", session_status="paused")
    session("two", session_status="completed")
    damaged = session("damaged")
    _file(aos, damaged).write_bytes(b"")
    answer = aos("sessions", "list", "--json").json
    assert answer["count"] == 3
    assert answer["interrupted"] == []
    assert [each["session_id"] for each in answer["sessions"]] == ["damaged", "two", "one"]
    assert {frozenset(each) for each in answer["sessions"]} == {
        frozenset({*WorkflowSession.SUMMARY, "interrupted", "stale", "problem"})
    }
    assert answer["sessions"][0]["problem"] == "damaged.json is cut off or was never a session"
    only = aos("sessions", "list", "--json", "--status", "paused").json["sessions"]
    assert [each["session_id"] for each in only] == ["damaged", "one"]


def _file(aos: Aos, session: WorkflowSession) -> Path:
    install = Path(aos("status", "--json").json["install"])
    return install / "state" / "workflows" / f"{session.session_id}.json"


def test_a_damaged_session_hides_nobody(aos: Aos, session: Save) -> None:
    """It is in the list and named; the others are there; showing it says the way back."""
    session("one", session_status="paused")
    _file(aos, session("damaged")).write_bytes(b"{}")
    ran = aos("sessions", "list")
    assert "one" in ran.out
    assert "damaged: damaged: damaged.json is cut off" in ran.err
    assert "cannot be read" in aos("sessions", "show", "damaged").error


def test_show_tells_everything(aos: Aos, session: Save) -> None:
    """History with durations, errors with cures; for programs every field."""
    session(
        session_status="failed",
        status_reason="the gate stayed shut",
        backup="2025-11-21-123000",
        phase_history=[
            {
                "phase": 2,
                "attempt": 1,
                "status": "failed",
                "started_at": NOW,
                "completed_at": datetime(2025, 11, 21, 12, 30, 7, tzinfo=UTC),
            }
        ],
        errors=[
            {
                "phase": 2,
                "timestamp": NOW,
                "error_type": "gate",
                "message": "AOS-C001 failed\x1b[2J",
                "remediation": "look at it",
            }
        ],
    )
    ran = aos("sessions", "show", "a_session")
    assert "state      failed: the gate stayed shut" in ran.out
    assert "7.0 s" in ran.out
    assert r"AOS-C001 failed\x1b[2J" in ran.out
    assert "fix: look at it" in ran.out
    shown = aos("sessions", "show", "a_session", "--json").json["session"]
    assert shown["phase_history"][0]["duration_seconds"] == 7
    assert set(WorkflowSession.model_fields) <= set(shown)


def test_the_older_generation_is_shown_and_said(aos: Aos, session: Save) -> None:
    """The answer is there, and the damage on standard error."""
    first = session(session_status="paused")
    session(session_status="paused", revision=first.revision)
    _file(aos, first).write_bytes(b"")
    ran = aos("sessions", "show", "a_session")
    assert ran.status == 0
    assert "the state before it is used" in ran.err


def test_deleting(aos: Aos, session: Save, install: Path) -> None:
    """Once it is deleted, then it is said that it was not there; the reason is kept."""
    session(session_status="completed")
    done = aos("sessions", "delete", "a_session", "--reason", "tidy", "--json").json
    assert (done["deleted"], done["already_absent"]) == (True, False)
    done = aos("sessions", "delete", "a_session", "--json").json
    assert (done["deleted"], done["already_absent"]) == (False, True)
    assert '"reason":"tidy"' in (install / "state/workflows/history.jsonl").read_text()


def test_a_session_that_may_need_its_backup_is_kept(aos: Aos, session: Save, install: Path) -> None:
    """Until it is over, or the backup is gone."""
    (install / ".backups/2025-11-21-123000").mkdir(parents=True)
    session(backup="2025-11-21-123000")
    ran = aos("sessions", "delete", "a_session")
    assert ran.status == 1
    assert "may need its backup 2025-11-21-123000" in ran.error
    (install / ".backups/2025-11-21-123000").rmdir()
    assert aos("sessions", "delete", "a_session").out == "deleted a_session\n"


def test_a_damaged_session_can_be_deleted(aos: Aos, session: Save) -> None:
    """That is its way out."""
    file = _file(aos, session())
    file.write_bytes(b"")
    assert aos("sessions", "delete", "a_session").out == "deleted a_session\n"
    assert not file.exists()


def _open_change(install: Path, state: JournalState | None, owner: str = "a_session") -> Path:
    """Leave what a kill leaves right after a journal was written."""
    folder = install / ".upgrades" / owner / "transactions" / "content"
    for name in ("stage", "out"):
        (folder / name).mkdir(parents=True)
    entry = Entry(kind=Kind.DIRECTORY, mode=0o755)
    change = Change(path="new", before=None, after=entry)
    header = JournalHeader(
        owner=owner,
        purpose="content",
        created_at=NOW,
        session={"session_id": owner},
        changes=(change,),
    )
    journal.begin(folder, header)
    if state is not None:
        journal.record(folder, state, NOW)
    return folder


def test_looking_says_what_was_interrupted_and_writes_nothing(
    aos: Aos, session: Save, install: Path
) -> None:
    """Nothing is repaired by who only looks; the way on is said."""
    session()
    folder = _open_change(install, None)
    before = _snapshot(install)
    for arguments in (["status"], ["sessions", "list"], ["sessions", "show", "a_session"]):
        ran = aos(*arguments)
        assert ran.status == 0
        assert "interrupted: " in ran.out + ran.err
        assert aos(*arguments, "--json").status == 0
    assert _snapshot(install) == before
    assert folder.is_dir()


def test_changing_ends_what_was_interrupted_first(aos: Aos, session: Save, install: Path) -> None:
    """It is taken back, that is said, and then the session may go."""
    session()
    _open_change(install, None)
    ran = aos("sessions", "delete", "a_session", "--json")
    (recovered,) = ran.json["recovered"]
    assert (recovered["owner"], recovered["move"]) == ("a_session", "undo")
    assert not (install / ".upgrades").exists()
    session("second")
    _open_change(install, None, owner="second")
    ran = aos("sessions", "delete", "second")
    assert "recovered: content of second was interrupted, and was taken back" in ran.err


def test_a_session_with_an_open_change_is_kept(aos: Aos, session: Save, install: Path) -> None:
    """One that is in place waits for its run; so it is also when the session is damaged."""
    file = _file(aos, session())
    folder = _open_change(install, JournalState.APPLIED)
    assert (
        "neither finished nor taken back: content" in aos("sessions", "delete", "a_session").error
    )
    file.write_bytes(b"")
    assert "cannot be read, and its change is" in aos("sessions", "delete", "a_session").error
    assert folder.is_dir()


_HOLD = """
import sys
from pathlib import Path
from aos_upgrade_plugin.effects.session.lock import hold
with hold(Path(sys.argv[1]), session="a_session", command="some command"):
    print(flush=True)
    sys.stdin.read()
"""


def _holder(install: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(install)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return process


def test_a_held_lock_is_busy_until_its_holder_is_killed(
    aos: Aos, session: Save, install: Path
) -> None:
    """Busy is exit 4 with the holder; reading goes on; after kill -9 everything works."""
    session()
    _open_change(install, None)
    process = _holder(install)
    try:
        ran = aos("sessions", "delete", "a_session")
        assert ran.status == 4
        assert f"held by process {process.pid} since" in ran.error
        assert "some command" in ran.error
        assert aos("sessions", "list", "--json").json["sessions"][0]["interrupted"] is False
        assert "interrupted" not in aos("sessions", "list").err
        status = aos("status", "--json").json
        assert status["lock"]["holder"]["pid"] == process.pid
        assert status["next_steps"][0]["why"].startswith("something works on it")
        process.send_signal(signal.SIGKILL)
    finally:
        process.kill()
        process.communicate()
    assert aos("status", "--json").json["lock"] is None
    assert aos("sessions", "delete", "a_session").status == 0


def test_sessions_of_other_workflows_do_not_wait_for_the_upgrade_lock(
    aos: Aos, session: Save, install: Path
) -> None:
    """They change nothing of the installation."""
    session("other", workflow_type="test_generation_v3")
    process = _holder(install)
    try:
        assert aos("sessions", "delete", "other").out == "deleted other\n"
    finally:
        process.kill()
        process.communicate()


def test_a_closed_installation(
    aos: Aos, session: Save, install: Path, as_ordinary_user: tuple[str, ...]
) -> None:
    """Looking works where nothing may be written; changing says who may not write where."""
    session()
    for folder in (install, install / "state", install / "state/workflows"):
        folder.chmod(0o555)
    assert aos("status", before=as_ordinary_user).status == 0
    assert "a_session" in aos("sessions", "list", before=as_ordinary_user).out
    ran = aos("sessions", "delete", "a_session", before=as_ordinary_user)
    assert ran.status == 1
    assert f"taking the upgrade lock failed at {install}/.upgrade-lock: Permission" in ran.error
    assert "give yourself the right" in ran.err
    for folder in (install, install / "state", install / "state/workflows"):
        folder.chmod(0o755)


def test_status_is_one_screen(aos: Aos, session: Save, install: Path) -> None:
    """Whatever there is: lock, sessions, open changes, backup and what to do next, in 24 lines."""
    for number in range(30):
        session(f"s{number}", session_status="paused")
    for number in range(3):
        _open_change(install, JournalState.APPLIED, owner=f"o{number}")
    ran = aos("status")
    lines = ran.out.splitlines()
    assert len(lines) <= 24
    assert lines[0] == f"installation  {install} (praxis_os)"
    assert lines[1] == "version       unknown"
    assert lines[2] == "lock          free"
    assert lines[3] == "last backup   none"
    assert lines[4].startswith("sessions      30, 30 unfinished")
    assert "aos-upgrade rollback o0" in ran.out


def test_a_hostile_session_is_harmless_on_the_terminal(
    aos: Aos, session: Save, install: Path
) -> None:
    """Escape sequences in anything stored are shown, not obeyed."""
    session(
        target_file=escape(b"a\x1b[2Jb"),
        status_reason="\x1b]0;title\x07",
        session_status="paused",
        checkpoint={"phase": 1, "timestamp": NOW, "note": "\x9b31m"},
    )
    (install / ".upgrades" / "x\x1b[31m" / "transactions" / "y\n").mkdir(parents=True)
    for arguments in (["sessions", "list"], ["sessions", "show", "a_session"], ["status"]):
        for more in ([], ["--json"]):
            ran = aos(*arguments, *more)
            assert ran.status == 0
            assert not {"\x1b", "\x07", "\x9b"} & set(ran.out + ran.err)


def test_two_commands_at_once_delete_once(session: Save, install: Path) -> None:
    """One of them deletes it, the other is told, or told that it has to wait."""
    session(session_status="completed")
    running = [
        subprocess.Popen(
            [COMMAND, "sessions", "delete", "a_session"],
            cwd=install.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    answers = sorted((*process.communicate(), process.returncode) for process in running)
    assert [out for out, _, _ in answers].count("deleted a_session\n") == 1
    assert all(status in {0, 4} for _, _, status in answers)
    assert not os.path.exists(install / "state/workflows/a_session.json")
