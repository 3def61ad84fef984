"""Questions at a terminal."""

import os
import pty
import subprocess
import sys

import pytest

_ASK = """
from aos_upgrade_plugin.cli.asking import about_migrations
from aos_upgrade_plugin.models.migration import PlannedMigration
ask = about_migrations()
asked = PlannedMigration(id="one", title="One", why="because", needed=True, asked=False,
                         lines=("move a to b",), distribution="acme 1")
print(None if ask is None else ask(asked))
"""


@pytest.mark.parametrize(("typed", "answer"), [(b"y\n", "True"), (b"\n", "False")])
def test_somebody_at_a_terminal_is_asked_and_sees_what_is_done(typed: bytes, answer: str) -> None:
    """Path by path; only a yes is one."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-c", _ASK]
    with subprocess.Popen(command, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE) as child:
        os.close(theirs)
        shown = b""
        while b"Make it?" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, typed)
        said, _ = child.communicate()
    os.close(ours)
    assert said.decode().split() == [answer]
    assert b"move a to b" in shown


def test_nobody_else_is_asked() -> None:
    """A script, a pipeline, a program that waits for JSON."""
    done = subprocess.run(
        [sys.executable, "-c", _ASK], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert done.stdout.split() == [b"None"]
