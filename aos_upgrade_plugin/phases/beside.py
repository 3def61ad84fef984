"""A server's code started beside the installation, in a copy that may be written into.

What such a server builds, caches or notes about itself never touches the installation.
"""

import os
from collections.abc import Callable, Generator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.service.server import command_beside
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.service.server import knows_transport
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error, locate, scan
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.plan import PlannedChange
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import Servers, Site, StartCommand, Transport
from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, TreePath, unescape
from aos_upgrade_plugin.phases.installation import Installation, installation_of, site_of
from aos_upgrade_plugin.phases.planning import contents_of, read_installation_tree
from aos_upgrade_plugin.phases.renaming import new_name
from aos_upgrade_plugin.phases.serving import look, recorded_command

_FOLDER = "beside"


@contextmanager
def laid_beside(
    run: Run, servers: Servers, *, changes: tuple[PlannedChange, ...] = (), environment: Path
) -> Generator[tuple[Site, StartCommand]]:
    """Copy what a server needs, with some planned changes made; offer the copy and how to ask it.

    The copy is gone afterwards. ``environment`` is where its Python is.
    """
    name = (new_name(run) if changes else run.install).name
    remove_copy(run)
    changes = tuple(one for one in changes if one.change.place is Place.INSTALL)
    planned = {one.change.path for one in changes}
    copied = _Copied(
        installation_of(run), run.folder / _FOLDER / "project" / name, environment, servers
    )

    def lay_changes(install: Path) -> None:
        if changes:
            _lay_changes(run, install, changes)

    try:
        yield _laid(copied, without=planned, then=lay_changes)
    finally:
        remove_copy(run)


@contextmanager
def copied_beside(
    installation: Installation, folder: Path, *, with_files: Mapping[TreePath, bytes]
) -> Generator[StartCommand]:
    """Copy what a server needs, with some files that hold something else; offer how to ask it.

    The copy lies in a folder of its own, which is gone afterwards.
    """
    site = site_of(installation)
    copied = _Copied(
        installation, folder / "project" / installation.path.name, site.environment, look(site)
    )

    def lay_files(install: Path) -> None:
        for path, content in with_files.items():
            durable.write_new(locate(install, path), content, mode=0o644)

    try:
        yield _laid(copied, without=with_files.keys(), then=lay_files)[1]
    finally:
        with as_disk_error("removing the copy of the server"):
            durable.remove_tree(folder)


class _Copied(NamedTuple):
    """What is copied, and where to."""

    installation: Installation
    install: Path
    environment: Path
    servers: Servers


def _laid(
    copied: _Copied, *, without: AbstractSet[TreePath], then: Callable[[Path], None]
) -> tuple[Site, StartCommand]:
    """Lay the copy down, then what comes in place of the paths that it is without."""
    live, install = site_of(copied.installation), copied.install
    with as_disk_error("copying the server beside"):
        _copy(copied.installation, install, without)
        then(install)
        site = Site.of(install=install, project=install.parent, layout=copied.installation.layout)
        site = site._replace(environment=copied.environment)
        _copy_index(live, site)
    command = command_beside(
        beside=site,
        site=live,
        recorded=recorded_command(live, copied.servers, transport=Transport.STDIO),
        knows_transport=knows_transport(site),
    )
    return site, command


def remove_copy(run: Run) -> None:
    """Remove the copy; a killed run may have left it."""
    with as_disk_error("removing the copy of the server"):
        durable.remove_tree(run.folder / _FOLDER)


def _copy(installation: Installation, install: Path, without: AbstractSet[TreePath]) -> None:
    """Copy the folders that the product lays down, and the files beside them."""
    durable.make_directories(install)
    for path, entry in sorted(_needed(installation).items()):
        if path not in without:
            live = partial(Path, os.fsdecode(locate(installation.path, path)))
            _lay(entry, locate(install, path), live)


def _lay_changes(run: Run, install: Path, changes: tuple[PlannedChange, ...]) -> None:
    with contents_of(run.plan, run.install) as content_of:
        for one in changes:
            if one.change.after is not None:
                content = partial(content_of, one.change)
                _lay(one.change.after, locate(install, one.change.path), content)


def _needed(installation: Installation) -> Tree:
    tops = {root.install.split("/")[0] for root in installation.layout.roots}

    def is_needed(path: TreePath, entry: Entry) -> bool:
        top, below, _ = path.partition("/")
        return top in tops or (not below and entry.kind is not Kind.DIRECTORY)

    tree = read_installation_tree(installation)
    return {path: entry for path, entry in tree.items() if is_needed(path, entry)}


def _copy_index(site: Site, beside: Site) -> None:
    """Copy the search index: what it knows belongs to what is measured, and building it takes long.

    One that is written meanwhile is left out, and the server builds its own; for that, the folder
    above has to be there.
    """
    durable.make_directories(beside.index_folder.parent)
    if not site.index_folder.is_dir():
        return
    disk.make_directory(os.fsencode(beside.index_folder))
    try:
        for found in scan(site.index_folder):
            place = locate(beside.index_folder, found.path)
            if found.kind is Kind.DIRECTORY:
                disk.make_directory(place)
            elif found.kind is Kind.FILE:
                durable.copy_file(found.location, place)
    except (FileNotFoundError, durable.ChangedWhileReadError):
        durable.remove_tree(beside.index_folder)


def _lay(entry: Entry, location: bytes, content: Callable[[], bytes | Path]) -> None:
    """Lay down one entry with the folders above it; what is no file, folder or link is left out."""
    path = Path(os.fsdecode(location))
    durable.make_directories(path.parent if entry.kind is not Kind.DIRECTORY else path)
    if entry.kind is Kind.LINK:
        disk.make_link(unescape(entry.link_target or ""), location)
    elif entry.kind is Kind.FILE:
        holds = content()
        if isinstance(holds, bytes):
            durable.write_new(location, holds, mode=entry.mode)
        else:
            durable.copy_file(os.fsencode(holds), location)
