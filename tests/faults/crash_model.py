"""Every state of the disk that a power cut may leave, on any file system that keeps its promises.

Words: an *effect* is one change of the names in one or two folders, or of one inode's content,
length or mode. Until a sync of something that it changed it may be lost, alone or with any
others, and a write may be torn. A move or an exchange is never lost half, and never kept where an
earlier one of the same name or inode is lost. A *crash* is a point of the trace with a choice of
what is lost. So there are states that ext4 never shows. Source: Pillai et al., "All File Systems
Are Not Created Equal", OSDI 2014.
"""

import os
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.tree import Entry, Kind
from tests.faults import trees
from tests.faults.recorder import (
    Content,
    Inode,
    Length,
    Mode,
    Names,
    Number,
    Promised,
    Recorder,
    Sync,
    Trace,
)
from tests.faults.rounds import Ended, Player, Scenario, judge_end
from tests.faults.rounds import Mode as SystemMode


class Crash(NamedTuple):
    """A moment, and what of the effects before it is lost."""

    at: int
    """How many items of the trace came before."""
    lost: frozenset[int] = frozenset()
    torn: int | None = None
    """A write of which only the first half arrived."""


def crashes(trace: Trace, *, stride: int, samples: int, seed: int) -> Iterator[Crash]:
    """List crashes: nothing lost, everything, each one, all but each one, and some samples."""
    chance = random.Random(seed)  # noqa: S311 - the same states every time
    pending: list[int] = []
    for at in range(len(trace) + 1):
        if at:
            pending = _still_pending(trace, pending, at - 1)
        if at % stride == seed % stride or at == len(trace):
            for crash in _at(trace, at, pending, samples, chance):
                yield crash._replace(lost=_with_followers(trace, pending, crash.lost))


def _still_pending(trace: Trace, pending: list[int], index: int) -> list[int]:
    item = trace[index]
    if isinstance(item, Promised):
        return pending
    if not isinstance(item, Sync):
        return [*pending, index]
    left: list[int] = []
    durable: list[int] = []
    for each in reversed(pending):
        needed = any(_needs(trace[later], trace[each]) for later in durable)
        (durable if needed or _reaches(item, trace[each]) else left).append(each)
    return left[::-1]


def _reaches(sync: Sync, effect: object) -> bool:
    if sync.inode is None:
        return True
    if isinstance(effect, Names):
        return any(folder == sync.inode for folder, _, _ in effect.changes)
    return isinstance(effect, Content | Length | Mode) and effect.inode == sync.inode


def _needs(later: object, earlier: object) -> bool:
    """Say whether an effect cannot be there without an earlier one.

    That is a move of the same name or inode. The mode of a folder is stored with the time at which
    its names last changed, and with its own move; so these keep their order, too.
    """
    match later, earlier:
        case Names(), Names():
            return bool(_names(later) & _names(earlier) or _moved(later) & _moved(earlier))
        case Names(), Mode(inode):
            return inode in _moved(later) | {folder for folder, _ in _names(later)}
        case Mode(inode), Names():
            return inode in _moved(earlier)
        case _:
            return False


def _names(effect: Names) -> set[tuple[Number, bytes]]:
    return {(folder, name) for folder, name, _ in effect.changes}


def _moved(effect: Names) -> set[Number]:
    return {number for _, _, number in effect.changes if number is not None}


def _at(
    trace: Trace, at: int, pending: Sequence[int], samples: int, chance: random.Random
) -> Iterator[Crash]:
    every = frozenset(pending)
    yield Crash(at)
    yield Crash(at, every)
    for each in pending:
        yield Crash(at, frozenset({each}))
        yield Crash(at, every - {each})
        if isinstance(trace[each], Content):
            yield Crash(at, torn=each)
    for _ in range(samples if len(pending) > 1 else 0):
        yield Crash(at, frozenset(each for each in pending if chance.random() < 0.5))


def _with_followers(trace: Trace, pending: Sequence[int], lost: frozenset[int]) -> frozenset[int]:
    """Add what cannot be there without what is lost."""
    all_lost: list[int] = []
    for index in pending:
        needs_lost = any(_needs(trace[index], trace[earlier]) for earlier in all_lost)
        if index in lost or needs_lost:
            all_lost.append(index)
    return frozenset(all_lost)


class Disk(NamedTuple):
    """What a disk holds, by inode."""

    names: dict[Number, dict[bytes, Number]]
    data: dict[Number, bytes]
    modes: dict[Number, int]


def disk_after(inodes: Sequence[Inode], trace: Trace, crash: Crash) -> Disk:
    """Return what is on the disk after a crash."""
    names = {number: dict(inode.names) for number, inode in enumerate(inodes)}
    data = {number: inode.data for number, inode in enumerate(inodes)}
    modes = {number: inode.mode for number, inode in enumerate(inodes)}
    disk = Disk(names, data, modes)
    for index, effect in enumerate(trace[: crash.at]):
        if index not in crash.lost:
            _arrive(disk, effect, torn=index == crash.torn)
    return disk


def _arrive(disk: Disk, effect: object, *, torn: bool) -> None:
    match effect:
        case Names(changes):
            for folder, name, number in changes:
                disk.names[folder].pop(name, None)
                if number is not None:
                    disk.names[folder][name] = number
        case Content(inode, offset, data):
            arrived = data[: len(data) // 2] if torn else data
            old = disk.data[inode].ljust(offset, b"\0")
            disk.data[inode] = old[:offset] + arrived + old[offset + len(arrived) :]
        case Length(inode, size_bytes):
            disk.data[inode] = disk.data[inode][:size_bytes].ljust(size_bytes, b"\0")
        case Mode(inode, mode):
            disk.modes[inode] = mode


def image(inodes: Sequence[Inode], disk: Disk, number: Number) -> Iterator[tuple[object, ...]]:
    """Yield all that can be reached from a folder, inode by inode, in a fixed order."""
    for name, child in sorted(disk.names[number].items()):
        yield (name, child, inodes[child].kind, disk.modes[child], disk.data[child])
        yield from image(inodes, disk, child)
    yield ()


class Laboratory:
    """Records a scenario once, and settles and judges it after as many crashes as wanted."""

    def __init__(self, player: Player, scenario: Scenario, mode: SystemMode, work: Path) -> None:
        """Record."""
        self._player, self._scenario, self._mode, self._root = player, scenario, mode, work
        self._real_of: dict[int, int] = {}
        self._translate()
        self.recorder, ended = player.observe(scenario, mode, self._fresh(), Recorder)
        assert not ended.raised + ended.defect

    def crashes(self, *, stride: int, samples: int, seed: int) -> Iterator[Crash]:
        """List crashes that leave different disks, or break into different promises."""
        seen: set[int] = set()
        listed = crashes(self.recorder.trace, stride=stride, samples=samples, seed=seed)
        for crash in listed:
            disk = disk_after(self.recorder.inodes, self.recorder.trace, crash)
            reached = tuple(image(self.recorder.inodes, disk, self.recorder.root))
            key = hash((reached, self._promised(crash)))
            if key not in seen:
                seen.add(key)
                yield crash

    def problems(self, crash: Crash) -> list[str]:
        """Put the disk there as the crash left it, settle, and judge."""
        root = self._fresh()
        disk = disk_after(self.recorder.inodes, self.recorder.trace, crash)
        self._real_of.clear()
        self._put(disk, self.recorder.root, os.fsencode(root))
        before = Ended(self._promised(crash))
        settled = self._player.settle(self._scenario, self._mode, root)
        return judge_end(self._scenario.look(root), (before, settled))

    def _promised(self, crash: Crash) -> tuple[str, ...]:
        items = self.recorder.trace[: crash.at]
        return tuple(item.state for item in items if isinstance(item, Promised))

    def _put(self, disk: Disk, number: Number, location: bytes) -> None:
        for name, child in disk.names[number].items():
            place = os.path.join(location, name)
            kind = self.recorder.inodes[child].kind
            trees.put(place, trees.Node(kind, disk.modes[child], disk.data[child]))
            if kind is Kind.DIRECTORY:
                self._put(disk, child, place)
                os.chmod(place, disk.modes[child])
                self._real_of[os.lstat(place).st_ino] = self.recorder.inodes[child].real

    def _translate(self) -> None:
        """Let whole trees be known by the number that their folder had when it was recorded."""
        read = files.read_whole_tree

        def read_as_recorded(location: bytes) -> Entry | None:
            entry = read(location)
            if entry is None or entry.inode is None:
                return entry
            inode = self._real_of.get(entry.inode, entry.inode)
            return entry.model_copy(update={"inode": inode})

        files.read_whole_tree = read_as_recorded

    def _fresh(self) -> Path:
        trees.clear(self._root)
        self._root.mkdir()
        return self._root
