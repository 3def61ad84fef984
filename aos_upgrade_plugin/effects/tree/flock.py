"""Locks of what is open: taken at once, or told that somebody has them."""

import errno
import fcntl

from filelock import lock_descriptor

NO_LOCKS_HERE = frozenset(
    {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL}
)
"""What a file system without locks answers."""
NO_FOLDER_LOCKS = NO_LOCKS_HERE | {errno.EBADF}
"""Network file systems lock only what was opened for writing, which a folder never is."""


_NONE: frozenset[int] = frozenset()


def take(descriptor: int, *, granted_by: frozenset[int] = _NONE) -> bool:
    """Lock for ourselves alone; say no where somebody has it.

    Where the system answers one of the errors ``granted_by``, nobody can be kept out or waited for:
    that is a yes. Raises OSError for any other.
    """
    try:
        return lock_descriptor(descriptor, blocking=False)
    except OSError as error:
        if error.errno in granted_by:
            return True
        raise


def look(descriptor: int, *, granted_by: frozenset[int]) -> bool:
    """Lock beside others who only look; say no where somebody works. Otherwise as :func:`take`."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in granted_by:
            raise
    return True
