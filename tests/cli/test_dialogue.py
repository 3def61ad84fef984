"""Conflicts decided by somebody at a terminal: a real pseudo-terminal, typed into."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from aos_upgrade_plugin.cli import dialogue
from aos_upgrade_plugin.cli.options import settings
from aos_upgrade_plugin.effects.answers_file import read_answers
from aos_upgrade_plugin.effects.session.run_folder import load_plan
from aos_upgrade_plugin.models.conflict import Merge
from aos_upgrade_plugin.models.plan import Choice
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.tree import unescape
from tests.cli.conftest import COMMAND
from tests.decide.conflicts import conflict
from tests.effects.repositories import build
from tests.phases.products import lay_down, product, put

PROMPT = b"? help > "
LINES = b"".join(b"line %d\n" % number for number in range(9))
THEIRS = LINES.replace(b"line 0", b"their line 0")
OLD = product(
    {"standards/calm.md": b"calm\n", **{f"standards/{name}.md": LINES for name in "abcd"}}
)
NEW = product(
    {"standards/calm.md": b"calm\n", **{f"standards/{name}.md": THEIRS for name in "abcd"}},
    version="1.1.0",
)
_PATIENCE_S = 120.0

_EDITOR = """
import sys
from pathlib import Path
text = Path(sys.argv[1])
assert text.read_text().startswith("<<<<<<< yours")
asked = Path(__file__).with_name("asked")
if asked.exists():  # the first time the markers stay
    text.write_text("what both meant\\n")
asked.touch()
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project whose standards clash with what comes, but for one that merges."""
    build(tmp_path / "source", OLD, NEW)
    install = lay_down(OLD, tmp_path / "project")
    for name in "abc":
        put(install, f"standards/universal/{name}.md", LINES.replace(b"line 0", b"my line 0"))
    put(install, "standards/universal/d.md", LINES + b"my line\n")
    return tmp_path / "project"


class Terminal:
    """A command on a terminal."""

    def __init__(self, process: "subprocess.Popen[bytes]", descriptor: int) -> None:
        """Look at its terminal."""
        self._process, self._descriptor = process, descriptor
        self.shown = b""

    def type(self, text: str) -> bytes:
        """Wait until something is asked, type, and return what was shown before."""
        before = self._until_asked()
        os.write(self._descriptor, text.encode() + b"\n")
        return before

    def ended(self) -> tuple[int, bytes]:
        """Read to the end; return the exit status and what was shown."""
        while self._read():
            pass
        return self._process.wait(_PATIENCE_S), self.shown

    def _until_asked(self) -> bytes:
        give_up_at = time.monotonic() + _PATIENCE_S
        while PROMPT not in self.shown:
            assert self._read(), self.shown
            assert time.monotonic() < give_up_at, self.shown
        before, _, self.shown = self.shown.partition(PROMPT)
        return before

    def _read(self) -> bool:
        ready, _, _ = select.select([self._descriptor], [], [], _PATIENCE_S)
        try:
            chunk = os.read(self._descriptor, 1 << 16) if ready else b""
        except OSError:  # the other side is closed
            chunk = b""
        self.shown += chunk
        return bool(chunk)


@contextmanager
def _on_terminal(words: Sequence[str], cwd: Path, **environ: str) -> Iterator[Terminal]:
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [COMMAND, *words],
            cwd=cwd,
            env={**os.environ, **environ},
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=theirs,
            start_new_session=True,
        ) as process:
            os.close(theirs)
            try:
                yield Terminal(process, ours)
            finally:
                process.kill()
    finally:
        os.close(ours)


def test_each_conflict_is_shown_and_decided_and_the_decisions_can_be_saved(
    project: Path, tmp_path: Path
) -> None:
    """Keep, edit with markers left at first, skip, merge; plan and answers hold what was said."""
    (tmp_path / "editor.py").write_text(_EDITOR)
    files = ("--out", str(tmp_path / "plan.json"), "--write-answers", str(tmp_path / "a.json"))
    words = ("plan", "--source", str(tmp_path / "source"), "--only", "content")
    editor = f"{sys.executable} '{tmp_path / 'editor.py'}'"
    with _on_terminal(
        (*words, "--on-conflict", "ask", *files), project, VISUAL="", EDITOR=editor
    ) as terminal:
        first = terminal.type("?")
        assert b"[1/4] standards/universal/a.md" in first
        assert b"-line 0" in first
        assert b"+my line 0" in first
        assert b"+their line 0" in first
        assert b"same lines" in first
        assert b"your editor" in terminal.type("i")
        assert b"their line 0\r\nline 1" in terminal.type("k")
        terminal.type("e")
        assert b"markers of an unfinished merge" in terminal.type("e")
        terminal.type("s")
        assert b"git merges it cleanly" in terminal.type("m")
        status, _ = terminal.ended()
    assert status == 3
    plan = load_plan(tmp_path / "plan.json")
    decided = {one.path[-4:]: (one.choice, one.decided_by) for one in plan.conflicts}
    assert decided == {
        "a.md": (Choice.KEEP, "asked"),
        "b.md": (Choice.OWN, "asked"),
        "c.md": (None, None),
        "d.md": (Choice.MERGE, "asked"),
    }
    texts = {one.change.path[-4:]: one.text for one in plan.changes if one.choice and one.text}
    assert {name: unescape(text or "") for name, text in texts.items()} == {
        "b.md": b"what both meant\n",
        "d.md": THEIRS + b"my line\n",
    }
    given = read_answers(tmp_path / "a.json")
    assert [answer.decision for answer in given.answers.answers] == [
        one.choice for one in plan.conflicts
    ]
    assert list(given.contents.values()) == [b"what both meant\n"]


def test_a_run_on_a_terminal_asks_by_itself_and_quitting_changes_nothing(
    project: Path, tmp_path: Path
) -> None:
    """Nobody has to know the option; whoever quits is told what is open, exit 3."""
    words = ("run", "--source", str(tmp_path / "source"), "--only", "content")
    with _on_terminal(words, project) as terminal:
        terminal.type("q")
        status, _ = terminal.ended()
    assert status == 3
    assert not (project / ".agent-os/.upgrades").exists()


def test_without_a_terminal_asking_is_refused(project: Path, tmp_path: Path) -> None:
    """A build server is told how else to decide, before anything is read."""
    words = ("plan", "--source", str(tmp_path / "source"), "--on-conflict", "ask", "--json")
    done = subprocess.run(
        [COMMAND, *words], cwd=project, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert "needs a terminal" in json.loads(done.stdout)["error"]["message"]


def test_a_capital_letter_decides_all_that_follow(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as that can be; and the end of the input is the end of the dialogue."""
    typed = iter(["M\n", "k\n", ""])
    monkeypatch.setattr("sys.stdin.readline", lambda: next(typed), raising=False)
    merges = Merge(content=b"both")
    found = dialogue.ask(
        [
            conflict(b"a", b"b", b"c", path="1", merge=merges),
            conflict(b"a", b"b", b"c", path="2"),
            conflict(b"a", b"b", b"c", path="3", merge=merges),
            conflict(b"a", b"b", b"c", path="4"),
            conflict(b"a", b"b", b"c", path="5", merge=merges),
        ]
    )
    assert {path: decision.choice for path, decision in found.items()} == {
        "1": Choice.MERGE,
        "2": Choice.KEEP,
        "3": Choice.MERGE,
    }


@pytest.mark.parametrize(
    ("table", "terminal", "expected"),
    [
        pytest.param("", True, OnConflict.ASK, id="a-terminal"),
        pytest.param("", False, OnConflict.FAIL, id="no-terminal"),
        pytest.param('on-conflict = "keep"', True, OnConflict.KEEP, id="said-in-the-project"),
        pytest.param("interactive-conflicts = false", True, OnConflict.FAIL, id="not-wanted"),
    ],
)
def test_somebody_is_asked_where_nothing_else_was_said(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    table: str,
    terminal: bool,
    expected: OnConflict,
) -> None:
    """On a terminal, unless a flag, the environment or the project says how to decide."""
    (project / "pyproject.toml").write_text(f"[tool.aos-upgrade]\n{table}\n")
    monkeypatch.setattr(dialogue, "can_ask", lambda: terminal)
    flags = {"source_path": "source"}
    assert settings(str(project), flags, may_ask=True).on_conflict is expected
    assert settings(str(project), flags).on_conflict is not OnConflict.ASK
    monkeypatch.setenv("AOS_UPGRADE_ON_CONFLICT", "take")
    assert settings(str(project), flags, may_ask=True).on_conflict is OnConflict.TAKE
