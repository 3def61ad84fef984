"""What others do to a path while we are at work, and what may be seen of it in the end."""

import os
import pickle
import stat
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.models.tree import Kind
from tests.faults.places import INSTALLS
from tests.faults.trees import Node, Nodes, clear, folder, read_one

_TEXT = b"written by somebody else"
_BESIDE = b".somebody.swp"
_MOVED = b".somebodys"
_SAVING = b".saving"
_RECORD = "deed"
_PRIVATE = {Kind.DIRECTORY: 0o700, Kind.FILE: 0o400, Kind.FIFO: 0o400}


class Deed(StrEnum):
    """What somebody does to a path."""

    SAVE = "save"
    """A file is saved there as editors do it: written elsewhere, and renamed. Where a folder
    stands, it is saved into that: then it is called ADD."""
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
_TAKES_AWAY = frozenset({Deed.MOVE, Deed.REMOVE, Deed.TURN})


class Done(NamedTuple):
    """A deed that was done. Nodes are told by their path below the deed's, itself by none."""

    deed: Deed
    path: bytes
    """Below the install folder, or below the project where it is beside that."""
    is_inside: bool
    """Whether it is below the install folder."""
    before: dict[bytes, Node]
    """What stood there."""
    after: dict[bytes, Node]
    """What stood there then; of MOVE, what stood at the other name."""

    @property
    def moved_to(self) -> bytes:
        """Where MOVE brings it."""
        return os.path.join(os.path.dirname(self.path), _MOVED)

    def must_keep(self, users: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Name all texts that must be in the project or set aside; users had written some before.

        What he replaced or removed need not be there, unless it is that of somebody else, too.
        """
        if self.deed is Deed.MODE:
            return users
        gone = set(_texts(self.before)) - set(_texts(self.after))
        return (*(text for text in users if text not in gone), *_texts(self.after))

    def excuses_from_backup(self, path: bytes) -> bool:
        """Say whether a path of the installation may be missing in a backup made meanwhile."""
        return self.deed in _TAKES_AWAY and self.is_inside and _is_in(path, self.path)

    def explains_aside(self, path: bytes, node: Node) -> bool:
        """Say whether something below the deed's root is set aside because of it.

        That is what he made; and what we had put there, once it was not any more as we had put it.
        """
        if node in self.after.values():
            return True
        return self.deed is Deed.MODE and _is_in(path, self.path)

    def explains_folders_aside(self, nodes: Nodes) -> bool:
        """Say whether folders may be set aside with nothing in them.

        What was to be set aside may be gone just then; and a folder of another mode is his.
        """
        return self.deed in _TAKES_AWAY or (self.deed is Deed.MODE and self.path in nodes)

    def explains(self, seen: Nodes, planned: Nodes, install: bytes, aside: Nodes) -> bool:
        """Say whether a project is as planned, but for the deed; the install folder has some name.

        ``aside`` is what was set aside, by its path below the deed's root.
        """
        path, moved_to = self.path, self.moved_to
        if self.is_inside:
            path, moved_to = os.path.join(install, path), os.path.join(install, moved_to)
        return (
            self._is_planned_elsewhere(seen, planned, path, moved_to)
            and self._explains_there(_below(seen, path), _below(planned, path), aside)
            and self._is_kept_where_moved(_below(seen, moved_to), aside)
        )

    def _is_planned_elsewhere(
        self, seen: Nodes, planned: Nodes, path: bytes, moved_to: bytes
    ) -> bool:
        """Say whether all but the path is as planned; a folder stays in which he has something."""
        others = {at: node for at, node in seen.items() if not _is_in(at, path, moved_to)}
        expected = {at: node for at, node in planned.items() if not _is_in(at, path)}
        has_something = path in seen or moved_to in seen
        stays = {
            at: folder(stat.S_IMODE(node.mode))
            for at, node in others.items()
            if has_something and at not in expected and _is_in(path, at)
        }
        return others == {**expected, **stays}

    def _explains_there(self, seen: Nodes, planned: Nodes, aside: Nodes) -> bool:
        """Say whether the path is as he left it, or as planned, or, of a folder, partly this."""
        if self.deed in _TAKES_AWAY:
            return all(
                self._explains_one(at, seen.get(at), planned.get(at))
                for at in seen.keys() | planned.keys()
            )
        if self.deed is not Deed.MODE:
            return seen in (self.after, planned)
        private = {at: _private(node) if not at else node for at, node in planned.items()}
        was_ours_to_change = planned.get(b"") != self.before[b""] or self.path in aside
        # The one thing that is looked at and then done: docs/explanation/transaction.md.
        is_folder = self.before[b""].kind is Kind.DIRECTORY
        return seen in (self.after, private) or (
            seen == planned and (was_ours_to_change or is_folder)
        )

    def _explains_one(self, at: bytes, seen: Node | None, planned: Node | None) -> bool:
        if seen is None:
            return at in self.before
        left = self.after.get(at) if self.deed is Deed.TURN else None
        if left is not None and not at:  # a mode that was meant for a folder may come to the file
            left = left._replace(mode=seen.mode)
        is_folder = planned is not None and seen.kind is planned.kind is Kind.DIRECTORY
        is_made_anew = is_folder and at in self.before
        return seen in (planned, left) or is_made_anew

    def _is_kept_where_moved(self, seen: Nodes, aside: Nodes) -> bool:
        if self.deed is not Deed.MOVE:
            return not seen
        return seen == self.after or (not seen and _below(aside, self.moved_to) == self.after)


def _is_in(path: bytes, *folders: bytes) -> bool:
    return any(path == each or path.startswith(each + b"/") for each in folders)


def _below(nodes: Nodes, path: bytes) -> dict[bytes, Node]:
    """Take what stands at a path, under no name, and below it."""
    return {at[len(path) + 1 :]: node for at, node in nodes.items() if _is_in(at, path)}


def _private(node: Node) -> Node:
    return node._replace(mode=_PRIVATE.get(node.kind, node.mode))


def _texts(nodes: Nodes) -> tuple[bytes, ...]:
    return tuple(node.data for node in nodes.values() if node.kind is Kind.FILE)


# ---- doing it ---------------------------------------------------------------------------------


def do(deed: Deed, project: Path, path: bytes) -> None:
    """Do it to a path below a project, where it can be done, and leave a record beside."""
    deed, path = _target_of(deed, project, path)
    location = os.path.join(os.fsencode(project), path)
    before = read_one(location)
    if not _can_be_done(deed, before.get(b""), os.path.dirname(location)):
        return
    _HOW[deed](location, before[b""] if before else None)
    left_at = os.path.join(os.path.dirname(location), _MOVED) if deed is Deed.MOVE else location
    install, _, rest = path.partition(b"/")
    is_inside = os.fsdecode(install) in INSTALLS
    done = Done(deed, rest if is_inside else path, is_inside, before, read_one(left_at))
    (project.parent / _RECORD).write_bytes(pickle.dumps(done))


def deed_done(root: Path) -> Done | None:
    """Return what was done to the project of a root, if anything was."""
    try:
        done: Done = pickle.loads((root / _RECORD).read_bytes())  # noqa: S301 - our own
    except FileNotFoundError:
        return None
    return done


def _target_of(deed: Deed, project: Path, path: bytes) -> tuple[Deed, bytes]:
    """Say what is really done to what: where a file is saved, a folder may stand."""
    if deed not in {Deed.SAVE, Deed.ADD}:
        return deed, path
    is_folder = stat.S_ISDIR(_mode(os.path.join(os.fsencode(project), path)))
    if deed is Deed.SAVE and not is_folder:
        return deed, path
    return Deed.ADD, os.path.join(path if is_folder else os.path.dirname(path), _BESIDE)


def _can_be_done(deed: Deed, found: Node | None, above: bytes) -> bool:
    if deed is Deed.WRITE:
        return found is not None and found.kind is Kind.FILE and bool(found.mode & stat.S_IWUSR)
    if deed is Deed.MODE:
        return found is not None and _private(found) != found
    is_open = stat.S_ISDIR(_mode(above)) and bool(_mode(above) & stat.S_IWUSR)
    return is_open and (found is not None or deed in {Deed.SAVE, Deed.ADD})


def _mode(location: bytes) -> int:
    try:
        return os.lstat(location).st_mode
    except OSError:
        return 0


def _save(location: bytes, _: Node | None) -> None:
    saving = os.path.join(os.path.dirname(location), _SAVING)
    with open(saving, "wb") as stream:
        stream.write(_TEXT)
    os.replace(saving, location)


def _write(location: bytes, _: Node | None) -> None:
    with open(location, "ab") as stream:
        stream.write(_TEXT)


def _make_private(location: bytes, found: Node | None) -> None:
    if found is not None:
        os.chmod(location, _PRIVATE[found.kind])


def _move(location: bytes, _: Node | None) -> None:
    os.rename(location, os.path.join(os.path.dirname(location), _MOVED))


def _remove(location: bytes, _: Node | None) -> None:
    clear(Path(os.fsdecode(location)))


def _turn(location: bytes, found: Node | None) -> None:
    _remove(location, found)
    if found is None or found.kind is Kind.DIRECTORY:
        _save(location, None)
    else:
        os.mkdir(location)
        _save(os.path.join(location, _BESIDE), None)


_HOW: Mapping[Deed, Callable[[bytes, Node | None], None]] = {
    Deed.SAVE: _save,
    Deed.WRITE: _write,
    Deed.ADD: _save,
    Deed.MODE: _make_private,
    Deed.MOVE: _move,
    Deed.REMOVE: _remove,
    Deed.TURN: _turn,
}
"""Each takes a place, and what stands there."""
