"""The backups of an installation: listed, read, written down, removed."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.backup.garbage import uncollected
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error, read_bytes
from aos_upgrade_plugin.errors import DamagedError, NotFoundError, RefusedError
from aos_upgrade_plugin.models.backup import (
    BACKUPS,
    MANIFEST,
    BackupEntry,
    BackupManifest,
    age_order,
)
from aos_upgrade_plugin.models.tree import shown

PARTIAL = ".partial-"
"""What a backup's name begins with until it is whole and durable."""
_REMOVING = ".removing-"

_ENTRIES = TypeAdapter(tuple[BackupEntry, ...])
_DIGEST = b'"digest":"'
_END = b'"\n}\n'


class Backup(NamedTuple):
    """One backup on the disk."""

    path: Path
    manifest: BackupManifest | None
    problem: str | None = None
    """Why there is no manifest. What there is of content is not looked at here."""

    @property
    def name(self) -> str:
        """The moment it was begun, and so its name."""
        return self.path.name


def own_folder(install: Path) -> Path:
    """Return where backups are made and removed; raise RefusedError where that may not be.

    Behind a link they could be those of another installation. Who only looks may follow it.
    """
    folder = install / BACKUPS
    if folder.is_symlink() or (os.path.lexists(folder) and not folder.is_dir()):
        raise RefusedError(
            f"{shown(folder)} is no folder of its own, so no backup is made or removed there",
            cure="move it away; a disk for backups can be mounted there instead",
        )
    return folder


def listed(install: Path) -> tuple[Backup, ...]:
    """List the backups, the newest first. What is not of our making is passed over."""
    return tuple(newest_first(install))


def newest_first(install: Path) -> Iterator[Backup]:
    """Read one backup's manifest after the other, for who needs only the newest ones."""
    with as_disk_error("looking for backups"):
        paths = _by_age(install / BACKUPS)
    for path in reversed(paths):
        with as_disk_error("looking for backups"):
            backup = _described(path)
        yield backup


def _by_age(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    ages = {path: age_order(path.name) for path in folder.iterdir() if path.is_dir()}
    return [path for _, path in sorted((age, path) for path, age in ages.items() if age)]


def _described(backup: Path) -> Backup:
    try:
        return Backup(backup, read_manifest(backup))
    except DamagedError as error:
        return Backup(backup, None, str(error))


def find(install: Path, name: str) -> Path:
    """Return where the backup of that name is; raise NotFoundError that names those there are."""
    folder = install / BACKUPS
    path = folder / name
    with as_disk_error("looking for backups"):
        if age_order(name) and path.is_dir():
            return path
        names = [each.name for each in _by_age(folder)]
    raise NotFoundError(
        f"there is no backup {name!r} of {install}",
        cure=f"name one of these: {', '.join(reversed(names))}"
        if names
        else "make one: aos-upgrade backups create",
    )


def write_manifest(folder: Path, manifest: BackupManifest) -> None:
    """Write the manifest: an entry a line, and last a digest over everything before it."""
    head = manifest.model_copy(update={"entries": ()}).model_dump_json(exclude={"entries"})
    entries = _ENTRIES.dump_json(manifest.entries, exclude_none=True)
    # Quotes within a path are escaped, so this stands only where an entry begins.
    lines = entries.replace(b'},{"path":', b'},\n{"path":')
    body = b'%s,\n"entries":[\n%s\n],\n' % (head[:-1].encode(), lines[1:-1])
    digest = hashlib.sha256(body).hexdigest().encode()
    durable.write_new(os.fsencode(folder / MANIFEST), body + _DIGEST + digest + _END)


@uncollected()
def read_manifest(backup: Path) -> BackupManifest:
    """Read what a backup holds; raise DamagedError where it is not what was written."""
    try:
        raw = read_bytes(backup / MANIFEST)
    except OSError as error:
        raise _damaged(backup, error.strerror or str(error)) from error
    body, _, digest = raw.rpartition(_DIGEST)
    if digest.removesuffix(_END) != hashlib.sha256(body).hexdigest().encode():
        raise _damaged(backup, "its digest does not fit")
    try:
        return BackupManifest.model_validate_json(body.removesuffix(b",\n") + b"}")
    except ValidationError as error:
        raise DamagedError(
            f"the backup {backup.name} is of another version of this tool",
            cure="use the version of aos-upgrade that made it",
        ) from error


def _damaged(backup: Path, why: str) -> DamagedError:
    return DamagedError(
        f"the backup {backup.name} is damaged: {MANIFEST}: {why}",
        cure="look for another one: aos-upgrade backups list",
    )


def remove(backup: Path) -> None:
    """Remove a backup; killed in between, it is no backup any more, and :func:`clean` ends it."""
    doomed = backup.with_name(_REMOVING + backup.name)
    with as_disk_error(f"removing the backup {backup.name}"):
        disk.rename_new(os.fsencode(backup), os.fsencode(doomed))
        durable.sync_directory(os.fsencode(backup.parent))
        durable.remove_tree(doomed)


def clean(install: Path) -> tuple[str, ...]:
    """Remove what a killed backup or removal left; the caller holds the lock."""
    with as_disk_error("cleaning up backups"):
        left = [
            path
            for path in sorted(own_folder(install).glob(".*"))
            if path.name.startswith((PARTIAL, _REMOVING))
        ]
        for path in left:
            durable.remove_tree(path)
    return tuple(path.name for path in left)
