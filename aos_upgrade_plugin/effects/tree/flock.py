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


def take(descriptor: int) -> bool:
    """Lock for ourselves alone; say no where somebody has it. Raises OSError without locks."""
    return lock_descriptor(descriptor, blocking=False)


def look(descriptor: int) -> bool:
    """Lock beside others who only look; say no where somebody works. Raises OSError."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
