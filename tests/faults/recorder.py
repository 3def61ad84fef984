"""What every effect does to inodes and to the names in folders, written down while it happens."""

import fcntl
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from aos_upgrade_plugin.models.tree import Kind
from tests.faults.interposer import Real

Number = int
"""Of an inode, in the model: never given twice."""


@dataclass(frozen=True)
class Inode:
    """What was at first, or came into being at some effect."""

    kind: Kind
    mode: int
    data: bytes = b""
    names: dict[bytes, Number] = field(default_factory=dict)
    """Of a folder that was there before."""
    real: int = 0
    """Its number in the file system that was recorded."""


class Names(NamedTuple):
    """Names in folders that change together: what each stands for afterwards, if anything."""

    changes: tuple[tuple[Number, bytes, Number | None], ...]


class Content(NamedTuple):
    """Bytes written at an offset."""

    inode: Number
    offset: int
    data: bytes


class Length(NamedTuple):
    """A file cut or extended."""

    inode: Number
    size_bytes: int


class Mode(NamedTuple):
    """Permission bits set."""

    inode: Number
    mode: int


class Sync(NamedTuple):
    """Everything so far that touches an inode is durable; of no inode, simply everything."""

    inode: Number | None


class Promised(NamedTuple):
    """From here on the state was given as a fact."""

    state: str


Effect = Names | Content | Length | Mode
Trace = Sequence[Effect | Sync | Promised]


class Recorder:
    """Writes down what each effect does to inodes, while it happens."""

    def __init__(self, root: Path) -> None:
        """Learn what there is."""
        self.inodes: list[Inode] = []
        self.trace: list[Effect | Sync | Promised] = []
        self._numbers: dict[int, Number] = {}
        self.root = self._learn(os.fsencode(root))

    def promise(self, state: str) -> None:
        """Write down that a state was given as a fact."""
        self.trace.append(Promised(state))

    def refused(self) -> None:
        """Write nothing down of that, which is judged elsewhere."""

    def over(self) -> None:
        """Write nothing down of that either."""

    def __call__(self, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the effect answers
        """Stand in for one effect."""
        record = getattr(self, f"_{name}", None)
        assert record is not None, f"the crash model does not know {name}"
        return record(real, arguments)

    # ---- one for each effect ------------------------------------------------------------------

    def _create(self, real: Real, arguments: tuple[Any, ...]) -> int:
        descriptor: int = real(*arguments)
        self._comes(arguments[0])
        return descriptor

    def _open_append(self, real: Real, arguments: tuple[Any, ...]) -> int:
        was_there = os.path.lexists(arguments[0])
        descriptor: int = real(*arguments)
        if not was_there:
            self._comes(arguments[0])
        return descriptor

    _open_lock = _open_append

    def _write(self, real: Real, arguments: tuple[Any, ...]) -> int:
        descriptor, data = arguments
        appends = fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_APPEND
        size_bytes = os.fstat(descriptor).st_size
        offset = size_bytes if appends else os.lseek(descriptor, 0, os.SEEK_CUR)
        written: int = real(*arguments)
        self.trace.append(Content(self._open(descriptor), offset, bytes(data[:written])))
        return written

    def _truncate(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self.trace.append(Length(self._open(arguments[0]), arguments[1]))

    _allocate = _truncate

    def _clone(self, real: Real, arguments: tuple[Any, ...]) -> bool:
        cloned: bool = real(*arguments)
        if cloned:
            size_bytes = os.fstat(arguments[1]).st_size
            data = os.pread(arguments[1], size_bytes, 0)
            self.trace.append(Content(self._open(arguments[0]), 0, data))
        return cloned

    def _sync(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self.trace.append(Sync(self._open(arguments[0])))

    def _sync_filesystem(self, real: Real, arguments: tuple[Any, ...]) -> bool:
        synced: bool = real(*arguments)
        if synced:
            self.trace.append(Sync(None))
        return synced

    def _set_mode(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self.trace.append(Mode(self._at(arguments[0]), arguments[1]))

    def _set_open_mode(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self.trace.append(Mode(self._open(arguments[0]), arguments[1]))

    def _set_times(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)

    _set_open_times = _set_times

    def _make_directory(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self._comes(arguments[0])

    _make_fifo = _make_directory

    def _make_link(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self._comes(arguments[1])

    def _make_hard_link(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self._names((arguments[1], self._at(arguments[0])))

    def _remove(self, real: Real, arguments: tuple[Any, ...]) -> None:
        real(*arguments)
        self._names((arguments[0], None))

    _remove_directory = _remove

    def _rename(self, real: Real, arguments: tuple[Any, ...]) -> None:
        source, target = arguments
        moved = self._at(source)
        real(*arguments)
        self._names((source, None), (target, moved))

    _rename_new = _rename

    def _exchange(self, real: Real, arguments: tuple[Any, ...]) -> None:
        one, other = arguments
        numbers = self._at(one), self._at(other)
        real(*arguments)
        self._names((one, numbers[1]), (other, numbers[0]))

    # ---- inodes -------------------------------------------------------------------------------

    def _learn(self, location: bytes) -> Number:
        """Take something that is there, with everything below, into the model."""
        status = os.lstat(location)
        mode = stat.S_IMODE(status.st_mode)
        real = status.st_ino
        if stat.S_ISDIR(status.st_mode):
            names = {child.name: self._learn(child.path) for child in os.scandir(location)}
            inode = Inode(Kind.DIRECTORY, mode, names=names, real=real)
        elif stat.S_ISLNK(status.st_mode):
            inode = Inode(Kind.LINK, mode, os.readlink(location), real=real)
        elif stat.S_ISFIFO(status.st_mode):
            inode = Inode(Kind.FIFO, mode, real=real)
        else:
            with open(location, "rb") as stream:
                inode = Inode(Kind.FILE, mode, stream.read(), real=real)
        self.inodes.append(inode)
        self._numbers[real] = len(self.inodes) - 1
        return self._numbers[real]

    def _comes(self, location: bytes) -> None:
        """Take what was just made into the model, under its name."""
        self._names((location, self._learn(location)))

    def _names(self, *changes: tuple[bytes, Number | None]) -> None:
        self.trace.append(
            Names(
                tuple(
                    (self._folder_of(location), os.path.basename(location), number)
                    for location, number in changes
                )
            )
        )

    def _folder_of(self, location: bytes) -> Number:
        return self._numbers[os.stat(os.path.dirname(location)).st_ino]

    def _at(self, location: bytes) -> Number:
        return self._numbers[os.lstat(location).st_ino]

    def _open(self, descriptor: int) -> Number:
        return self._numbers[os.fstat(descriptor).st_ino]
