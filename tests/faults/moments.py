"""The moments of an act, told apart: what follows a fault at one follows it at every equal one.

Words: a *moment* is the point just before an effect. What an act does from there on follows from
the disk, from the lines that are being executed, and from the paths that it is about to change;
whether the end is right, also from what was promised so far. So equal moments need be met once.

Where nothing more is done once an effect failed, the disk is the one that a kill leaves: what
follows a failure there follows the kill. Whether that is so is tried in a child.
"""

import hashlib
import os
import re
import stat
import sys
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

from tests.faults.interposer import SYNCS, Kind, Real, failure

_NO_MATTER = re.compile(
    rb'^[0-9a-f]{64} |"(?:created_at|at|since)":"[^"]*"|"source":\[[^]]*\]'
    rb'|"(?:pid|process_started_at|modified_ns)":[\d.]+|"digest":"[0-9a-f]{64}"\n}',
    re.MULTILINE,
)
"""Times, numbers that the system gives, and the seals over them."""
_INODE = re.compile(rb'"inode":(\d+)')
_OPENS = frozenset({"create", "open_append", "open_lock"})
_TAKES_OPEN = frozenset(
    [
        "write",
        "truncate",
        "allocate",
        "clone",
        "sync",
        "sync_filesystem",
        "set_open_mode",
        "set_open_times",
    ]
)

Place = tuple[tuple[str, int], ...]
"""The lines that are being executed, file and number, the innermost first."""
Step = tuple[str, Place]
"""An effect at its place, whatever it is done to."""


class Moment(NamedTuple):
    """A point just before an effect; two equal ones lead to the same end."""

    disk: bytes
    """A digest of all that there is."""
    promised: frozenset[str]
    effect: str
    paths: tuple[bytes, ...]
    """What the effect is about to change, below the root."""
    place: Place

    @property
    def left_by_kill(self) -> tuple[bytes, frozenset[str]]:
        """What there is of the moment once its process is killed."""
        return self.disk, self.promised

    @property
    def step(self) -> Step:
        """What is done, whatever it is done to."""
        return self.effect, self.place


class Watcher:
    """Writes the moments of an act down, while it happens."""

    def __init__(
        self,
        root: Path,
        *,
        promised: frozenset[str] = frozenset(),
        tries: Callable[[Moment], Collection[Kind]] = lambda _: (),
    ) -> None:
        """Begin where something may be promised already; say which failures are tried at which."""
        self.moments: list[Moment] = []
        self.ends: dict[tuple[int, Kind], bool] = {}
        """Whether a failure was the end, by the number of the moment at which it was tried."""
        self._root = os.fsencode(root)
        self._promised = promised
        self._tries = tries
        self._failed = False
        self._disk: bytes | None = None
        self._contents: dict[int, bytes] = {}
        self._paths: dict[int, bytes] = {}

    def promise(self, state: str) -> None:
        """Write down that a state was given as a fact."""
        self._end_if_failed(as_if_killed=False)
        self._promised |= {state}

    def refused(self) -> None:
        """Answer, where an effect failed: nothing more was done."""
        self._end_if_failed(as_if_killed=True)

    def over(self) -> None:
        """Answer, where an effect failed: the act came to its end without it, or to a wrong one."""
        self._end_if_failed(as_if_killed=False)

    def __call__(self, name: str, real: Real, arguments: tuple[Any, ...]) -> Any:  # noqa: ANN401 - whatever the effect answers
        """Stand in for one effect."""
        self._end_if_failed(as_if_killed=False)
        disk = self.digest()
        paths = tuple(self._about_to_change(name, arguments))
        moment = Moment(disk, self._promised, name, paths, _place())
        self.moments.append(moment)
        for kind in self._tries(moment):
            self.ends[len(self.moments), kind] = self._ends_if_fails(failure(kind, arguments))
        answer = real(*arguments)
        if name not in SYNCS:
            self._disk = None
            opened = answer if name in _OPENS else arguments[0]
            if isinstance(opened, int):
                self._contents.pop(os.fstat(opened).st_ino, None)
        return answer

    def _ends_if_fails(self, error: OSError) -> bool:
        """Let an effect fail in a child, and say whether that is the end of all effects."""
        child = os.fork()
        if not child:
            self._failed = True
            raise error
        _, status = os.waitpid(child, 0)
        return status == 0

    def _end_if_failed(self, *, as_if_killed: bool) -> None:
        if self._failed:
            os._exit(0 if as_if_killed else 1)

    def _about_to_change(self, name: str, arguments: tuple[Any, ...]) -> Iterator[bytes]:
        """Name what an effect is given, also what is open."""
        if name in _TAKES_OPEN:
            yield self._paths.get(os.fstat(arguments[0]).st_ino, b"")
        else:
            names = (each for each in arguments if isinstance(each, bytes))
            yield from (each.replace(self._root, b"") for each in names)

    def digest(self) -> bytes:
        """Return one digest for all that there is; an inode's number is told by its path."""
        if self._disk is None:
            lines: list[bytes] = []
            self._paths.clear()
            self._describe(lines, self._root, b"")
            told = _INODE.sub(lambda found: self._paths.get(int(found[1]), b""), b"\0".join(lines))
            self._disk = hashlib.sha256(told).digest()
        return self._disk

    def _describe(self, lines: list[bytes], folder: bytes, prefix: bytes) -> None:
        """Describe everything below a folder, and learn the paths of inodes."""
        for child in sorted(os.scandir(folder), key=lambda child: child.name):
            status, path = child.stat(follow_symlinks=False), prefix + child.name
            self._paths[status.st_ino] = path
            lines.append(b"%s %o" % (path, status.st_mode))
            if stat.S_ISDIR(status.st_mode):
                self._describe(lines, child.path, path + b"/")
            elif not stat.S_ISFIFO(status.st_mode):
                lines.append(self._content(child.path, status))

    def _content(self, location: bytes, status: os.stat_result) -> bytes:
        """Read a link or a file, which is read again only after one of our effects changed it."""
        if status.st_ino not in self._contents:
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(location)
            else:
                with open(location, "rb") as stream:
                    content = stream.read()
            self._contents[status.st_ino] = _NO_MATTER.sub(b"", content)
        return self._contents[status.st_ino]


def _place() -> Place:
    """Say which lines are being executed, from the caller of an effect outwards."""
    frame: FrameType | None = sys._getframe(1)
    lines = []
    while frame is not None:
        lines.append((frame.f_code.co_filename, frame.f_lineno))
        frame = frame.f_back
    return tuple(lines)
