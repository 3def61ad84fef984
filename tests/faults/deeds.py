"""What others do to a path while we are at work, and what may be seen of it in the end."""

import json
import os
import stat
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.models.tree import Kind
from tests.faults.trees import Nodes, clear, read

_TEXT = b"written by somebody else"
_BESIDE = b".somebody.swp"
_MOVED = b".moved"
_RECORD = "deed.json"


class Deed(StrEnum):
    """What somebody does to a path."""

    SAVE = "save"
    """A file is saved there as editors do it: written elsewhere, and renamed."""
    WRITE = "write"
    """The file that is there gets longer."""
    ADD = "add"
    """A file comes beside it, or into it where it is a folder."""
    MODE = "mode"
    """It becomes private."""
    MOVE = "move"
    """It gets another name."""
    REMOVE = "remove"
    TURN = "turn"
    """A folder becomes a file, and everything else a folder with a file in it."""


DEEDS = tuple(Deed)
_DESTROYS = frozenset({Deed.SAVE, Deed.WRITE, Deed.REMOVE, Deed.TURN})


class Done(NamedTuple):
    """A deed that was done."""

    deed: Deed
    path: bytes
    """Below the install folder, or below the project where it is beside that."""
    is_inside: bool
    """Whether it is below the install folder."""
    wrote: tuple[bytes, ...]
    """What somebody wrote or moved, file by file."""
    destroyed: tuple[bytes, ...]
    """What was there, and was replaced or removed."""

    def kept(self, users: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Say what must be somewhere in the end, of all that users wrote before and now."""
        return (*(text for text in users if text not in self.destroyed), *self.wrote)

    def concerns(self, path: bytes) -> bool:
        """Say whether what stood at a path may have been touched, or goes with what was."""
        return _is_in(path, self.path, self.path + _MOVED) or _is_in(self.path, path)

    def explains(self, seen: Nodes, planned: Nodes, install: bytes) -> bool:
        """Say whether a tree is as planned, but for the deed; the install folder has some name."""
        path = os.path.join(install, self.path) if self.is_inside else self.path
        theirs = (path, path + _MOVED) if self.deed is Deed.MOVE else (path,)
        others = {at: node for at, node in seen.items() if not _is_in(at, *theirs)}
        expected = {at: node for at, node in planned.items() if not _is_in(at, path)}
        # A folder stays where something of the user's is in it.
        stay = {at for at in others.keys() - expected.keys() if _is_in(path, at)}
        if expected != {at: node for at, node in others.items() if at not in stay}:
            return False
        there, meant = (
            {at: node for at, node in nodes.items() if _is_in(at, path)}
            for nodes in (seen, planned)
        )
        return there == meant or self._explains_there(there, meant)

    def _explains_there(self, seen: Nodes, planned: Nodes) -> bool:
        """Say whether what was done, and perhaps partly taken back since, leads to this."""
        files = {at: node for at, node in seen.items() if node.kind is not Kind.DIRECTORY}
        match self.deed:
            case Deed.REMOVE | Deed.MOVE | Deed.TURN:
                written = self.wrote if self.deed is Deed.TURN else ()
                return all(
                    node == planned.get(at) or node.data in written for at, node in files.items()
                )
            case Deed.MODE:
                return seen.keys() == planned.keys() and all(
                    node._replace(mode=0) == planned[at]._replace(mode=0)
                    for at, node in seen.items()
                )
            case _:
                return tuple(node.data for node in files.values()) == self.wrote


def _is_in(path: bytes, *folders: bytes) -> bool:
    return any(path == folder or path.startswith(folder + b"/") for folder in folders)


# ---- doing it ---------------------------------------------------------------------------------


def do(deed: Deed, project: Path, path: bytes, installs: frozenset[bytes]) -> None:
    """Do it to a path below a project, where it can be done, and leave a record beside."""
    location = os.path.join(os.fsencode(project), path)
    if deed in {Deed.SAVE, Deed.ADD} and _stands(location) == stat.S_IFDIR:
        path, deed = os.path.join(path, _BESIDE), Deed.ADD
    elif deed is Deed.ADD:
        path = os.path.join(os.path.dirname(path), _BESIDE)
    location = os.path.join(os.fsencode(project), path)
    if not _is_open(os.path.dirname(location)):
        return
    destroyed = _contents(location) if deed in _DESTROYS else []
    wrote = _HOW[deed](location, _stands(location))
    if wrote is not None:
        install, _, rest = path.partition(b"/")
        is_inside = install in installs
        place = rest if is_inside else path
        done = Done(deed, place, is_inside, tuple(wrote), tuple(destroyed))
        _put_down(project.parent, done)


def _put_down(root: Path, done: Done) -> None:
    texts = ([os.fsdecode(text) for text in texts] for texts in (done.wrote, done.destroyed))
    record = (done.deed, os.fsdecode(done.path), done.is_inside, *texts)
    (root / _RECORD).write_text(json.dumps(record))


def deed_done(root: Path) -> Done | None:
    """Return what was done to the project of a root, if anything was."""
    try:
        deed, path, is_inside, *texts = json.loads((root / _RECORD).read_text())
    except FileNotFoundError:
        return None
    wrote, destroyed = (tuple(map(os.fsencode, each)) for each in texts)
    return Done(Deed(deed), os.fsencode(path), is_inside, wrote, destroyed)


How = Callable[[bytes, int], list[bytes] | None]
"""Takes a place and the type of what stands there, 0 for nothing; answers what was written or
moved, and nothing at all where there was nothing to do."""


def _save(location: bytes, found: int) -> list[bytes]:
    del found
    saving = location + b".saving"
    with open(saving, "wb") as stream:
        stream.write(_TEXT)
    os.replace(saving, location)
    return [_TEXT]


def _write(location: bytes, found: int) -> list[bytes] | None:
    if found != stat.S_IFREG:
        return None
    with open(location, "ab") as stream:
        stream.write(_TEXT)
    return _contents(location)


def _make_private(location: bytes, found: int) -> list[bytes] | None:
    if found in {0, stat.S_IFLNK}:
        return None
    os.chmod(location, 0o700 if found == stat.S_IFDIR else 0o400)
    return []


def _move(location: bytes, found: int) -> list[bytes] | None:
    if not found:
        return None
    os.rename(location, location + _MOVED)
    return _contents(location + _MOVED)


def _remove(location: bytes, found: int) -> list[bytes] | None:
    if not found:
        return None
    clear(Path(os.fsdecode(location)))
    return []


def _turn(location: bytes, found: int) -> list[bytes] | None:
    if _remove(location, found) is None:
        return None
    if found == stat.S_IFDIR:
        return _save(location, 0)
    os.mkdir(location)
    return _save(os.path.join(location, _BESIDE), 0)


_HOW: Mapping[Deed, How] = {
    Deed.SAVE: _save,
    Deed.WRITE: _write,
    Deed.ADD: _save,
    Deed.MODE: _make_private,
    Deed.MOVE: _move,
    Deed.REMOVE: _remove,
    Deed.TURN: _turn,
}


def _stands(location: bytes) -> int:
    try:
        return stat.S_IFMT(os.lstat(location).st_mode)
    except OSError:
        return 0


def _is_open(folder: bytes) -> bool:
    return _stands(folder) == stat.S_IFDIR and bool(os.lstat(folder).st_mode & stat.S_IWUSR)


def _contents(location: bytes) -> list[bytes]:
    """Return what is in a file, or in all files below a folder."""
    match _stands(location):
        case stat.S_IFREG:
            with open(location, "rb") as stream:
                return [stream.read()]
        case stat.S_IFDIR:
            below = read(Path(os.fsdecode(location))).values()
            return [node.data for node in below if node.kind is Kind.FILE]
        case _:
            return []
