"""What would be laid down from a source, read from its commit and never from its work tree."""

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.source.repository import Repository
from aos_upgrade_plugin.models.source import Blob, LaidDown, ObjectId
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, escape

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_LFS_POINTER_MAX_BYTES = 1024


class Contents(NamedTuple):
    """What a commit brings to an installation."""

    laid_down: Mapping[TreePath, LaidDown]
    lfs_pointers: tuple[TreePath, ...]


def read_contents(repository: Repository, blobs: Mapping[TreePath, Blob]) -> Contents:
    """Read every file and link that is to be laid down, so that none can be missing later."""
    laid_down: dict[TreePath, LaidDown] = {}
    pointers: list[TreePath] = []
    with repository.blobs() as read:
        for path, blob in blobs.items():
            content = read(blob.oid)
            laid_down[path] = LaidDown(entry=_entry(blob, content), blob=blob.oid)
            if content.startswith(_LFS_POINTER) and len(content) <= _LFS_POINTER_MAX_BYTES:
                pointers.append(path)
    return Contents(laid_down, tuple(pointers))


def read_blobs(repository: Repository, oids: Iterable[ObjectId]) -> Mapping[ObjectId, bytes]:
    """Read some contents by their names."""
    with repository.blobs() as read:
        return {oid: read(oid) for oid in oids}


def paths_within(root: Path, paths: Iterable[Path]) -> tuple[bytes, ...]:
    """Return those of the paths that lie below a root, relative to it."""
    resolved = root.resolve()
    return tuple(
        os.fsencode(path.resolve().relative_to(resolved))
        for path in paths
        if path.resolve() != resolved and path.resolve().is_relative_to(resolved)
    )


def _entry(blob: Blob, content: bytes) -> Entry:
    if blob.kind is Kind.LINK:
        return Entry(kind=Kind.LINK, link_target=escape(content))
    return Entry(
        kind=Kind.FILE,
        mode=0o755 if blob.executable else 0o644,
        size_bytes=len(content),
        digest=hashlib.sha256(content).hexdigest(),
    )
