"""Two processes that want the same thing at the same moment: one gets it, nothing is lost."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Literal

import pytest

from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.effects.backup.backups import listed
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.effects.session.lock_holder import holder
from aos_upgrade_plugin.models.session import WorkflowSession

pytestmark = pytest.mark.usefixtures("unmeasured")

# Waits for the moment without sleeping, so that both begin within some microseconds.
_RACER = """
import json, sys, time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.errors import BusyError, StaleError
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.holding import holding
from aos_upgrade_plugin.phases.installation import find

install, number = Path(sys.argv[1]), int(sys.argv[2])
NAME = "contended"

def lock(stack, seen):
    stack.enter_context(hold(install, session=None, command=f"racer {number}"))

def session(stack, seen):
    sessions.save(install, seen.model_copy(update={"current_phase": number}))

def backup(stack, seen):
    held = stack.enter_context(holding(install, session=None, command=f"racer {number}"))
    return back_up(find(held.install), now=datetime.now(UTC)).name

for line in sys.stdin:
    act = {"lock": lock, "session": session, "backup": backup}[line.strip()]
    seen = sessions.load(install, NAME).session
    print("ready", flush=True)
    moment = float(sys.stdin.readline())
    with ExitStack() as stack:
        while time.monotonic() < moment:
            pass
        try:
            answer = {"won": True, "got": act(stack, seen)}
        except (BusyError, StaleError) as error:
            answer = {"won": False, "said": str(error)}
        print(json.dumps(answer), flush=True)
        sys.stdin.readline()  # both have answered: let go
    print("let go", flush=True)
"""


class _Racers:
    """Two processes that can be set upon something at the same moment."""

    def __init__(self, install: Path, stack: ExitStack) -> None:
        self.processes = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", _RACER, str(install), str(number)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for number in (1, 2)
        ]

    def race(self, what: Literal["lock", "session", "backup"]) -> tuple[Any, Any, Any]:
        """Let both have a go; return the winner's process and answer, and the loser's answer."""
        self._tell(what)
        assert self._hear() == ["ready\n"] * 2
        self._tell(str(time.monotonic() + 0.002))
        answers = [json.loads(line) for line in self._hear()]
        self._tell("let go")
        assert self._hear() == ["let go\n"] * 2
        assert [answer["won"] for answer in answers].count(True) == 1, answers
        winner = [answer["won"] for answer in answers].index(True)
        return self.processes[winner], answers[winner], answers[1 - winner]

    def _tell(self, line: str) -> None:
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(f"{line}\n")
            process.stdin.flush()

    def _hear(self) -> list[str]:
        streams = [process.stdout for process in self.processes]
        return [stream.readline() for stream in streams if stream is not None]

    def end(self) -> None:
        """Let both end."""
        for process in self.processes:
            process.communicate()


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make a small installation with a session."""
    folder = tmp_path / ".praxis-os"
    for number in range(20):
        path = folder / "standards" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content {number}\n" * 50)
    return folder


@pytest.fixture
def racers(install: Path) -> Iterator[_Racers]:
    """Start two processes; they end with the test."""
    with ExitStack() as stack:
        both = _Racers(install, stack)
        yield both
        both.end()


@pytest.mark.parametrize("rounds", [5, pytest.param(100, marks=pytest.mark.faults_full)])
def test_one_wins_and_nothing_is_lost(
    install: Path, racers: _Racers, rounds: int, session: WorkflowSession
) -> None:
    """Lock, session and backup: each round has one winner, and the loser is told who it was."""
    made = []
    for number in range(rounds):
        winner, _, loser = racers.race("lock")
        assert f"held by process {winner.pid} since" in loser["said"]

        winner, _, loser = racers.race("session")
        assert f"at revision {number + 2} meanwhile, and this is revision" in loser["said"]
        stored = sessions.load(install, session.session_id)
        assert stored.problem is None
        assert stored.session is not None
        assert stored.session.revision == number + 2
        assert winner is racers.processes[stored.session.current_phase - 1]

        winner, answer, loser = racers.race("backup")
        assert f"held by process {winner.pid} since" in loser["said"]
        made.append(answer["got"])
        assert verify(install / ".backups" / answer["got"]) == ()

    assert len(set(made)) == rounds
    assert sorted(made) == sorted(each.name for each in listed(install) if each.manifest)
    assert not list((install / ".backups").glob(".*"))
    assert holder(install) is None


@pytest.fixture
def session(install: Path) -> WorkflowSession:
    """Save the session that both want to save."""
    now = "2025-11-21T12:30:00Z"
    return sessions.save(
        install,
        WorkflowSession.model_validate(
            {
                "session_id": "contended",
                "workflow_type": "other",
                "target_file": "x",
                "current_phase": 0,
                "created_at": now,
                "last_updated": now,
            }
        ),
    )
