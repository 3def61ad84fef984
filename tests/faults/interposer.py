"""Numbers every mutating effect of a process, and lets one of them fail or be the last.

All of them are public functions of ``effects/disk.py``, called through that module. Replacing
them there, in a forked child, reaches every one, and production code has no seam for it.
"""

import errno
import functools
import inspect
import os
import signal
from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from aos_upgrade_plugin.effects import disk

Real = Callable[..., Any]
Around = Callable[[str, Real, tuple[Any, ...]], Any]
"""Is called in place of an effect, with its name, the effect itself and all its arguments."""


def effects() -> dict[str, Real]:
    """Return every function that changes a file system, by name."""
    return {
        name: function
        for name, function in inspect.getmembers(disk, inspect.isfunction)
        if function.__module__ == disk.__name__ and not name.startswith("_")
    }


def surround(around: Around) -> None:
    """Let ``around`` decide about every effect of this process from now on."""
    for name, real in effects().items():
        setattr(disk, name, _surrounded(name, real, around))


def _surrounded(name: str, real: Real, around: Around) -> Real:
    signature = inspect.signature(real)

    @functools.wraps(real)
    def effect(*arguments: object, **named: object) -> object:
        bound = signature.bind(*arguments, **named)
        bound.apply_defaults()
        return around(name, real, bound.args)

    return effect


class Kind(StrEnum):
    """What happens at the numbered effect."""

    NONE = "none"
    KILL = "kill"
    TORN = "torn"
    """Half of a write reaches the file, then the process is killed."""
    ENOSPC = "ENOSPC"
    EIO = "EIO"
    EACCES = "EACCES"
    FULL = "full"
    """From here on there is no more disk space than what is given back."""
    CUT = "ext4-cut"
    """The power is cut: what was not synced is lost."""
    CUT_COMMITTED = "ext4-cut-committed"
    """The power is cut when the names are all durable, but of the content only what was synced."""
    MEANWHILE = "meanwhile"
    """Nothing fails, but somebody else is at work: ``meanwhile.Somebody`` does a deed."""


FAILURES = (Kind.ENOSPC, Kind.EIO, Kind.EACCES)
"""An effect is not done, and says so."""
CUTS = frozenset({Kind.CUT, Kind.CUT_COMMITTED})
"""What needs a file system that stands it."""


class Fault(NamedTuple):
    """One effect to meet something at; the first has number 1.

    Of MEANWHILE it is the number of a call and a deed: ``meanwhile.number_of``.
    """

    kind: Kind
    number: int


SYNCS = frozenset({"sync", "sync_filesystem"})
_BLOCK_BYTES = 4096
_TAKES_A_BLOCK = frozenset(
    [
        "create",
        "open_append",
        "open_lock",
        "make_directory",
        "make_link",
        "make_fifo",
        "make_hard_link",
    ]
)


class Faulty:
    """Counts the effects and injects one fault.

    Nothing is really synced, but where a power can be cut: a kill loses nothing that the kernel
    has. What a power cut loses is the matter of ``crash_model`` and ``power_cut``.
    """

    cut_power: Callable[[Kind], None] | None = None
    """Cuts the power of the disk that is worked on, where that can be."""

    def __init__(self) -> None:
        """Only count."""
        self.expect(None, syncs_filesystems=True)

    def expect(self, fault: Fault | None, *, syncs_filesystems: bool) -> None:
        """Count from 1 again, and inject this fault next; none, and it only counts."""
        self.fault = fault
        self.called: list[str] = []
        self.syncs_filesystems = syncs_filesystems
        self._free_bytes: int | None = None

    def __call__(self, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the effect answers
        """Stand in for one effect."""
        self.called.append(name)
        if self.fault is not None and len(self.called) == self.fault.number:
            self._meet(self.fault.kind, name, arguments)
        if name in SYNCS and self.cut_power is None:
            return self.syncs_filesystems
        if name == "sync_filesystem" and not self.syncs_filesystems:
            return False
        if self._free_bytes is not None:
            return self._on_full_disk(name, real, arguments)
        return real(*arguments)

    def call(self, name: str, real: Real, *arguments: object) -> object:
        """Stand in for one effect whose arguments come one by one."""
        return self(name, real, arguments)

    def _meet(self, kind: Kind, name: str, arguments: tuple[Any, ...]) -> None:
        match kind:
            case Kind.TORN if name == "write":
                descriptor, data = arguments
                os.write(descriptor, data[: len(data) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            case Kind.TORN | Kind.NONE | Kind.MEANWHILE:
                return
            case Kind.KILL:
                os.kill(os.getpid(), signal.SIGKILL)
            case Kind.CUT | Kind.CUT_COMMITTED:
                assert self.cut_power is not None
                self.cut_power(kind)
                os.kill(os.getpid(), signal.SIGKILL)
            case Kind.FULL:
                self._free_bytes = 0
            case _:
                raise failure(kind, arguments)

    def _on_full_disk(self, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the effect answers
        free_bytes = self._free_bytes or 0
        if name == "write":
            descriptor, data = arguments
            if not free_bytes:
                raise _no_space()
            arguments = (descriptor, data[:free_bytes])
            self._free_bytes = free_bytes - len(arguments[1])
        elif name == "allocate" or (
            name in _TAKES_A_BLOCK and not _opens_what_is_there(name, arguments)
        ):
            needed = arguments[1] if name == "allocate" else _BLOCK_BYTES
            if needed > free_bytes:
                raise _no_space()
            self._free_bytes = free_bytes - needed
        elif name in {"remove", "remove_directory"}:
            self._free_bytes = free_bytes + os.lstat(arguments[0]).st_size
        return real(*arguments)


def failure(kind: Kind, arguments: tuple[Any, ...]) -> OSError:
    """Return what the system says where an effect fails."""
    number = getattr(errno, kind.value)
    place = next((each for each in arguments if isinstance(each, bytes)), None)
    return OSError(number, os.strerror(number), place)


def _opens_what_is_there(name: str, arguments: tuple[Any, ...]) -> bool:
    return name in {"open_append", "open_lock"} and os.path.lexists(arguments[0])


def _no_space() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
