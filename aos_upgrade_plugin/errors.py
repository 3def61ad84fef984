"""What can go wrong, by kind: each kind has a stable code and an exit code, each error a cure."""

from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """What the exit status of ``aos-upgrade`` says. Stable."""

    DONE = 0
    GATE_SHUT = 1
    USAGE = 2
    DECISION_NEEDED = 3
    BUSY = 4
    ROLLED_BACK = 5
    ROLLBACK_UNVERIFIED = 6
    CLEANUP_INCOMPLETE = 7
    INTERRUPTED = 130


class UpgradeError(Exception):
    """Something stopped us; the installation is as it was unless the kind says otherwise.

    ``str(error)`` is one line that says what is wrong and where; ``cure`` says what to do.
    """

    code: ClassVar[str] = "AOS-E000"
    exit_code: ClassVar[ExitCode] = ExitCode.GATE_SHUT

    def __init__(self, message: str, *, cure: str) -> None:
        """Keep the message on one line and the cure beside it."""
        super().__init__(" ".join(message.split()))
        self.cure = cure


class UsageError(UpgradeError):
    """The command or its arguments do not make sense."""

    code = "AOS-E001"
    exit_code = ExitCode.USAGE


class NotFoundError(UsageError):
    """What was named (an installation, a session, a backup, a check) is not there."""

    code = "AOS-E002"


class BusyError(UpgradeError):
    """Another run holds the lock."""

    code = "AOS-E004"
    exit_code = ExitCode.BUSY


class RefusedError(UpgradeError):
    """Going on would not be safe; nothing was changed."""

    code = "AOS-E005"


class StaleError(RefusedError):
    """Something moved since the plan was made; nothing of it was overwritten."""

    code = "AOS-E006"


class DamagedError(RefusedError):
    """Stored data (a backup, a session, a journal) is not what was written."""

    code = "AOS-E007"


class DiskError(UpgradeError):
    """The operating system refused to read or write."""

    code = "AOS-E008"


class RollbackUnverifiedError(UpgradeError):
    """The run failed and going back could not be finished or proven: a person is needed."""

    code = "AOS-E010"
    exit_code = ExitCode.ROLLBACK_UNVERIFIED


class StateError(RefusedError):
    """The session's state does not allow what was asked for."""

    code = "AOS-E013"


class StoppedError(UpgradeError):
    """We were asked to stop (Ctrl-C, SIGTERM) and stand between two consistent states."""

    code = "AOS-E014"
    exit_code = ExitCode.INTERRUPTED


class InvalidError(UsageError):
    """What was given is understood, and does not fit: out of range, not of that shape."""

    code = "AOS-E017"


class ServerError(UpgradeError):
    """A server could not be stopped, started or reached."""

    code = "AOS-E015"


class PackagesError(UpgradeError):
    """Packages could not be resolved or installed, or a step after them failed."""

    code = "AOS-E016"
