"""Many files copied at once, a part of them by a second process where that is sooner."""

import errno
import stat
from collections.abc import Sequence
from typing import NamedTuple

from aos_upgrade_plugin.effects.backup.second_process import in_two
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import identity

_BYTES_IN_ONE_US = 1000
_ONE_FILE_US = 60


class Job(NamedTuple):
    """A file to copy, and where; nothing stands there yet."""

    source: bytes
    target: bytes
    size_bytes: int


class Copied(NamedTuple):
    """What was copied, and the source's status while it was read."""

    digest: str
    status: tuple[int, int, int, int, int]
    """As :func:`files.identity` gives it."""


class NotCopied(NamedTuple):
    """Why a file could not be read."""

    errno: int
    reason: str


Answer = Copied | NotCopied


def copy_files(jobs: Sequence[Job]) -> list[Answer]:
    """Copy every file that can be read, and answer for each in the order of the jobs.

    Raises OSError when something cannot be written; some of the targets are there then.
    """
    return in_two(_copy, jobs, cost_us=_cost_us)


def _cost_us(job: Job) -> int:
    return job.size_bytes // _BYTES_IN_ONE_US + _ONE_FILE_US


def _copy(job: Job) -> Answer:
    try:
        content = durable.copy_file(job.source, job.target)
    except OSError as error:
        if error.filename != job.source:
            raise
        return NotCopied(error.errno or 0, error.strerror or str(error))
    if not stat.S_ISREG(content.status.st_mode):
        return NotCopied(errno.EBUSY, "it is no file any more")
    return Copied(content.digest, identity(content.status))
