"""Whole runs of the command on a real installation, with somebody who spoils them on request.

What the saboteur does and where is said like ``fail@gate:content,hang@action:2``: the deeds are
the functions of ``_HOOKS``, the places are the gates, and the actions of the phases.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from aos_upgrade_plugin.effects.session.run_folder import load_plan
from aos_upgrade_plugin.effects.tree.files import entry_at
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.run import PLAN
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.status import Status
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.overview import status_of
from aos_upgrade_plugin.phases.planning import read_installation_tree
from aos_upgrade_plugin.sample import build_source, lay_down, variants
from aos_upgrade_plugin.sample.source import git
from tests.plugin.worlds import World

_MAIN = "from aos_upgrade_plugin.cli import main; main()"
_GATES = ("pre-flight", "backup", "content", "validation", "cleanup", "rollback", "server")
_PATIENCE_S = 60.0

_HOOKS = """
import json, os, signal, time
from pathlib import Path

def fail(target, place):
    raise AssertionError(f"sabotage in {place}")

def hang(target, place):
    Path(os.environ["SABOTAGE_AT"]).write_text(str(os.getpid()))
    time.sleep(600)

def pause(target, place):
    Path(os.environ["SABOTAGE_AT"]).write_text(str(os.getpid()))
    while Path(os.environ["SABOTAGE_AT"]).exists():
        time.sleep(0.02)

def die(target, place):
    os.kill(os.getpid(), signal.SIGKILL)

def kill_runner(target, place):
    os.kill(os.getppid(), signal.SIGKILL)

def kill_server(target, place):
    os.kill(json.loads((target / ".mcp_server_state.json").read_text())["pid"], signal.SIGKILL)

def save(target, place):
    with (target / os.environ["SABOTAGE_SAVES"]).open("a") as file:
        file.write("saved by the user meanwhile")

def fill(target, place):
    with (target.parent / "filler").open("ab", buffering=0) as file:
        for size in (1 << 16, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue

def shout(target, place):
    os.write(1, bytes(range(256)) * (1 << 16))
    print("x" * (1 << 22))

def spoil(target, place):
    for word in os.environ.get("SABOTAGE", "").split(","):
        deed, _, where = word.partition("@")
        if where == place:
            globals()[deed](target, place)

@hookimpl
def aos_check_modules():
    return ["saboteur.checks"]

@hookimpl
def aos_phase_action(phase, context):
    spoil(context.target, f"action:{phase}")
    return {}
"""
_CHECK = '''
@check("TST-{id}", gate=Gate("{gate}"), severity=Severity.BLOCKER, remedy="stop the saboteur")
def check_nobody_spoils_{name}(target, record_fact):
    """Nobody spoils the gate {gate}."""
    from saboteur.plugin import spoil
    record_fact("saboteur_was_asked", True)
    spoil(target, "gate:{gate}")
'''


class Done(NamedTuple):
    """What one call of the command came to."""

    exit_code: int
    answer: dict[str, Any]
    said: str
    """What it wrote to standard error."""


class Trip:
    """A project with an installation of the sample, and the command installed beside it."""

    def __init__(
        self,
        folder: Path,
        *,
        version: str = "1.0.0",
        saboteur: bool = True,
        own_source: bool = False,
    ) -> None:
        """Lay everything down; the user has files, edits and a configuration of their own.

        With ``own_source`` the project is the source's own checkout.
        """
        self.folder = folder
        self.world = World(folder, built_in_checks=True)
        self.python, self.source = self.world.python, self.world.source
        self.project = self.source if own_source else self.world.target.parent
        self.world.target.rmdir()
        self.source.rmdir()
        built = build_source(self.source)
        git(self.source, "checkout", "--quiet", "1.1.0")
        self.install = lay_down(built, version, self.project)
        variants.configure(self.install)
        variants.add_user_files(self.install)
        variants.add_user_workflow(self.install)
        variants.edit(self.install, variants.UNTOUCHED)
        if saboteur:
            self._add_saboteur()
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self.wrapper: tuple[str, ...] = ()
        """A command that starts the command."""
        self.before = self.tree()
        self.ignore = (self.project / ".gitignore").read_bytes()

    def _add_saboteur(self) -> None:
        code = "".join(
            _CHECK.format(id=f"S{number:03}", gate=gate, name=gate.replace("-", "_"))
            for number, gate in enumerate(_GATES)
        )
        self.install_distribution("saboteur", {"check_sabotage": code}, hooks=_HOOKS)

    def install_distribution(
        self, name: str, modules: Mapping[str, str], *, hooks: str | None = None
    ) -> None:
        """Install a distribution beside ours."""
        self.world.install(name, modules, hooks=hooks)

    # ---- how the installation stands ---------------------------------------------------------

    def tree(self) -> Tree:
        """Return everything in the installation that is not made again."""
        return read_installation_tree(find(self.project))

    def is_as_before(self) -> bool:
        """Say whether installation and project are byte for byte as they were laid down."""
        return (
            self.tree() == self.before and self.ignore == (self.project / ".gitignore").read_bytes()
        )

    def is_as_planned(self) -> bool:
        """Say whether everything is byte for byte what the last run's plan says."""
        roots = {Place.INSTALL: self.install, Place.PROJECT: self.project}
        changes = [one.change for one in load_plan(self.run_folder / PLAN).changes]
        changed = {each.path for each in changes if each.place is Place.INSTALL}
        left = {path: entry for path, entry in self.tree().items() if path not in changed}
        return left == {
            path: entry for path, entry in self.before.items() if path not in changed
        } and all(entry_at(roots[each.place], each.path) == each.after for each in changes)

    def status(self) -> Status:
        """Return what ``aos-upgrade status`` would say."""
        return status_of(find(self.project))

    def session(self) -> WorkflowSession:
        """Return the state of the run that was used last."""
        found = self.status().sessions[0].session
        assert found is not None
        return found

    @property
    def run_folder(self) -> Path:
        """Where the last run keeps its plan, its reports and its evidence."""
        return self.install / ".upgrades" / self.session().session_id

    @property
    def backups(self) -> list[str]:
        """Return the names of everything among the backups, half-made ones too."""
        folder = self.install / ".backups"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []

    # ---- calling the command -----------------------------------------------------------------

    def call(self, *arguments: str, sabotage: str = "", **environ: str) -> Done:
        """Call the command with ``--json`` and wait for it; it never shows a traceback."""
        with self.start(*arguments, sabotage=sabotage, **environ) as process:
            return _done(process)

    def start(self, *arguments: str, sabotage: str = "", **environ: str) -> "subprocess.Popen[str]":
        """Start the command in a process group of its own."""
        return subprocess.Popen(
            [*self.wrapper, self.python, "-c", _MAIN, *arguments, "--json"],
            cwd=self.project,
            env=self.surroundings(SABOTAGE=sabotage, **environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def surroundings(self, **environ: str) -> dict[str, str]:
        """Return the environment of a call."""
        own = {"HOME": self.folder / "home", "TMPDIR": self.temporary, "SABOTAGE_AT": self.reached}
        return {**os.environ, **{name: str(path) for name, path in own.items()}, **environ}

    def run(self, *more: str, sabotage: str = "", **environ: str) -> Done:
        """Run the content upgrade."""
        return self.call("run", *self.what, *more, sabotage=sabotage, **environ)

    @property
    def what(self) -> tuple[str, ...]:
        """The upgrade that is meant."""
        return ("--source", str(self.source), "--only", "content")

    @property
    def reached(self) -> Path:
        """The file that appears when the saboteur hangs; it holds the process that does."""
        return self.folder / "reached"

    @contextmanager
    def paused(self, sabotage: str, *command: str) -> "Iterator[tuple[subprocess.Popen[str], int]]":
        """Call the command up to where the saboteur pauses or hangs; yield it and who does so."""
        with self.start(*(command or ("run", *self.what)), sabotage=sabotage) as process:
            give_up_at = time.monotonic() + _PATIENCE_S
            while not self.reached.exists() or not self.reached.read_text():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < give_up_at, "the saboteur was never asked"
                time.sleep(0.02)
            hanging = int(self.reached.read_text())
            try:
                yield process, hanging
            finally:
                self.reached.unlink(missing_ok=True)
                if process.poll() is not None and hanging != process.pid:
                    _end(hanging)

    def go_on(self, process: "subprocess.Popen[str]") -> Done:
        """Let the saboteur stop pausing, and wait for the command."""
        self.reached.unlink()
        return _done(process)

    def stop_at(self, sabotage: str, *command: str, with_signal: signal.Signals) -> Done:
        """Call the command up to where the saboteur hangs, and send it a signal there."""
        with self.paused(sabotage, *command) as (process, _):
            process.send_signal(with_signal)
            return _done(process)


def _done(process: "subprocess.Popen[str]") -> Done:
    out, err = process.communicate()
    assert "Traceback" not in out + err, out + err
    return Done(process.returncode, json.loads(out) if out.strip() else {}, err)


def _end(pid: int) -> None:
    """End an orphaned gate; it may have noticed by itself that nobody listens any more."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
