"""Real calls of the tool on a small installation, written down for the page of the actions."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aos_upgrade_plugin.effects.session.lock import hold_briefly
from aos_upgrade_plugin.models.workflow_call import Action
from tests.actions.workflow_places import lay_workflow, tool_at

Answer = Mapping[str, Any]

REVIEW = "code_review_v1"
_WAITS_S = (0.05, 0.2, 0.8, 3.2)
"""How long two calls get to read a session, the next one where the one before was too short."""
EVIDENCE = {"files_read": ["src/parser.py"], "findings": 2}
_METADATA: Mapping[str, Any] = {
    "workflow_type": REVIEW,
    "version": "1.0.0",
    "name": "Code review",
    "description": "Read a file, write down what is wrong with it",
    "estimated_duration": "20 minutes",
    "total_phases": 2,
    "phases": [
        {
            "phase_number": 0,
            "phase_name": "Read",
            "purpose": "Know what the code does",
            "estimated_effort": "15 minutes",
            "key_deliverables": ["A list of findings"],
            "validation_criteria": ["Every file was read"],
            "tasks": [{"task_number": 1, "name": "read", "file": "task-1-read.md"}],
        },
        {
            "phase_number": 1,
            "phase_name": "Report",
            "purpose": "Tell whoever wrote it",
            "estimated_effort": "5 minutes",
            "key_deliverables": ["The report"],
            "validation_criteria": ["Each finding has a line in the report"],
        },
    ],
}
_FILES = {
    "phases/0/phase.md": "# Phase 0: Read\n\nRead every file from its top to its end.\n",
    "phases/0/task-1-read.md": (
        "# Task 1: Read the file\n\nWrite down each finding.\n\n## Steps\n\n"
        "### Step 1: Open it\n\n```bash\nless src/parser.py\n```\nExpected: the whole file\n"
    ),
    "phases/0/gate-definition.yaml": (
        "checkpoint: {strict: true}\n"
        "evidence_schema:\n"
        "  files_read: {type: list, validator: non_empty, description: Which files were read}\n"
        "  findings: {type: integer, validator: non_negative, description: How many there are}\n"
    ),
    "phases/1/phase.md": "# Phase 1: Report\n\nOne line for each finding.\n",
    "phases/1/gate-definition.yaml": (
        "evidence_schema:\n  report: {type: string, description: Where the report lies}\n"
    ),
}


class Shown(NamedTuple):
    """One call for the page, and what was really answered."""

    when: str
    call: Answer
    answer: Answer

    @property
    def failed(self) -> bool:
        """Say whether the answer is an error."""
        return bool(self.answer["status"] == "error")


class Scene:
    """A project with an installation of its own, the tool beside it, and what is to be shown."""

    def __init__(self, folder: Path) -> None:
        """Lay down an installation with two workflows, one of them broken."""
        self.project = folder / "project"
        self.install = self.project / ".praxis-os"
        for name in ("mcp_server", "standards/universal"):
            (self.install / name).mkdir(parents=True)
        self.lay(REVIEW)
        lay_workflow(self.install / "workflows", "broken_v1", metadata={"version": "1.0.0"})
        self.tool = tool_at(self.install)
        self.shown: list[Shown] = []

    def lay(self, name: str, **metadata: object) -> None:
        """Lay down a workflow like the one of the examples."""
        said = {**_METADATA, "workflow_type": name, **metadata}
        lay_workflow(self.install / "workflows", name, metadata=said, files=_FILES)

    # ---- calling ---------------------------------------------------------------------------------

    def call(self, action: str, **arguments: object) -> Answer:
        """Call the tool to get somewhere."""
        answer = self.tool.call({"action": action, **arguments})
        assert answer["status"] == "success" or action == Action.COMPLETE_PHASE, answer
        return answer

    def shows(self, when: str, action: str, **arguments: object) -> Answer:
        """Write down a call that succeeds."""
        answer = self._write_down(when, {"action": action, **arguments})
        assert answer["status"] == "success", answer
        return answer

    def fails(self, when: str, action: str | None, **arguments: object) -> None:
        """Write down a call that is answered with an error."""
        call = {"action": action, **arguments} if action else arguments
        answer = self._write_down(when, call)
        assert answer["status"] == "error", (call, answer)

    def loses(self, when: str, prepare: Callable[[], dict[str, object]]) -> None:
        """Write down the answer to the slower of two calls that were made at once.

        Both have read the session before the first of them may write it.
        """
        for wait_s in _WAITS_S:
            answers: list[Answer] = []
            call = prepare()
            calls = [
                threading.Thread(target=lambda: answers.append(self.tool.call(call)))  # noqa: B023  ends before the next turn
                for _ in range(2)
            ]
            with hold_briefly(self.install / "state/workflows/.lock"):
                for each in calls:
                    each.start()
                time.sleep(wait_s)
            for each in calls:
                each.join()
            lost = [each for each in answers if "meanwhile" in each.get("error", "")]
            if lost:
                self.shown.append(Shown(when, call, lost[0]))
                return
        raise AssertionError("none of two calls lost against the other")

    def _write_down(self, when: str, call: dict[str, object]) -> Answer:
        answer = self.tool.call(call)
        shown = json.dumps(answer, ensure_ascii=False).replace(str(self.project.parent), "/path/to")
        self.shown.append(Shown(when, call, json.loads(shown)))
        return answer

    # ---- getting somewhere -----------------------------------------------------------------------

    def session(self, state: str = "active", *, workflow: str = REVIEW) -> str:
        """Start a session and bring it into a state; return its name."""
        begun = self.call("start", workflow_type=workflow, target_file="src/parser.py")
        name = str(begun["session_id"])
        match state:
            case "paused":
                self.call("pause", session_id=name, checkpoint_note="waiting for the author")
            case "failed":
                self.call("complete_phase", session_id=name, phase=0, evidence={"findings": 2})
            case "in phase 1":
                self.call("complete_phase", session_id=name, phase=0, evidence=EVIDENCE)
            case "completed":
                self.call("complete_phase", session_id=name, phase=0, evidence=EVIDENCE)
                report = {"report": "docs/review.md"}
                self.call("complete_phase", session_id=name, phase=1, evidence=report)
            case _:
                assert state == "active"
        return name

    def damaged(self) -> str:
        """Start a session and cut its files off; return its name."""
        name = self.session()
        for path in (self.install / "state/workflows").glob(f"{name}*"):
            path.write_text("{")
        return name

    def orphaned(self, state: str = "active") -> str:
        """Bring a session into a state, and break its workflow then; return its name."""
        self.lay("fragile_v1")
        name = self.session(state, workflow="fragile_v1")
        self.lay("fragile_v1", total_phases=3)
        return name

    def lay_elsewhere(self) -> None:
        """Look for the installation from now on where there is none."""
        nowhere = self.project.parent / "empty"
        nowhere.mkdir()
        self.tool = tool_at(nowhere)

    def limit_active_sessions(self, most: int) -> None:
        """Let the project say how many sessions may be active."""
        said = f"[tool.aos-upgrade]\nmax_active_sessions = {most}\n"
        (self.project / "pyproject.toml").write_text(said)
