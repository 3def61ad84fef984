"""A second process that takes a part of much work; what it answers comes back through a pipe.

Not a thread: most of what a small file takes is Python and not waiting, so that threads would
only pass the interpreter to each other. Measured: docs/explanation/benchmarks.md.
"""

import errno
import os
import pickle
import signal
import sys
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import NoReturn, TypeVar

J = TypeVar("J")
T = TypeVar("T")

_WORTH_US = 20_000
"""Copying a process takes up to 5,000."""


def in_two(work: Callable[[J], T], jobs: Sequence[J], *, cost_us: Callable[[J], int]) -> list[T]:
    """Do some work for each job, a part of it in a second process; answer in the jobs' order."""
    own = share([cost_us(job) for job in jobs])
    with meanwhile(map(work, jobs[own:]), fork=own < len(jobs)) as others:
        return [*map(work, jobs[:own]), *others()]


def share(costs_us: Sequence[int]) -> int:
    """Say how many of the jobs this process does itself, so that both end at the same time.

    All, if there is little to do or the system cannot run a copy of this process: only one that
    has no other threads can be copied.
    """
    total_us = sum(costs_us)
    if not pays(total_us):
        return len(costs_us)
    rest_us, own = total_us // 2, 0
    while rest_us > 0:
        rest_us -= costs_us[own]
        own += 1
    return own


def pays(cost_us: int) -> bool:
    """Say whether a second process is worth its own cost for so much work, and can be had."""
    return cost_us >= _WORTH_US and _may_fork()


def _may_fork() -> bool:
    if sys.platform != "linux" or os.cpu_count() == 1:
        return False
    return len(os.listdir("/proc/self/task")) == 1


@contextmanager
def meanwhile(parts: Iterable[T], *, fork: bool) -> Generator[Callable[[], list[T]]]:
    """Work a lazy iterable off in a second process; yield what returns its items, or raises.

    Without ``fork``, and where the system has no process to give, that happens here, when they are
    asked for. The second process never outlives the ``with``. It holds the upgrade lock too and
    stops when this one is killed, so that nobody else begins while it still writes.
    """
    second = _begun(parts) if fork else None
    if second is None:
        yield lambda: list(parts)
        return
    child, receiving = second
    try:
        yield lambda: _received(receiving)
    finally:
        os.close(receiving)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def _begun(parts: Iterable[T]) -> tuple[int, int] | None:
    """Return the second process and where it answers; nothing where none can be had."""
    try:
        receiving, sending = os.pipe()
    except OSError:  # too many open files
        return None
    try:
        parent, child = os.getpid(), os.fork()
    except OSError:  # too many processes, or too little memory for one more
        os.close(receiving)
        os.close(sending)
        return None
    if child == 0:
        _work_off(parts, sending, parent)
    os.close(sending)
    return child, receiving


def _work_off(parts: Iterable[T], sending: int, parent: int) -> NoReturn:
    """Be the second process: whatever happens, never come back into the first one's code."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first one ends us
        answer = _answer(parts, parent)
        with os.fdopen(sending, "wb") as pipe:
            pickle.dump(answer, pipe)
    finally:
        os._exit(0)


def _answer(parts: Iterable[T], parent: int) -> list[T] | Exception:
    done = []
    try:
        for part in parts:
            if os.getppid() != parent:
                break
            done.append(part)
    except Exception as error:  # noqa: BLE001 - it is raised in the first process
        return error
    return done


def _received(receiving: int) -> list[T]:  # pyright: ignore[reportInvalidTypeVarUse] - unpickled
    try:
        with os.fdopen(os.dup(receiving), "rb") as pipe:
            answer: list[T] | Exception = pickle.load(pipe)  # noqa: S301 - our own child wrote it
    except (EOFError, pickle.UnpicklingError) as error:
        # Not done again here: what it did may be half of it.
        raise OSError(errno.ECHILD, "it was ended from outside", "the second process") from error
    if isinstance(answer, Exception):
        raise answer
    return answer
