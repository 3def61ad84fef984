"""Many at once on one session: no update is lost, and every loser is told."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.actions.workflow_places import lay_workflow, tool_at
from tests.mcp_tool.conftest import lay_project, unmeasured_environment
from tests.mcp_tool.door import HttpDoor

WRITERS, PHASES = 50, 12
RACE = """
import json, os, sys
from pathlib import Path
from tests.actions.workflow_places import tool_at

tool, session, writers = tool_at(Path(sys.argv[1])), {"session_id": sys.argv[2]}, int(sys.argv[3])
ready, go = os.pipe()

def write(who):
    os.close(go)
    os.read(ready, 1)  # ends for all at once
    for turn in range(10_000):
        state = tool.call({"action": "get_state", **session})
        if state["session_status"] == "completed":
            return
        ask = {**session, "phase": state["current_phase"], "evidence": {"by": f"{who}-{turn}"}}
        answer = tool.call({"action": "complete_phase", **ask})
        end = answer.get("error_type", "success")
        told = {"end": end, "phase": ask["phase"], "by": ask["evidence"]["by"]}
        os.write(1, json.dumps(told).encode() + b"\\n")

children = []
for who in range(writers):
    child = os.fork()
    if not child:
        write(who)
        os._exit(0)
    children.append(child)
os.close(ready)
os.close(go)
assert all(os.waitpid(child, 0)[1] == 0 for child in children)
"""


def _lay_long(workflows: Path) -> None:
    phases = [{"phase_number": number, "phase_name": f"{number}"} for number in range(PHASES)]
    metadata = {"version": "1.0.0", "total_phases": PHASES, "phases": phases}
    texts = {f"phases/{number}/phase.md": "# Do it\n" for number in range(PHASES)}
    none = {"phases/0/gate-definition.yaml": None, "phases/0/task-1-read.md": None}
    lay_workflow(workflows, "long_v1", metadata=metadata, files={**none, **texts})


def _nothing_is_lost(told: list[dict[str, Any]], evidence: dict[str, Any]) -> None:
    """Look whether each phase was won once, and keeps what its winner was told to have left."""
    won = {str(each["phase"]): each["by"] for each in told if each["end"] == "success"}
    ends = Counter(each["end"] for each in told)
    assert {*ends} <= {"success", "StateError", "RuntimeError"}
    assert (ends["success"], len(won)) == (PHASES, PHASES)
    assert won == {phase: left["by"] for phase, left in evidence.items()}


def test_fifty_processes(tmp_path: Path) -> None:
    """Each wants each phase; the session has just what those who won were told that they left."""
    install = lay_project(tmp_path / "project")
    _lay_long(install / "workflows")
    tool = tool_at(install)
    begun = tool.call({"action": "start", "workflow_type": "long_v1", "target_file": "a"})
    root = str(Path(__file__).parents[3])
    ran = subprocess.run(
        [sys.executable, "-c", RACE, install, begun["session_id"], str(WRITERS)],
        env={**unmeasured_environment(), "PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    state = tool.call({"action": "get_state", "session_id": begun["session_id"]})
    assert (state["session_status"], len(state["completed_phases"])) == ("completed", PHASES)
    _nothing_is_lost(told, state["artifacts"])


def test_eight_clients_of_one_server(
    project: Path, over_http: HttpDoor, request: pytest.FixtureRequest
) -> None:
    """The same between the calls that one server works on at a time."""
    _lay_long(project / ".praxis-os/workflows")
    request.addfinalizer(lambda: shutil.rmtree(project / ".praxis-os/workflows/long_v1"))
    begun = over_http.call({"action": "start", "workflow_type": "long_v1", "target_file": "a"})
    session = {"session_id": begun["session_id"]}
    told: list[dict[str, Any]] = []

    def write(who: int) -> None:
        while True:
            state = over_http.call({"action": "get_state", **session})
            if state["session_status"] == "completed":
                return
            by = f"{who}-{len(told)}"
            ask = {"phase": state["current_phase"], "evidence": {"by": by}}
            answer = over_http.call({"action": "complete_phase", **session, **ask})
            end = answer.get("error_type", "success")
            told.append({"end": end, "phase": ask["phase"], "by": by})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    _nothing_is_lost(told, over_http.call({"action": "get_state", **session})["artifacts"])
