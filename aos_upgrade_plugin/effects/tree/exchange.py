"""One change on the disk: made by compare-and-swap, and taken back.

Neither looks first and acts then, except the mode of a folder: the old entry is moved out in one
step, and only what came out is compared with the plan. So a save that comes in between is never
overwritten.
"""

import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import files, staging
from aos_upgrade_plugin.errors import StaleError
from aos_upgrade_plugin.models.journal import Change, Progress
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath

_NOT_EMPTY = frozenset({errno.ENOTEMPTY, errno.EEXIST})


class Spot(NamedTuple):
    """Where one change happens."""

    change: Change
    root: Path
    """What the change's path is below."""
    path: bytes
    staged: bytes
    """The slot in which the new entry waits, and into which an exchange brings the old one."""
    out: bytes
    """The slot for what comes out without an exchange."""

    @property
    def anew(self) -> bytes:
        """Where a folder that cannot be moved is made anew, before the old one goes."""
        return self.out + b".anew"

    @property
    def link_above(self) -> TreePath | None:
        """The folder that leads out of the root, if one on the way to the path is a link."""
        return files.link_above(self.root, self.change.path)

    def progress(self) -> Progress:
        """Look how far this change has come."""
        read = files.read_whole_tree if self.change.whole_tree else files.read_entry
        return self.change.progress(
            staged=read(self.staged), out=read(self.out), current=read(self.path)
        )


def holds(location: bytes, entry: Entry | None) -> bool:
    """Say whether exactly this entry stands there; a folder has to be empty."""
    if entry is None:
        return not os.path.lexists(location)
    if entry.kind is Kind.WHOLE_TREE:
        return files.read_whole_tree(location) == entry
    if files.read_entry(location) != entry:
        return False
    return entry.kind is not Kind.DIRECTORY or not os.listdir(location)


def make(spot: Spot) -> None:
    """Make the change; raise StaleError, with the path as it was, where it is not as planned."""
    change = spot.change
    try:
        if change.in_place:
            _set_mode(spot)
        elif change.before is None:
            disk.rename_new(spot.staged, spot.path)
        elif change.after is None:
            _move_out(spot)
            _compare(change, spot.out, lambda: disk.rename_new(spot.out, spot.path))
        else:
            _swap(spot)
    except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
        raise _stale(change) from error


def _set_mode(spot: Spot) -> None:
    if files.read_entry(spot.path) != spot.change.before:
        raise _stale(spot.change)
    disk.set_mode(spot.path, _mode(spot.change.after))


def _swap(spot: Spot) -> None:
    try:
        _exchange(spot)
    except disk.ExchangeUnsupportedError:
        _move_out(spot)
        _compare(spot.change, spot.out, lambda: disk.rename_new(spot.out, spot.path))
        disk.rename_new(spot.staged, spot.path)
    else:
        put_back = lambda: disk.exchange(spot.staged, spot.path)  # noqa: E731
        _compare(spot.change, spot.staged, put_back)


def _exchange(spot: Spot) -> None:
    try:
        disk.exchange(spot.staged, spot.path)
    except OSError as error:
        if _cannot_be_moved(spot, error):
            raise disk.ExchangeUnsupportedError(*error.args) from error
        raise


def _move_out(spot: Spot) -> None:
    """Move the old entry out of its place; a folder that cannot be moved is made anew there."""
    try:
        disk.rename_new(spot.path, spot.out)
    except OSError as error:
        if not _cannot_be_moved(spot, error):
            raise
        disk.make_directory(spot.anew, 0o700)
        disk.set_mode(spot.anew, stat.S_IMODE(os.lstat(spot.path).st_mode))
        _remove_if_empty(spot)
        disk.rename_new(spot.anew, spot.out)


def _end_moving_out(spot: Spot) -> None:
    """End what a kill interrupted in :func:`_move_out`: the folder went, or it did not."""
    if not os.path.lexists(spot.anew):
        return
    if os.path.lexists(spot.path):
        disk.remove_directory(spot.anew)
    else:
        disk.rename_new(spot.anew, spot.out)


def _cannot_be_moved(spot: Spot, error: OSError) -> bool:
    """Say whether it is a folder of an image's layer: overlayfs removes such a one, at most."""
    before = spot.change.before
    is_folder = before is not None and before.kind is Kind.DIRECTORY
    return is_folder and error.errno == errno.EXDEV and files.is_folder(spot.path)


def _remove_if_empty(spot: Spot) -> None:
    try:
        disk.remove_directory(spot.path)
    except OSError as error:
        disk.remove_directory(spot.anew)
        if error.errno in _NOT_EMPTY:
            raise _stale(spot.change) from error
        raise


def _compare(change: Change, came_out: bytes, put_back: Callable[[], None]) -> None:
    if not holds(came_out, change.before):
        put_back()
        raise _stale(change)


def _stale(change: Change) -> StaleError:
    return StaleError(
        f"{change.path} changed after the plan was made; it was left as it is now",
        cure="look at the file, then make a new plan and run again",
    )


def take_back(spot: Spot, *, make_way: Callable[[], None]) -> bool:
    """Bring the old entry back, however far the change had come; may be repeated.

    ``make_way`` sets aside what stands in the way of an old entry that comes back and gives it
    its folder again. Answers no where a new folder had to stay because somebody uses it.
    Nothing happens behind a link: what is there is not the installation's. Raises RefusedError
    where something would have to come back there.
    """
    change, link = spot.change, spot.link_above
    _end_moving_out(spot)
    match spot.progress():
        case Progress.TO_DO | Progress.TAKEN_BACK:
            return True
        case _ if link is not None and (change.in_place or change.before is None):
            return True  # what we made has gone to wherever somebody moved its folder
        case _ if link is not None:
            raise staging.behind_a_link(link)
        case Progress.DONE if change.in_place:
            if files.read_entry(spot.path) == change.after:
                disk.set_mode(spot.path, _mode(change.before))
        case Progress.DONE if change.before is None:
            return _take_out(spot)
        case Progress.DONE if change.after is not None:
            _swap_back(spot, make_way)
        case _:
            make_way()
            disk.rename_new(spot.out, spot.path)
    return True


def _swap_back(spot: Spot, make_way: Callable[[], None]) -> None:
    came_out = spot.out if os.path.lexists(spot.out) else spot.staged
    # Only our own entry goes back into the slot: whoever repeats this has to know what is in it.
    if not holds(spot.path, spot.change.after):
        make_way()
        disk.rename_new(came_out, spot.path)
        return
    if came_out == spot.staged:
        try:
            disk.exchange(spot.staged, spot.path)
        except disk.ExchangeUnsupportedError:
            disk.rename_new(spot.staged, spot.out)  # as if it had been made without, too
        else:
            return
    disk.rename_new(spot.path, spot.staged)
    disk.rename_new(spot.out, spot.path)


def _take_out(spot: Spot) -> bool:
    with suppress(FileNotFoundError, NotADirectoryError):
        if not files.is_folder(spot.path) or spot.change.whole_tree:
            disk.rename_new(spot.path, spot.out)
            return True
        try:
            disk.remove_directory(spot.path)
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise
            return False
    return True


def _mode(entry: Entry | None) -> int:
    return entry.mode if entry is not None else 0
