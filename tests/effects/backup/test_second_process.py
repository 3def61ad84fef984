"""A second process that does a part: what it answers, and that it never stays behind."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.backup.second_process import meanwhile, share

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="only there a process may copy itself"
)


def _run(code: str, *arguments: str | Path, open_for_all: int | None = None) -> str:
    """Run code in a process that has no other threads, as a command has none."""
    head = (
        "import os, signal, sys, time\n"
        "from aos_upgrade_plugin.effects.backup.second_process import *\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        pass_fds=() if open_for_all is None else (open_for_all,),
    )
    return ran.stdout.strip()


def test_little_is_done_alone() -> None:
    """A second process costs something too."""
    assert _run("print(share([9_000, 9_000]), share([9_000, 9_000, 9_000]))") == "2 2"


def test_both_end_at_the_same_time() -> None:
    """A large job weighs as much as many small ones."""
    assert _run("print(share([100] * 400), share([20_000] + [100] * 200))") == "200 1"


def test_a_process_with_threads_works_alone() -> None:
    """A copy of it would have their locks and not their threads."""
    code = """
        import threading
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        print(share([1000] * 200), flush=True)
        os._exit(0)
    """
    assert _run(code) == "200"


def test_both_parts_are_answered_in_order() -> None:
    """The answers come back whole, however many there are."""
    code = """
        with meanwhile(((os.getpid(), n) for n in range(50_000)), fork=True) as others:
            pairs = others()
        assert {pid for pid, _ in pairs} != {os.getpid()}
        print([n for _, n in pairs] == list(range(50_000)))
    """
    assert _run(code) == "True"


def test_without_a_fork_it_is_done_here_when_it_is_asked_for() -> None:
    """Not before, and not at all if nobody asks."""
    parts = iter(range(3))
    with meanwhile(parts, fork=False) as others:
        assert next(parts) == 0
        assert others() == [1, 2]
    assert share([1] * 3) == 3


def test_its_error_is_raised_here() -> None:
    """With number and name, as if it had happened here."""
    code = """
        def fails():
            yield 1
            raise OSError(28, "No space left on device", b"/a")
        try:
            with meanwhile(fails(), fork=True) as others:
                others()
        except OSError as error:
            print(error.errno, error.filename)
    """
    assert _run(code) == "28 b'/a'"


@pytest.mark.parametrize(
    "answered", [pytest.param(0, id="before-it-answers"), pytest.param(50_000, id="while-it-does")]
)
def test_ended_from_outside_it_is_one_line_with_a_cure(answered: int) -> None:
    """By a system without memory, or by somebody: what it did may be half of it."""
    code = f"""
        from aos_upgrade_plugin.effects.tree.files import as_disk_error
        from aos_upgrade_plugin.errors import DiskError
        import pickle
        def torn(answer, pipe):
            pipe.write(pickle.dumps(answer)[:{answered}])
            pipe.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        pickle.dump = torn
        try:
            with as_disk_error("backing up"), meanwhile(range(50_000), fork=True) as others:
                others()
        except DiskError as error:
            print(error)
            print(error.cure)
    """
    what, cure = _run(code).splitlines()
    assert what.startswith("backing up failed at the second process: it was ended from outside")
    assert cure.startswith("look whether memory runs out, then run the command again")


def test_where_no_second_process_can_be_had_it_is_done_here() -> None:
    """All of it, and nothing stays open."""
    code = """
        def refused():
            raise BlockingIOError(11, "Resource temporarily unavailable")
        os.fork = refused
        before = os.listdir("/proc/self/fd")
        print(in_two(lambda job: (os.getpid(), job), range(1000), cost_us=lambda _: 1000)
              == [(os.getpid(), job) for job in range(1000)])
        print(os.listdir("/proc/self/fd") == before)
    """
    assert _run(code) == "True\nTrue"


@pytest.mark.parametrize(
    "ending",
    [
        pytest.param("raise SystemExit", id="an-error-in-the-first-one"),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", id="the-first-one-is-killed"),
        pytest.param("os.kill(0, signal.SIGINT); time.sleep(60)", id="control-c"),
    ],
)
def test_it_never_stays_behind(tmp_path: Path, ending: str) -> None:
    """Whatever ends the first process ends the second one, long before its work is done."""
    code = f"""
        os.setpgid(0, 0)
        def writes():
            for number in range(100_000):
                open(sys.argv[1], "a").write("x")
                time.sleep(0.001)
                yield number
        try:
            with meanwhile(writes(), fork=True) as others:
                while not os.path.exists(sys.argv[1]):
                    time.sleep(0.001)
                {ending}
        except KeyboardInterrupt:
            pass
    """
    closed_by_all, held_by_all = os.pipe()
    _run(code, tmp_path / "written", open_for_all=held_by_all)
    os.close(held_by_all)
    with os.fdopen(closed_by_all) as pipe:
        assert pipe.read() == ""  # comes back when nobody holds the other end any more
    assert (tmp_path / "written").stat().st_size < 100_000
