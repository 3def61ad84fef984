"""Everything that a transaction puts in place, built and made durable beside it first."""

import os
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.errors import RefusedError, StaleError
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, unescape

ContentOf = Callable[[Change], bytes | Path]
"""Answers what a new file holds: its bytes, or a file to copy."""

_RESERVE_BYTES = 1 << 20
RESERVE = "reserve"


def stage(change: Change, slot: bytes, content_of: ContentOf) -> None:
    """Build one new entry in its slot, exactly as planned, or raise StaleError."""
    entry = change.after
    if entry is None or change.in_place or change.whole_tree:
        return
    match entry.kind:
        case Kind.FILE:
            _stage_file(change, entry, slot, content_of(change))
        case Kind.LINK:
            disk.make_link(unescape(entry.link_target or ""), slot)
        case Kind.FIFO:
            disk.make_fifo(slot, entry.mode)
            disk.set_mode(slot, entry.mode)
        case _:
            disk.make_directory(slot)
            disk.set_mode(slot, entry.mode)


def _stage_file(change: Change, entry: Entry, slot: bytes, content: bytes | Path) -> None:
    if isinstance(content, bytes):
        durable.write_new(slot, content, mode=entry.mode)
    else:
        durable.copy_file(os.fsencode(content), slot)
        disk.set_mode(slot, entry.mode)
    if files.read_entry(slot) != entry:
        raise StaleError(
            f"the new content of {change.path} is not what was planned",
            cure="its source changed meanwhile: make a new plan and run again",
        )


def reserve_space(folder: Path) -> None:
    """Keep disk space back, so that going back also works on a full disk."""
    descriptor = disk.create(os.fsencode(folder / RESERVE))
    try:
        disk.allocate(descriptor, _RESERVE_BYTES)
    finally:
        os.close(descriptor)


def release_space(folder: Path) -> None:
    """Give the reserve back; it may be gone."""
    with suppress(FileNotFoundError):
        disk.remove(os.fsencode(folder / RESERVE))


def refuse_unreachable(changes: Sequence[Change], roots: dict[Place, Path], stage: Path) -> None:
    """Raise RefusedError for a change below a link, or that a mount parts from the stage."""
    paths = [(change.place, change.path) for change in changes]
    for place, folder in _unmade_folders(changes):
        _refuse_link(roots[place], folder)
        paths.append((place, folder))
    real_roots = {place: root.resolve() for place, root in roots.items()}
    device, mounts = stage.stat().st_dev, files.mount_points()
    mounted_at = _mount_of(stage.resolve(), mounts)
    for place, path in paths:
        location = Path(os.fsdecode(files.locate(real_roots[place], path)))
        other_device = os.path.isdir(location) and os.lstat(location).st_dev != device
        may_be_mount = not path or str(location) in mounts
        if other_device or (may_be_mount and _mount_of(location, mounts) != mounted_at):
            raise RefusedError(
                f"{path or roots[place].name} is a mount, or on another file system, so nothing"
                " can be exchanged with it",
                cure="unmount it for the time of the upgrade",
            )


def _mount_of(location: Path, mounts: Container[str]) -> Path | None:
    return next((each for each in (location, *location.parents) if str(each) in mounts), None)


def refuse_links(changes: Sequence[Change], roots: dict[Place, Path]) -> None:
    """Raise RefusedError for a change below a link that the changes themselves do not make."""
    for place, folder in _unmade_folders(changes):
        _refuse_link(roots[place], folder)


def _unmade_folders(changes: Sequence[Change]) -> Iterator[tuple[Place, TreePath]]:
    """Find the folders above changes, up to one that the changes turn into something else."""
    made = {(change.place, change.path) for change in changes if not change.in_place}
    seen: set[tuple[Place, TreePath]] = set()
    for change in changes:
        for folder in _folders_above(change.path):
            if (change.place, folder) in made:
                break
            if (change.place, folder) not in seen:
                seen.add((change.place, folder))
                yield change.place, folder


def _folders_above(path: TreePath) -> Iterable[TreePath]:
    parts = path.split("/")
    return ("/".join(parts[:depth]) for depth in range(len(parts)))


def _refuse_link(root: Path, folder: TreePath) -> None:
    if folder and os.path.islink(files.locate(root, folder)):
        raise behind_a_link(folder)


def behind_a_link(folder: TreePath) -> RefusedError:
    """Return what to say of a folder that leads out of the installation."""
    return RefusedError(
        f"the folder {folder} is a link, so what is below it is not this installation's",
        cure="replace the link with the folder that it names, or move it out",
    )
