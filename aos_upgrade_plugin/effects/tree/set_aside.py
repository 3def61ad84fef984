"""What a user made where we have to go back: kept beside, listed, never overwritten.

It lies on shelves, one for each place, under the path that it had. What comes to a path that is
already taken there goes to the next shelf of that place.
"""

import itertools
import os
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.models.journal import Change, Place, SetAside
from aos_upgrade_plugin.models.tree import Kind, escape, unescape

SET_ASIDE = "set-aside"
"""The name of the folder with the shelves, in the owner's folder."""


def keep(owner_folder: Path, change: Change, location: bytes) -> None:
    """Move what stands at a location into the owner's folder, under the path it belongs to."""
    _move(owner_folder / SET_ASIDE / change.place, unescape(change.path), location)


def _move(first_shelf: Path, path: bytes, location: bytes) -> None:
    for turn in itertools.count(1):
        shelf = first_shelf if turn == 1 else first_shelf.with_name(f"{first_shelf.name}~{turn}")
        kept_at = os.path.join(os.fsencode(shelf), path)
        if files.link_above(shelf, escape(path)) is not None:
            continue  # a link that was kept; behind it is somebody else's folder
        try:
            durable.make_directories(Path(os.fsdecode(kept_at)).parent, mode=0o700)
            disk.rename_new(location, kept_at)
        except (FileExistsError, NotADirectoryError):
            continue
        durable.sync_directory(os.path.dirname(kept_at))
        return


def make_way(owner_folder: Path, root: Path, change: Change) -> None:
    """Free a path that an old entry comes back to, and give it the folders above it again."""
    shelf = owner_folder / SET_ASIDE / change.place
    parts = unescape(change.path).split(b"/")
    for depth in range(1, len(parts)):
        folder = b"/".join(parts[:depth])
        location = os.path.join(os.fsencode(root), folder)
        if os.path.lexists(location) and not files.is_folder(location):
            _move(shelf, folder, location)
        durable.make_directories(Path(os.fsdecode(location)))
    location = files.locate(root, change.path)
    if os.path.lexists(location):
        _move(shelf, unescape(change.path), location)


def listed(install: Path, owner_folder: Path) -> tuple[SetAside, ...]:
    """List everything that was set aside for an owner, also before a kill."""
    shelves = sorted((owner_folder / SET_ASIDE).glob("*"))
    return tuple(
        SetAside(
            path=found.path,
            place=Place(shelf.name.partition("~")[0]),
            kept_at=escape(os.path.relpath(found.location, os.fsencode(install))),
        )
        for shelf in shelves
        for found in files.scan(shelf)
        if found.kind is not Kind.DIRECTORY
    )
