"""The fourteen actions: what each answers, and each of its errors."""

import json
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from aos_upgrade_plugin.actions.workflow_tool import HANDLERS, WorkflowTool
from aos_upgrade_plugin.decide.workflow.checkpoint import MOST_EVIDENCE_BYTES
from aos_upgrade_plugin.effects.session import session_files, sessions
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.actions.workflow_places import (
    EVIDENCE,
    METADATA,
    lay_installation,
    lay_workflow,
    tool_at,
)

Call = Callable[..., dict[str, Any]]
UPGRADE = {"workflow_type": "agent_os_upgrade_v1", "target_file": "mcp_server"}
NOW = datetime(2025, 11, 21, 12, 30, tzinfo=UTC)


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation with one workflow."""
    return lay_installation(tmp_path / "project")


@pytest.fixture
def call(install: Path) -> Call:
    """Call the tool, and look at what every answer has."""
    return calling(tool_at(install), install)


def calling(tool: WorkflowTool, install: Path) -> Call:
    """Return a function that calls a tool."""

    def ask(action: object, **arguments: object) -> dict[str, Any]:
        answer = tool.call({"action": action, **arguments})
        assert answer["status"] in {"success", "error"}
        assert answer["next_actions"]
        assert {*answer["next_actions"]} <= {*Action}
        text = json.dumps(answer)
        assert str(install.parent) not in text
        assert "Traceback" not in text
        if answer["status"] == "error":
            assert {"error", "error_type", "remediation"} <= {*answer}
            assert len(answer["error"].splitlines()) == 1
        return answer

    return ask


@pytest.fixture
def started(call: Call) -> str:
    """Start a session and return its name."""
    name: str = call("start", workflow_type="review_v1", target_file="src/a.py")["session_id"]
    return name


def test_every_action_has_a_model_and_a_handler() -> None:
    """One table, used by the command line and by the server."""
    assert len(Action) == 14
    assert {*REQUESTS} == {*HANDLERS} == {*Action}


def test_the_workflows(call: Call, install: Path) -> None:
    """All that there are, by name, broken ones too; the upgrade's is always our own."""
    for name in ("agent_os_upgrade_v1", "praxis_os_upgrade_v1"):
        lay_workflow(install / "workflows", name)
    lay_workflow(install / "workflows", "broken_v1", metadata="{")
    answer = call("list_workflows")
    assert answer["count"] == 3
    upgrade, broken, review = answer["workflows"]
    assert (upgrade["workflow_type"], upgrade["origin"]) == ("agent_os_upgrade_v1", "bundled")
    assert upgrade["category"] == "maintenance"
    assert broken["usable"] is False
    assert broken["problem"].startswith("metadata.json: ")
    assert (review["version"], review["category"], review["total_phases"]) == ("1.0.0", "review", 2)
    assert [phase["title"] for phase in review["phases"]] == ["Read", "Judge"]


@pytest.mark.parametrize(("category", "count"), [("review", 1), ("maintenance", 1), ("none", 0)])
def test_the_workflows_of_a_category(call: Call, category: str, count: int) -> None:
    """An unknown category lists none, says so, and names those there are."""
    answer = call("list_workflows", category=category)
    assert answer["count"] == count
    assert ("warning" in answer) is (count == 0)
    assert answer.get("valid_categories", ["maintenance", "review"]) == ["maintenance", "review"]


def test_a_source_brings_workflows_and_the_installation_comes_first(
    install: Path, tmp_path: Path
) -> None:
    """Of two with one name the installation's is taken."""
    place = tmp_path / "source/universal/workflows"
    lay_workflow(place, metadata={**METADATA, "version": "9.0.0"})
    lay_workflow(place, "other_v1")
    answer = tool_at(install, source=tmp_path / "source").call({"action": "list_workflows"})
    found = {each["workflow_type"]: each for each in answer["workflows"]}
    assert (found["review_v1"]["origin"], found["review_v1"]["version"]) == (
        "installation",
        "1.0.0",
    )
    assert found["other_v1"]["origin"] == "source"


def test_start(call: Call, install: Path) -> None:
    """A session with a readable name, stored for its owner only, and the first phase."""
    answer = call("start", workflow_type="review_v1", target_file="src/a.py", options={"depth": 2})
    assert (answer["current_phase"], answer["total_phases"]) == (0, 2)
    assert (answer["workflow_type"], answer["target_file"]) == ("review_v1", "src/a.py")
    assert answer["acknowledgment_required"]
    content = answer["phase_content"]
    assert (content["title"], content["content"]) == ("Read", "# Phase 0\n")
    assert content["tasks"] == [{"task_number": 1, "name": "read"}]
    assert content["evidence_required"]["findings"]["type"] == "integer"
    stored = install / "state/workflows" / f"{answer['session_id']}.json"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert call("get_session", session_id=answer["session_id"])["session"]["options"] == {
        "depth": 2
    }


def test_a_workflow_is_started_by_what_its_metadata_calls_it(call: Call, install: Path) -> None:
    """Some of the product's workflows have a folder of another name."""
    lay_workflow(
        install / "workflows", "folder_v1", metadata={**METADATA, "workflow_type": "other"}
    )
    answer = call("start", workflow_type="other", target_file="a")
    assert answer["workflow_type"] == "folder_v1"


@pytest.mark.parametrize(
    ("arguments", "error_type", "words"),
    [
        ({}, "ValueError", "start needs workflow_type and target_file"),
        ({"workflow_type": "review_v1"}, "ValueError", "start needs target_file"),
        ({"workflow_type": "gone_v1"}, "NotFoundError", "there is no workflow 'gone_v1'"),
        ({"workflow_type": "broken_v1"}, "RuntimeError", "is broken: metadata.json"),
        ({"workflow_type": "agent_os_upgrade_v1"}, "ValueError", "works on the installation"),
        (UPGRADE, "ValueError", "no source is named"),
        ({**UPGRADE, "workflow_type": "praxis_os_upgrade_v1"}, "ValueError", "no source is named"),
        ({**UPGRADE, "options": {"source_path": "gone"}}, "NotFoundError", "gone"),
        ({**UPGRADE, "options": {"source_path": 1}}, "ValueError", "source_path in options"),
        ({**UPGRADE, "options": {"sauce_path": "a"}}, "ValueError", "no source is named"),
        (
            {**UPGRADE, "options": {"source_path": "a", "dryrun": True}},
            "ValueError",
            "dryrun in options: extra inputs are not permitted",
        ),
        ({"workflow_type": 1}, "ValueError", "workflow_type: input should be a valid string"),
        ({"options": []}, "ValueError", "options is no object"),
        ({"phase": 1}, "ValueError", "start does not take phase"),
        ({"target_file": "../a"}, "ValueError", "directory traversal"),
        ({"target_file": "a/../../b"}, "ValueError", "directory traversal"),
        ({"target_file": "a\\..\\b"}, "ValueError", "directory traversal"),
        ({"target_file": "/etc/passwd"}, "ValueError", "an absolute path"),
        ({"target_file": "~/x"}, "ValueError", "an absolute path"),
        ({"target_file": "C:\\x"}, "ValueError", "an absolute path"),
        ({"target_file": "a\\b"}, "ValueError", "a backslash"),
        ({"target_file": "."}, "ValueError", "the project itself"),
        ({"target_file": "./"}, "ValueError", "the project itself"),
        ({"target_file": "a\0b"}, "ValueError", "cannot be printed"),
        ({"target_file": "a\nb"}, "ValueError", "cannot be printed"),
        ({"target_file": "\ud800"}, "ValueError", "no Unicode"),
        ({"target_file": "out/x"}, "ValueError", "through a link"),
        ({"target_file": "a" * 1_001}, "ValueError", "target_file: string should have at most"),
        ({"target_file": ""}, "ValueError", "target_file: string should have at least"),
    ],
)
def test_what_start_refuses(
    call: Call,
    install: Path,
    arguments: Mapping[str, object],
    error_type: str,
    words: str,
) -> None:
    """Nothing is begun, and the reason is one line."""
    lay_workflow(install / "workflows", "broken_v1", metadata="{")
    (install.parent / "out").symlink_to("/")
    some = {"workflow_type": "review_v1", "target_file": "a"} if arguments else {}
    if arguments == {"workflow_type": "review_v1"}:
        some = {}
    answer = call("start", **{**some, **arguments})
    assert (answer["status"], answer["error_type"]) == ("error", error_type)
    assert words in answer["error"]
    assert call("list_sessions")["count"] == 0


@pytest.mark.parametrize("said", ["src/a.py", "./src/a.py", "src//a.py", "src/./a.py/"])
def test_a_target_is_kept_in_its_plain_form(call: Call, said: str) -> None:
    """However it is written, it is the same file."""
    assert call("start", workflow_type="review_v1", target_file=said)["target_file"] == "src/a.py"


@pytest.mark.parametrize("said", ["ä ö.py", "a b", "-x", "a" * 900, "{a}", "a%2e%2e/b", "…"])
def test_odd_names_of_targets(call: Call, said: str) -> None:
    """What is a name on the disk is a target."""
    assert call("start", workflow_type="review_v1", target_file=said)["target_file"] == said


def test_the_limit_of_active_sessions(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the limit the error names what to finish; one that is not active does not count."""
    monkeypatch.setenv("AOS_UPGRADE_MAX_ACTIVE_SESSIONS", "2")
    ask = {"workflow_type": "review_v1", "target_file": "a"}
    first, _ = (call("start", **ask)["session_id"] for _ in range(2))
    refused = call("start", **ask)
    assert refused["error_type"] == "RuntimeError"
    assert first in refused["remediation"]
    call("pause", session_id=first)
    assert call("start", **ask)["status"] == "success"


def test_get_task(call: Call, started: str) -> None:
    """A task is taken apart into steps."""
    answer = call("get_task", session_id=started, phase=0, task_number=1)
    content = answer["task_content"]
    assert content["title"] == "Task 1: Read it"
    assert content["execution_steps"] == [
        {"step": 1, "command": "less it", "description": "Open", "expected_output": ""}
    ]
    assert {"description", "artifacts_to_produce", "estimated_duration"} <= {*content}


@pytest.mark.parametrize(
    ("phase", "number", "words"),
    [(0, 2, "it has the tasks 1 to 1"), (1, 1, "it has no tasks"), (2, 1, "are 0 to 1")],
)
def test_a_task_that_is_not_there(
    call: Call, started: str, phase: int, number: int, words: str
) -> None:
    """Out of range is a ValidationError with the range."""
    answer = call("get_task", session_id=started, phase=phase, task_number=number)
    assert answer["error_type"] == "ValidationError"
    assert words in answer["error"]


def test_a_workflow_walked_to_its_end(call: Call, started: str) -> None:
    """Evidence opens one phase after the other; after the last the session is completed."""
    answer = call("complete_phase", session_id=started, phase=0, evidence=EVIDENCE)
    assert (answer["phase_completed"], answer["checkpoint_passed"]) == (0, True)
    assert answer["evidence_accepted"] == ["findings", "read"]
    assert answer["next_phase"] == {"phase_number": 1, "title": "Judge", "description": ""}
    before = answer["next_phase_content"]["artifacts_from_previous_phases"]
    assert before == {"0": EVIDENCE} == call("get_state", session_id=started)["artifacts"]
    again = call("complete_phase", session_id=started, phase=0, evidence=EVIDENCE)
    assert again["error_type"] == "StateError"
    assert "the current phase is 1" in again["error"]
    last = call("complete_phase", session_id=started, phase=1, evidence={"judged": True})
    assert last["next_phase"] is None
    state = call("get_state", session_id=started)
    assert (state["session_status"], state["completed_phases"]) == ("completed", [0, 1])
    assert state["resume_capable"] is False
    for action in ("pause", "resume"):
        assert call(action, session_id=started)["error_type"] == "StateError"
    history = call("get_session", session_id=started)["session"]["phase_history"]
    assert [(each["phase"], each["status"]) for each in history] == [
        (0, "completed"),
        (1, "completed"),
    ]
    assert all(each["duration_seconds"] >= 0 for each in history)


def test_a_checkpoint_that_fails(call: Call, started: str) -> None:
    """It is an error that names what is missing and wrong; what was right is kept for a retry."""
    evidence = {"read": True, "findings": "two"}
    answer = call("complete_phase", session_id=started, phase=0, evidence=evidence)
    assert (answer["status"], answer["checkpoint_passed"]) == ("error", False)
    assert answer["validation_errors"] == [
        {"field": "findings", "error": "this must be of type integer, not str"}
    ]
    empty = call("complete_phase", session_id=started, phase=0, evidence={})
    assert empty["error_type"] == "StateError"
    assert "failed, which allows retry_phase, rollback" in empty["error"]
    errors = call("get_errors", session_id=started)
    assert errors["error_count"] == 1
    assert errors["last_error"]["phase"] == 0
    again = call("retry_phase", session_id=started, phase=0)
    assert (again["attempt"], again["evidence_kept"]) == (2, ["read"])
    assert again["previous_errors"] == errors["errors"]
    done = call("complete_phase", session_id=started, phase=0, evidence={"findings": 2})
    assert done["checkpoint_passed"] is True


def test_a_retry_that_begins_anew(call: Call, started: str) -> None:
    """With ``reset_evidence`` nothing of the failed attempt counts."""
    call("complete_phase", session_id=started, phase=0, evidence={"read": True})
    again = call("retry_phase", session_id=started, phase=0, reset_evidence=True)
    assert (again["evidence_reset"], again["evidence_kept"]) == (True, [])
    answer = call("complete_phase", session_id=started, phase=0, evidence={"findings": 2})
    assert answer["missing_evidence"] == ["read"]


def test_pause_and_resume(call: Call, started: str) -> None:
    """A paused session waits, with a note; nothing but resume moves it."""
    answer = call("pause", session_id=started, checkpoint_note="waiting for review")
    assert answer["paused"] is True
    assert answer["checkpoint"]["note"] == "waiting for review"
    for action, more in (
        ("pause", {}),
        ("complete_phase", {"phase": 0, "evidence": EVIDENCE}),
        ("retry_phase", {"phase": 0}),
        ("rollback", {"to_phase": 0}),
    ):
        refused = call(action, session_id=started, **more)
        assert refused["error_type"] == "StateError"
        assert "paused, which allows resume" in refused["error"]
    back = call("resume", session_id=started)
    assert back["resumed"] is True
    assert back["paused_duration_seconds"] >= 0
    assert back["phase_content"]["phase_number"] == 0
    assert call("resume", session_id=started)["error_type"] == "StateError"


def test_rollback(call: Call, started: str) -> None:
    """Later phases are forgotten, and the one gone back to is tried again."""
    call("complete_phase", session_id=started, phase=0, evidence=EVIDENCE)
    refused = call("rollback", session_id=started, to_phase=3)
    assert refused["error_type"] == "ValidationError"
    assert "it can go back to 0, 1" in refused["error"]
    answer = call("rollback", session_id=started, to_phase=0)
    assert (answer["from_phase"], answer["to_phase"], answer["rolled_back"]) == (1, 0, True)
    state = call("get_state", session_id=started)
    assert (state["current_phase"], state["completed_phases"]) == (0, [])
    history = call("get_session", session_id=started)["session"]["phase_history"]
    assert [(each["phase"], each["attempt"], each["status"]) for each in history] == [
        (0, 1, "rolled_back"),
        (1, 1, "rolled_back"),
        (0, 2, "running"),
    ]


def test_a_failed_session_goes_back(call: Call, started: str) -> None:
    """From failed, too; what a later phase had left is cleared."""
    call("complete_phase", session_id=started, phase=0, evidence=EVIDENCE)
    call("complete_phase", session_id=started, phase=1, evidence={})
    assert call("get_state", session_id=started)["session_status"] == "failed"
    assert call("rollback", session_id=started, to_phase=0)["session_status"] == "active"


def test_the_list_of_sessions(call: Call, started: str) -> None:
    """All, or those in a state."""
    other = call("start", workflow_type="review_v1", target_file="b")["session_id"]
    call("pause", session_id=other)
    both = call("list_sessions")
    assert [each["session_id"] for each in both["sessions"]] == [other, started]
    (paused,) = call("list_sessions", status="paused")["sessions"]
    assert (paused["session_id"], paused["status"], paused["stale"]) == (other, "paused", False)
    assert call("list_sessions", status="asleep")["error_type"] == "ValueError"


def test_delete_session(call: Call, started: str, install: Path) -> None:
    """Its files go, the reason stays, and what is not there is no error."""
    answer = call("delete_session", session_id=started, reason="over")
    assert answer["deleted"] is True
    assert answer["cleanup"] == {"state_file_removed": True, "artifacts_preserved": True}
    folder = install / "state/workflows"
    assert [path.name for path in folder.glob("*.json")] == []
    assert json.loads((folder / "history.jsonl").read_text())["reason"] == "over"
    again = call("delete_session", session_id=started)
    assert (again["deleted"], again["already_absent"]) == (False, True)


@pytest.mark.parametrize("action", sorted({*Action} - {"list_workflows", "start"}))
def test_sessions_that_are_not_there_and_names_that_are_none(call: Call, action: str) -> None:
    """Every action about a session says so in the same way."""
    if action == "list_sessions":
        return
    needed = {"phase": 0, "task_number": 0, "evidence": {}, "to_phase": 0}
    model = REQUESTS[Action(action)].model_fields
    some = {name: value for name, value in needed.items() if name in model}
    if action != "delete_session":
        answer = call(action, session_id="not_there", **some)
        assert answer["error_type"] == "NotFoundError"
        assert "not_there" in answer["error"]
    for name in ("../x", "A", "a/b", "", "a b", "a" * 121, "x\n", "é", 7):
        answer = call(action, session_id=name, **some)
        assert answer["error_type"] == "ValueError", name
        assert "session_id" in answer["error"]
    assert "session_id" in call(action, **some)["error"]


@pytest.mark.parametrize("action", ["fly", "", None, 7, "START", "list_workflows ", "\x1b[31m"])
def test_an_unknown_action(call: Call, action: object) -> None:
    """It is answered with those there are."""
    answer = call(action)
    assert answer["error_type"] == "ValueError"
    assert answer["valid_actions"] == [*Action]


def _of_size(size_bytes: int) -> dict[str, object]:
    frame = len(json.dumps({**EVIDENCE, "x": ""}, separators=(",", ":")))
    return {**EVIDENCE, "x": "a" * (size_bytes - frame)}


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        ("{}", "evidence is no object"),
        ([], "evidence is no object"),
        (_of_size(MOST_EVIDENCE_BYTES + 1), "evidence is too large: 10485761 bytes"),
        ({"a": float("inf")}, "finite"),
        ({"a": "\ud800"}, "Unicode"),
        ({"a": object()}, "no JSON"),
        ({"a": b"x"}, "no JSON"),
    ],
)
def test_evidence_that_is_none(call: Call, started: str, evidence: object, words: str) -> None:
    """It is refused before anything is judged: the session stays as it was."""
    answer = call("complete_phase", session_id=started, phase=0, evidence=evidence)
    assert answer["error_type"] == "ValueError"
    assert words in answer["error"]
    assert call("get_state", session_id=started)["session_status"] == "active"


def test_evidence_of_ten_megabytes_is_kept(call: Call, install: Path) -> None:
    """The limit itself is allowed, and the session can be read afterwards."""
    lay_workflow(install / "workflows", "loose_v1", files={"phases/0/gate-definition.yaml": None})
    name = call("start", workflow_type="loose_v1", target_file="a")["session_id"]
    evidence = _of_size(MOST_EVIDENCE_BYTES)
    answer = call("complete_phase", session_id=name, phase=0, evidence=evidence)
    assert answer["checkpoint_passed"] is True
    stored = sessions.load(install, name).session
    assert stored is not None
    assert stored.phase_artifacts[0] == evidence
    shown = call("get_state", session_id=name)["artifacts"]["0"]
    assert shown == {
        "too_large_to_show": True,
        "size_bytes": len(json.dumps(evidence)),
        "fields": sorted(evidence),
    }


def test_a_session_that_could_not_be_read_again_is_not_written(
    call: Call, started: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would make it too large is refused; what is stored stays."""
    monkeypatch.setattr(session_files, "_MOST_BYTES", 10_000)
    options = {"notes": "a" * 10_000}
    answer = call("start", workflow_type="review_v1", target_file="a", options=options)
    assert answer["error_type"] == "RuntimeError"
    assert "larger than" in answer["error"]
    assert [each["session_id"] for each in call("list_sessions")["sessions"]] == [started]


def test_an_upgrade_is_looked_at_and_not_walked(call: Call, install: Path) -> None:
    """Its session is shown; what changes it is for the command line."""
    sessions.save(
        install,
        WorkflowSession(
            session_id="an_upgrade",
            workflow_type="agent_os_upgrade_v1",
            target_file="mcp_server",
            current_phase=2,
            total_phases=6,
            created_at=NOW,
            last_updated=NOW,
        ),
    )
    state = call("get_state", session_id="an_upgrade")
    assert state["interrupted"] is True
    assert state["next_actions"][0] == "resume"
    assert call("get_phase", session_id="an_upgrade")["phase_content"]["title"] == "Content Upgrade"
    for action, more in (
        ("complete_phase", {"phase": 2, "evidence": {"done": True}}),
        ("pause", {}),
        ("retry_phase", {"phase": 2}),
    ):
        answer = call(action, session_id="an_upgrade", **more)
        assert answer["error_type"] == "StateError"
        assert "aos-upgrade" in answer["remediation"]


def test_a_damaged_session_says_so(call: Call, started: str, install: Path) -> None:
    """It is listed with its problem, and every action on it says what is wrong."""
    for path in (install / "state/workflows").glob("*.json"):
        path.write_text("{")
    (listed,) = call("list_sessions")["sessions"]
    assert (listed["status"], listed["session_id"]) == (None, started)
    assert "cut off" in listed["problem"]
    assert call("get_phase", session_id=started)["error_type"] == "RuntimeError"
    assert call("delete_session", session_id=started)["deleted"] is True


def test_an_error_has_no_path_of_this_machine_whatever_its_folders_are_called(
    tmp_path: Path,
) -> None:
    """Also where folders have names with spaces, which no text says the end of."""
    install = lay_installation(tmp_path / "odd place" / "my project")
    (install.parent / "pyproject.toml").write_text("no [toml")
    ask = calling(tool_at(install), install)
    answer = ask("start", workflow_type="review_v1", target_file="a")
    assert answer["error"].startswith("my project/pyproject.toml is no TOML")
    assert "place" not in json.dumps(answer)


def test_what_should_not_happen_is_one_line(
    call: Call, started: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bug of ours is told without its details; they are in the log."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("/home/me/secret")

    monkeypatch.setattr(sessions, "load", broken)
    answer = call("get_state", session_id=started)
    assert (answer["error_type"], answer["error"]) == (
        "RuntimeError",
        "get_state failed: ZeroDivisionError",
    )


RACE = """
import sys
from pathlib import Path
from tests.actions.workflow_places import tool_at
tool = tool_at(Path(sys.argv[1]))
sys.stdin.readline()
for turn in range(int(sys.argv[3])):
    action = "pause" if turn % 2 == 0 else "resume"
    answer = tool.call({"action": action, "session_id": sys.argv[2]})
    print(answer["status"], answer.get("error_type", ""), flush=True)
"""


@pytest.mark.usefixtures("unmeasured")
def test_writers_at_once_lose_no_update(call: Call, started: str, install: Path) -> None:
    """Each change that was told to have happened did; every loser was told."""
    root = str(Path(__file__).parents[2])
    children = [
        subprocess.Popen(
            [sys.executable, "-c", RACE, str(install), started, "4"],
            cwd=root,
            env={"PYTHONPATH": root, "HOME": str(install)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    outputs = [child.communicate("go\n") for child in children]
    told = [line.split() for out, _ in outputs for line in out.splitlines()]
    assert len(told) == 12, [error for _, error in outputs]
    won = sum(status[0] == "success" for status in told)
    lost = {status[1] for status in told if status[0] == "error"}
    assert lost <= {"StateError", "RuntimeError"}
    session = call("get_session", session_id=started)["session"]
    assert session["revision"] == won + 1
    expected = SessionStatus.PAUSED if won % 2 else SessionStatus.ACTIVE
    assert session["status"] == expected


def test_an_upgrade_that_renamed_the_workflow_is_said_to_its_session(
    call: Call, install: Path, started: str
) -> None:
    """Nothing can be walked any more; the session can still be looked at, and deleted."""
    renamed = (install / "workflows/review_v1").rename(install / "workflows/review_v2")
    (renamed / "metadata.json").write_text(json.dumps({**METADATA, "workflow_type": "review_v2"}))
    for action in ("get_phase", "resume"):
        if action == "resume":
            call("pause", session_id=started)
        answer = call(action, session_id=started)
        assert answer["error_type"] == "NotFoundError"
        assert "'review_v1' of this session is not there any more" in answer["error"]
        assert "renamed" in answer["remediation"]
    assert call("get_session", session_id=started)["status"] == "success"
    assert call("delete_session", session_id=started, reason="renamed")["deleted"] is True
