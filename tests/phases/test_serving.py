"""Real servers of real installations: found, stopped, started, waited for."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import read_state
from aos_upgrade_plugin.errors import DiskError, ServerError
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.server import (
    HowStopped,
    Proof,
    ServerProcess,
    Servers,
    Site,
    StartCommand,
    Started,
    Transport,
)
from aos_upgrade_plugin.phases import serving

LaySite = Callable[..., Site]
LONG_S = 120.0
"""Nothing waits that long unless something is broken."""


def _command(site: Site) -> StartCommand:
    command = serving.recorded_command(site, serving.look(site))
    assert command is not None
    return command


def _start(site: Site, command: StartCommand | None = None, *, limit_s: float = LONG_S) -> Started:
    return serving.start(
        site, command or _command(site), log=site.install / ".cache/started.log", limit_s=limit_s
    )


def _by_hand(site: Site, *, folder: Path, python_path: str) -> subprocess.Popen[str]:
    """Start the server as a person does in a terminal."""
    return subprocess.Popen(
        [f"{site.install}/venv/bin/python", "-m", "mcp_server", "--transport", "http"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": python_path},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def _replace_server(site: Site, code: str) -> None:
    """Put another program in the place of the server's."""
    (site.install / "mcp_server/__main__.py").write_text(code)


KNOWS_THE_FLAG = '"--transport"\n'


@pytest.fixture
def ended() -> Iterator[Callable[[subprocess.Popen[Any]], None]]:
    """See to it that processes of a test are gone afterwards."""
    started: list[subprocess.Popen[Any]] = []
    yield started.append
    for process in started:
        process.kill()
        process.wait()


def _until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONG_S
    while not happened():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def test_a_started_server_answers_and_is_found(lay_site: LaySite) -> None:
    """Its process, its address and its tools are known, and nothing else is taken for it."""
    site = lay_site("1.1.0")
    assert serving.look(site) == Servers()
    started = _start(site)
    assert started.probe.tools == (
        *("search_standards", "read_standard", "pos_workflow", "get_server_info", "current_date"),
    )
    assert started.probe.version == "1.1.0"
    assert started.handshake_s > started.probe.connected_s > 0
    (found,) = serving.look(site).running
    assert (found.pid, found.transport) == (started.pid, Transport.HTTP)
    assert found.named_by_state
    assert found.may_be_stopped
    assert found.client is None
    assert "serving" in (site.install / ".cache/started.log").read_text()


def test_a_stopped_server_is_gone_and_leaves_its_state_behind(lay_site: LaySite) -> None:
    """What it leaves is not taken for a running server, nor does it hinder the next start."""
    site = lay_site()
    started = _start(site)
    (stopped,) = serving.stop(serving.look(site).running)
    assert (stopped.pid, stopped.how) == (started.pid, HowStopped.ASKED)
    assert site.state_file.exists()
    assert serving.look(site) == Servers()
    again = _start(site)
    assert again.pid != started.pid
    assert again.probe.reached


def test_two_installations_side_by_side_never_meet(lay_site: LaySite) -> None:
    """Restarting one leaves the other's process, address and answers alone."""
    ours, theirs = lay_site(project="ours"), lay_site("1.0.0", project="ours/below/theirs")
    other = _start(theirs)
    first = _start(ours)
    assert [each.pid for each in serving.look(ours).running] == [first.pid]
    assert [each.pid for each in serving.look(theirs).running] == [other.pid]
    serving.stop(serving.look(ours).running)
    second = _start(ours)
    assert second.pid not in {first.pid, other.pid}
    assert [each.pid for each in serving.look(theirs).running] == [other.pid]
    assert probe(other.url, limit_s=LONG_S).tools == other.probe.tools


def test_a_server_behind_a_link_is_found(lay_site: LaySite, tmp_path: Path) -> None:
    """People keep the installation elsewhere; the project shows a link to it."""
    site = lay_site()
    elsewhere = tmp_path / "elsewhere/os"
    elsewhere.parent.mkdir()
    site.install.rename(elsewhere)
    site.install.symlink_to(elsewhere)
    moved = Site(
        install=elsewhere,
        project=site.project,
        module=site.module,
        environment=elsewhere / "venv",
        state_file=elsewhere / site.state_file.name,
        index_folder=elsewhere / ".cache/vector_index",
    )
    command = serving.recorded_command(moved, Servers())
    assert command is not None
    assert command.recorded_in == ".mcp.json"
    started = _start(moved, command)
    assert [each.pid for each in serving.look(moved).running] == [started.pid]
    serving.stop(serving.look(moved).running)


def test_it_is_started_as_it_was(lay_site: LaySite) -> None:
    """Flags that somebody gave it come back after a restart."""
    site = lay_site()
    command = _command(site)
    louder = command.model_copy(
        update={"arguments": (*command.arguments, "--log-level", "WARNING")}
    )
    started = _start(site, louder)
    servers = serving.look(site)
    again = serving.recorded_command(site, servers)
    assert again is not None
    assert again.recorded_in == f"process {started.pid}"
    assert again.arguments[-4:] == ("--log-level", "WARNING", "--transport", "http")


def test_a_server_that_ends_at_once_is_told_with_its_last_words(lay_site: LaySite) -> None:
    """Whoever reads the error knows what is wrong without opening the log."""
    site = lay_site("bad-start")
    with pytest.raises(ServerError, match=r"ended with status 1.*No module named 'mcp_server\.m"):
        _start(site)
    assert serving.look(site) == Servers()


HANGS = (
    KNOWS_THE_FLAG
    + """
import json, os, socket, time
listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
state = {"transport": "http", "pid": os.getpid(), "url": f"http://127.0.0.1:{port}/mcp"}
with open(".praxis-os/.mcp_server_state.json", "w") as file:
    json.dump(state, file)
time.sleep(1000)
"""
)


def test_a_server_that_never_answers_is_given_up_and_stopped(lay_site: LaySite) -> None:
    """It listens, it has written its state, and still it is no running server."""
    site = lay_site()
    _replace_server(site, HANGS)
    with pytest.raises(ServerError, match="no handshake within 1 s") as error:
        _start(site, limit_s=1)
    assert "started.log" in error.value.cure
    assert serving.look(site) == Servers()


GROWS = (
    KNOWS_THE_FLAG
    + """
import pathlib, sys, time
table = pathlib.Path(".praxis-os/.cache/vector_index/table")
for size in range(40):
    table.write_text("x" * size)
    time.sleep(0.1)
sys.exit(7)
"""
)


def test_a_growing_index_buys_time(lay_site: LaySite) -> None:
    """As long as it is visibly being built, the limit does not pass: this one ends by itself."""
    site = lay_site()
    _replace_server(site, GROWS)
    with pytest.raises(ServerError, match="ended with status 7"):
        _start(site, limit_s=2)


STUBBORN = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(1000)", "a child"])
print("ready", flush=True)
time.sleep(1000)
"""


def test_a_server_that_will_not_go_is_killed_with_its_children(
    lay_site: LaySite, ended: Callable[[subprocess.Popen[Any]], None]
) -> None:
    """Nothing of the old code runs on after a stop."""
    site = lay_site()
    _replace_server(site, STUBBORN)
    with _by_hand(site, folder=site.project, python_path=".praxis-os") as process:
        ended(process)
        assert process.stdout is not None
        process.stdout.readline()
        (child,) = psutil.Process(process.pid).children()
        (stopped,) = serving.stop(serving.look(site).running, grace_s=0.2)
    assert stopped.how is HowStopped.KILLED
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


EDITOR = """
import subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(server.pid, flush=True)
sys.stdin.read()
server.stdin.close()
server.wait()
"""


def _editor(site: Site, *arguments: str) -> subprocess.Popen[str]:
    """Start a program that starts the server over pipes and holds them; it prints the id."""
    python = f"{site.install}/venv/bin/python"
    return subprocess.Popen(
        [sys.executable, "-c", EDITOR, python, "-m", *arguments],
        cwd=site.project,
        env={**os.environ, "PYTHONPATH": str(site.install)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def test_a_server_that_an_editor_started_is_named_and_left_to_it(
    lay_site: LaySite, ended: Callable[[subprocess.Popen[Any]], None]
) -> None:
    """Only the editor can restart it; stopping it would be a fight."""
    site = lay_site()
    with _editor(site, "mcp_server", "--transport", "stdio") as editor:
        ended(editor)
        assert editor.stdout is not None
        pid = int(editor.stdout.readline())
        (found,) = serving.look(site).running
        assert (found.pid, found.transport) == (pid, Transport.STDIO)
        assert f"process {editor.pid}" in str(found.client)
        assert not found.may_be_stopped
        assert serving.stop([found]) == ()
        assert psutil.pid_exists(pid)
        # Both write the one state file: the editor's first, or it would hide the other's.
        _until(lambda: (state := read_state(site)) is not None and state.pid == pid)
        beside = _start(site)
        assert beside.probe.reached
        assert {each.pid for each in serving.look(site).running} == {pid, beside.pid}


def test_a_server_that_others_reach_too_is_ours_to_stop(
    lay_site: LaySite, ended: Callable[[subprocess.Popen[Any]], None]
) -> None:
    """The editor that started it is named, so that its user can be told to connect again."""
    site = lay_site()
    with _editor(site, "mcp_server.__main__", "--transport", "dual") as editor:
        ended(editor)
        assert editor.stdout is not None
        pid = int(editor.stdout.readline())
        (found,) = serving.look(site).running
        assert (found.pid, found.transport) == (pid, Transport.DUAL)
        assert f"process {editor.pid}" in str(found.client)
        (stopped,) = serving.stop([found])
        assert stopped.how is not HowStopped.GONE
        assert serving.look(site) == Servers()


def test_a_process_that_only_looks_like_it_is_doubtful(
    lay_site: LaySite, tmp_path: Path, ended: Callable[[subprocess.Popen[Any]], None]
) -> None:
    """Started from another folder it serves who knows what: a person has to look."""
    site = lay_site()
    _replace_server(site, "import time; print('ready', flush=True); time.sleep(1000)")
    with _by_hand(site, folder=tmp_path, python_path=str(site.install)) as process:
        ended(process)
        assert process.stdout is not None
        process.stdout.readline()
        found = serving.look(site)
        process.kill()
    assert found.running == ()
    assert [(each.pid, each.missing) for each in found.doubtful] == [(process.pid, (Proof.FOLDER,))]


def test_a_process_id_that_was_used_again_is_left_alone(lay_site: LaySite) -> None:
    """What we saw an hour ago is stopped only if it is still the same process."""
    site = lay_site()
    started = _start(site)
    (found,) = serving.look(site).running
    (stopped,) = serving.stop([found.model_copy(update={"born": Moment(at_s=1.0)})])
    assert stopped.how is HowStopped.GONE
    assert psutil.pid_exists(started.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the clock is all there is")
def test_a_clock_that_was_set_makes_no_other_process(lay_site: LaySite) -> None:
    """What was seen before the clock was set is the same process, and can be stopped."""
    site = lay_site()
    _start(site)
    (found,) = serving.look(site).running
    assert found.born.ticks is not None
    an_hour_ago = found.born.model_copy(update={"at_s": found.born.at_s - 3600})
    seen_then = found.model_copy(update={"born": an_hour_ago})
    assert found.is_among([seen_then])
    assert serving.still_running([seen_then]) == (seen_then,)
    (stopped,) = serving.stop([seen_then])
    assert stopped.how is HowStopped.ASKED


def test_a_state_file_of_another_server_hides_nothing(lay_site: LaySite) -> None:
    """An editor's server writes the one state file too; ours is found by where it listens."""
    site = lay_site()
    state = site.install / "mcp_server/state.py"
    state.write_text(f"{state.read_text()}\n\ndef remember(*_):\n    pass\n")
    site.state_file.write_text(f'{{"transport": "stdio", "pid": {os.getpid()}}}')
    started = _start(site)
    (found,) = serving.look(site).running
    assert (found.pid, found.named_by_state) == (started.pid, False)
    assert serving.who_serves(site, started.url) == found
    assert serving.address_of(site, [found], limit_s=LONG_S) == started.url
    assert serving.address_of(site, [], limit_s=LONG_S) is None


STARTS = """
import sys
from pathlib import Path
from aos_upgrade_plugin.models.server import Site, StartCommand
from aos_upgrade_plugin.phases import serving
site = Site(**{name: Path(value) if name != "module" else value
               for name, value in zip(Site._fields, sys.argv[2:])})
command = StartCommand.model_validate_json(sys.argv[1])
print(serving.start(site, command, log=site.install / ".cache/log", limit_s=120).pid)
"""


def test_it_outlives_the_process_that_started_it(lay_site: LaySite) -> None:
    """The command ends, the server stays, and a later command finds and stops it."""
    site = lay_site()
    command = _command(site).model_dump_json()
    said = subprocess.run(
        [sys.executable, "-c", STARTS, command, *map(str, site)],
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    (found,) = serving.look(site).running
    assert (found.pid, found.client) == (int(said), None)
    (stopped,) = serving.stop([found])
    assert stopped.how is HowStopped.ASKED


def test_it_inherits_no_lock_of_ours(lay_site: LaySite, tmp_path: Path) -> None:
    """The upgrade lock passes to our children, but a server would hold it for weeks."""
    site = lay_site()
    lock = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    os.set_inheritable(lock, True)  # noqa: FBT003 - positional only
    fcntl.flock(lock, fcntl.LOCK_EX)
    assert not _is_free(tmp_path / "lock")
    _start(site)
    os.close(lock)
    assert _is_free(tmp_path / "lock"), "the server holds it"


def _is_free(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_one_that_was_killed_is_not_taken_for_a_running_one(lay_site: LaySite) -> None:
    """Neither its state file nor a process entry that nobody collected counts."""
    site = lay_site()
    started = _start(site)
    os.kill(started.pid, signal.SIGKILL)
    _until(lambda: serving.look(site) == Servers())
    assert serving.stop([]) == ()


def test_a_command_may_start_the_server_as_its_child(lay_site: LaySite) -> None:
    """A wrapper is no server: the process that serves is the one that is told."""
    site = lay_site()
    command = _command(site)
    wrapped = ("/bin/sh", "-c", '"$0" "$@"; exit', *command.arguments)
    started = _start(site, command.model_copy(update={"arguments": wrapped}))
    assert [each.pid for each in serving.look(site).running] == [started.pid]


def test_code_without_the_flag_is_not_started_for_others(lay_site: LaySite) -> None:
    """The first generations speak stdio only; the command to ask them is still known."""
    site = lay_site()
    _replace_server(site, "")
    assert serving.recorded_command(site, Servers()) is None
    command = serving.recorded_command(site, Servers(), transport=Transport.STDIO)
    assert command is not None
    assert command.arguments == (f"{site.install}/venv/bin/python", "-m", "mcp_server")


def test_without_an_environment_the_cure_is_named(lay_site: LaySite) -> None:
    """A Python that is not there is an error of one line."""
    site = lay_site()
    (site.install / "venv").rename(site.install / "venv.away")
    with pytest.raises(DiskError, match=r"venv/bin/python"):
        _start(site)


def _of_somebody_else() -> psutil.Process | None:
    mine = os.getuid()
    everybody = psutil.process_iter() if mine else ()
    return next((each for each in everybody if mine not in each.uids()), None)


@pytest.mark.skipif(_of_somebody_else() is None, reason="every process may be stopped by us")
def test_what_we_may_not_stop_is_told() -> None:
    """The system refuses, nothing happened, and a person learns what to do."""
    theirs = _of_somebody_else()
    assert theirs is not None
    server = ServerProcess(
        pid=theirs.pid, born=moments.birth(theirs), transport=Transport.HTTP, arguments=()
    )
    with pytest.raises(ServerError, match="cannot be stopped") as error:
        serving.stop([server], grace_s=0)
    assert f"kill {theirs.pid}" in error.value.cure
