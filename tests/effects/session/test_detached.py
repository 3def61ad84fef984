"""A command that outlives whoever asked for it, and its answer."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from aos_upgrade_plugin.effects.session import detached
from aos_upgrade_plugin.effects.session.detached import Detached
from tests.actions.workflow_places import lay_installation

NAME = "some_upgrade"
STATUS = ("status", "--json")
SERVES = ("serve", "--transport", "http")
_PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)


def _ended() -> Detached:
    give_up_at = time.monotonic() + _PATIENCE_S
    while (found := detached.look(NAME)) is not None and found.works:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)
    assert found is not None
    return found


def _kill(folder: Path) -> None:
    (record,) = (folder / "home").rglob("command.json")
    psutil.Process(json.loads(record.read_text())["pid"]).kill()


def test_its_answer_is_there_when_it_has_ended(tmp_path: Path) -> None:
    """An error is an answer, too; before, and for other sessions, there is none."""
    assert detached.look(NAME) is None
    detached.start(NAME, STATUS, folder=tmp_path)
    found = _ended()
    assert found.arguments == STATUS
    assert found.answer is not None
    assert found.answer["error"]["exit_code"] == 2
    assert detached.look("another") is None
    detached.forget(NAME)
    assert detached.look(NAME) is None


def test_it_outlives_whoever_asked(tmp_path: Path) -> None:
    """Whoever started it may be killed with its whole group; the answer comes all the same."""
    code = (
        "import sys; from pathlib import Path\n"
        "from aos_upgrade_plugin.effects.session import detached\n"
        "detached.start(sys.argv[1], ('status', '--json'), folder=Path(sys.argv[2]))\n"
        "print(flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, NAME, tmp_path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as asking:
        assert asking.stdout is not None
        asking.stdout.readline()
        os.killpg(asking.pid, signal.SIGKILL)
    assert _ended().answer is not None


def test_a_killed_one_has_no_answer_and_the_next_one_works(tmp_path: Path) -> None:
    """What is left of it is never taken for the answer of another."""
    detached.start(NAME, SERVES, folder=lay_installation(tmp_path / "project"))
    _kill(tmp_path)
    assert _ended().answer is None
    detached.start(NAME, STATUS, folder=tmp_path)
    assert _ended().answer is not None


def test_one_command_at_a_time(tmp_path: Path) -> None:
    """While one works on a session, starting another does nothing: they would meet."""
    detached.start(NAME, SERVES, folder=lay_installation(tmp_path / "project"))
    detached.start(NAME, STATUS, folder=tmp_path)
    found = detached.look(NAME)
    assert found is not None
    assert (found.works, found.arguments) == (True, SERVES)
    _kill(tmp_path)
    _ended()
