"""Processes of installers: their output, their limits, their surroundings, their end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.errors import DiskError, PackagesError

PYTHON = (sys.executable, "-I", "-c")
MUCH = 3_000_000


def _is_gone(pid: int) -> bool:
    """Wait for a process that was ended, and say whether it is."""
    for _ in range(500):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.01)
    return False


def _last_line(log: Path) -> str:
    """Return the last line that is complete."""
    lines = log.read_text().split("\n")[:-1] if log.exists() else []
    return lines[-1] if lines else ""


def test_what_is_said_is_kept(tmp_path: Path) -> None:
    """Both streams, of every process, with the command that said it."""
    bench = Workbench(tmp_path / "bench")
    for word in ("one", "two"):
        code = f"import sys; print({word!r}); print('warning: {word}', file=sys.stderr)"
        bench.run((*PYTHON, code), doing="talking")
    log = bench.log.read_text()
    assert [log.count(each) for each in ("\n$ ", "\none\n", "\nwarning: two\n")] == [1, 1, 1]


def test_an_answer_is_returned_and_the_rest_is_kept(tmp_path: Path) -> None:
    """A report of a megabyte is no log."""
    bench = Workbench(tmp_path)
    code = f"import sys; print('x' * {MUCH}); print('warning', file=sys.stderr)"
    assert bench.ask((*PYTHON, code), doing="asking") == "x" * MUCH + "\n"
    assert bench.log.read_text().endswith("\nwarning\n")


def test_a_log_keeps_its_beginning_and_its_end(tmp_path: Path) -> None:
    """However much is said, it stays small, and the end is there."""
    bench = Workbench(tmp_path)
    code = f"print('first'); print(('y' * 99 + '\\n') * {MUCH // 100}); print('last')"
    bench.run((*PYTHON, code), doing="talking")
    log = bench.log.read_text()
    assert len(log) < 1.2 * (1 << 20)
    assert "\nfirst\n" in log
    assert log.endswith("\nlast\n")
    assert "lines left out" in log


def test_a_failure_says_why(tmp_path: Path) -> None:
    """Its errors are the message; where the rest is kept is the cure."""
    code = "print('downloading'); print('ERROR: no such package'); print('ERROR: really'); exit(7)"
    with pytest.raises(PackagesError) as caught:
        Workbench(tmp_path).run((*PYTHON, code), doing="installing")
    assert str(caught.value) == (
        "installing failed, ended with status 7: ERROR: no such package ERROR: really"
    )
    assert str(tmp_path / "packages.log") in caught.value.cure


def test_passwords_stay_secret(tmp_path: Path) -> None:
    """An address with a password is shown without it, in the log and in the error."""
    address = "https://user:hunter2@example.org/simple"
    with pytest.raises(PackagesError) as caught:
        Workbench(tmp_path).run(
            (*PYTHON, f"print('error: {address}'); exit(1)", address), doing="it"
        )
    log = (tmp_path / "packages.log").read_text()
    assert "hunter2" not in str(caught.value) + log
    assert "https://***@example.org/simple" in str(caught.value)


def test_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    """A process that hangs is given up, and so is what it started."""
    code = (
        "import subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    bench = Workbench(tmp_path, limit_s=2)
    with pytest.raises(PackagesError, match="no end after 2 s"):
        bench.run((*PYTHON, code), doing="hanging")
    assert _is_gone(int(_last_line(bench.log)))


def test_a_killed_installer_takes_its_children_along(tmp_path: Path) -> None:
    """What pip does it does in a child: that must not go on when pip was killed."""
    code = (
        "import os, signal, subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    bench = Workbench(tmp_path)
    with pytest.raises(PackagesError, match="ended by SIGKILL"):
        bench.run((*PYTHON, code), doing="being killed")
    assert _is_gone(int(_last_line(bench.log)))


def test_a_daemon_is_not_waited_for(tmp_path: Path) -> None:
    """What a finished process leaves behind may keep the pipe; nobody waits for that."""
    code = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True)\n"
    )
    bench = Workbench(tmp_path, limit_s=300)
    bench.run((*PYTHON, code), doing="leaving a daemon")
    daemon = int(_last_line(bench.log))
    assert psutil.Process(daemon).status() != psutil.STATUS_ZOMBIE, "it goes on"
    os.kill(daemon, signal.SIGKILL)


def test_being_stopped_stops_the_process(tmp_path: Path) -> None:
    """Ctrl-C ends what was started; it is in a group of its own and does not hear it itself."""
    code = (
        "import sys, pathlib\n"
        "from aos_upgrade_plugin.effects.environment.workbench import Workbench\n"
        "slow = 'import os, time; print(os.getpid(), flush=True); time.sleep(600)'\n"
        "bench = Workbench(pathlib.Path(sys.argv[1]))\n"
        "bench.run((sys.executable, '-I', '-c', slow), doing='it')\n"
    )
    log = tmp_path / "packages.log"
    runner = subprocess.Popen(
        [sys.executable, "-c", code, tmp_path], stderr=subprocess.DEVNULL, start_new_session=True
    )
    while not (said := _last_line(log)).isdigit():
        assert runner.poll() is None
        time.sleep(0.01)
    runner.send_signal(signal.SIGINT)
    runner.wait()
    assert _is_gone(int(said))


def test_the_lock_is_inherited(tmp_path: Path) -> None:
    """An installer that outlives us still holds what it was given."""
    descriptor = os.open(tmp_path / "lock", os.O_CREAT | os.O_RDWR)
    code = f"import os; print(os.fstat({descriptor}).st_ino)"
    answer = Workbench(tmp_path, inherited=(descriptor,)).ask((*PYTHON, code), doing="looking")
    assert int(answer) == os.fstat(descriptor).st_ino
    os.close(descriptor)


def test_what_leads_elsewhere_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where packages come from is the user's to say; what is done with them is ours."""
    theirs = {
        "PIP_INDEX_URL": "https://example.org",
        "PIP_CONSTRAINT": "limits.txt",
        "PIP_NO_CACHE_DIR": "1",
        "UV_INDEX_COMPANY_PASSWORD": "x",
        "UV_EXCLUDE_NEWER": "2025-10-25",
        "HTTPS_PROXY": "http://proxy",
        "SSL_CERT_FILE": "/cert",
    }
    ours = {
        "PIP_REQUIRE_VIRTUALENV": "1",
        "PIP_USER": "1",
        "PIP_TARGET": "/elsewhere",
        "PIP_PREFIX": "/elsewhere",
        "PYTHONPATH": "/elsewhere",
        "PYTHONHOME": "/elsewhere",
        "VIRTUAL_ENV": "/elsewhere",
        "CONDA_PREFIX": "/elsewhere",
        "UV_PROJECT_ENVIRONMENT": "/elsewhere",
        "UV_SYSTEM_PYTHON": "1",
        "UV_PYTHON": "3.9",
        "GIT_DIR": "/elsewhere",
        "__PYVENV_LAUNCHER__": "/elsewhere",
    }
    for name, value in (theirs | ours).items():
        monkeypatch.setenv(name, value)
    show = ("env", "-0")
    seen = Workbench(tmp_path).ask(show, doing="looking").split("\0")
    named = dict(each.split("=", 1) for each in seen if each)
    assert {name: named.get(name) for name in theirs} == theirs
    assert ours.keys() & named.keys() == set()


def test_nothing_is_asked_at_the_terminal(tmp_path: Path) -> None:
    """A question for a password ends the process, and does not wait for ever."""
    with pytest.raises(PackagesError, match="EOFError"):
        Workbench(tmp_path).run((*PYTHON, "input('password: ')"), doing="asking")


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    """No traceback, and the name."""
    missing = tmp_path / "nowhere/pip"
    with pytest.raises(DiskError, match=r"installing failed at .*nowhere/pip"):
        Workbench(tmp_path).run((missing,), doing="installing")


def test_lists_are_written_whole(tmp_path: Path) -> None:
    """What an installer reads is a line each."""
    path = Workbench(tmp_path / "a/b").put("pins.txt", ["a==1", "b==2"])
    assert (path, path.read_text()) == (tmp_path / "a/b/pins.txt", "a==1\nb==2\n")
