"""Now, and when a process was started, in a way that survives a clock that is set."""

import os
import time
from pathlib import Path

import psutil

from aos_upgrade_plugin.models.moment import Moment, Ticks

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
_STARTED_AT = 19
"""Where the ticks stand in a process's ``stat``, counted behind its name."""


def now() -> Moment:
    """Return this moment."""
    ticks = None
    if (boot := _boot()) is not None:
        count = int(time.clock_gettime(time.CLOCK_BOOTTIME) * _TICKS_A_SECOND)
        ticks = Ticks(boot=boot, count=count)
    return Moment(at_s=time.time(), ticks=ticks)


def birth(process: psutil.Process) -> Moment:
    """Return when a process was started: with its id its identity, as ids are used again.

    Raises psutil.Error where there is none, or we may not know.
    """
    ticks = None
    if (boot := _boot()) is not None and (count := _started_at(process.pid)) is not None:
        ticks = Ticks(boot=boot, count=count)
    return Moment(at_s=process.create_time(), ticks=ticks)


def _boot() -> str | None:
    """Return which start of the machine this is; nothing where the system does not tell."""
    try:
        return _BOOT.read_text("ascii").strip() or None
    except OSError:
        return None


def _started_at(pid: int) -> int | None:
    try:
        told = Path(f"/proc/{pid}/stat").read_bytes()
        return int(told.rpartition(b")")[2].split()[_STARTED_AT]) or None
    except (OSError, ValueError, IndexError):
        return None
