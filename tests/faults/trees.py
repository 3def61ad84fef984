"""Folders as data: built on the disk, and read back by code that is not under test."""

import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.models.tree import Entry, Kind, Tree, escape

# The system's own: who looks on at the product's looks is not to see ours.
_scandir, _lstat, _readlink = os.scandir, os.lstat, os.readlink


class Node(NamedTuple):
    """What stands at one path."""

    kind: Kind
    mode: int = 0o777
    data: bytes = b""
    """A file's content, or where a link points."""


Nodes = Mapping[bytes, Node]
"""Every path below a folder, ``/``-separated, with what stands there."""


def file(data: bytes, mode: int = 0o644) -> Node:
    """Return a regular file."""
    return Node(Kind.FILE, mode, data)


def folder(mode: int = 0o755) -> Node:
    """Return a folder."""
    return Node(Kind.DIRECTORY, mode)


def link(target: bytes) -> Node:
    """Return a symbolic link."""
    return Node(Kind.LINK, 0o777, target)


def fifo(mode: int = 0o600) -> Node:
    """Return a named pipe."""
    return Node(Kind.FIFO, mode)


def below(prefix: bytes, nodes: Nodes, *, mode: int = 0o755) -> dict[bytes, Node]:
    """Put a tree into a folder."""
    return {prefix: folder(mode), **{prefix + b"/" + path: nodes[path] for path in nodes}}


def build(root: Path, nodes: Nodes) -> None:
    """Make everything below a root, which is made too."""
    root.mkdir(parents=True, exist_ok=True)
    top = os.fsencode(root)
    for path in sorted(nodes):
        put(os.path.join(top, path), nodes[path])
    for path in sorted(nodes, reverse=True):
        if nodes[path].kind is Kind.DIRECTORY:
            os.chmod(os.path.join(top, path), nodes[path].mode)


def put(location: bytes, node: Node) -> None:
    """Make one entry; the mode of a folder is left for when it is filled."""
    match node.kind:
        case Kind.FILE:
            with open(location, "wb") as stream:
                stream.write(node.data)
            os.chmod(location, node.mode)
        case Kind.LINK:
            os.symlink(node.data, location)
        case Kind.FIFO:
            os.mkfifo(location)
            os.chmod(location, node.mode)
        case _:
            os.mkdir(location)


def read(root: Path, *, leave_out: frozenset[bytes] = frozenset()) -> dict[bytes, Node]:
    """Read everything below a root, without the folders and files of some names."""
    nodes: dict[bytes, Node] = {}
    _read_into(nodes, b"", os.fsencode(root), leave_out)
    return nodes


def read_one(location: bytes) -> dict[bytes, Node]:
    """Read what stands at a place, under no name, with everything below; nothing where nothing."""
    try:
        node = _node(location, _lstat(location))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    below = read(Path(os.fsdecode(location))) if node.kind is Kind.DIRECTORY else {}
    return {b"": node, **below}


def _read_into(
    nodes: dict[bytes, Node], prefix: bytes, location: bytes, leave_out: frozenset[bytes]
) -> None:
    for child in _scandir(location):
        if child.name in leave_out:
            continue
        node = _node(child.path, child.stat(follow_symlinks=False))
        nodes[prefix + child.name] = node
        if node.kind is Kind.DIRECTORY:
            _read_into(nodes, prefix + child.name + b"/", child.path, leave_out)


def _node(location: bytes, status: os.stat_result) -> Node:
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        return folder(mode)
    if stat.S_ISLNK(status.st_mode):
        return link(_readlink(location))
    if stat.S_ISFIFO(status.st_mode):
        return fifo(mode)
    with open(location, "rb") as stream:
        return file(stream.read(), mode)


def as_tree(nodes: Nodes) -> Tree:
    """Describe a tree in the words of the product."""
    return {escape(path): _entry(node) for path, node in nodes.items()}


def _entry(node: Node) -> Entry:
    match node.kind:
        case Kind.FILE:
            digest = hashlib.sha256(node.data).hexdigest()
            size_bytes = len(node.data)
            return Entry(kind=node.kind, mode=node.mode, digest=digest, size_bytes=size_bytes)
        case Kind.LINK:
            return Entry(kind=node.kind, link_target=escape(node.data))
        case _:
            return Entry(kind=node.kind, mode=node.mode)


def clear(root: Path) -> None:
    """Remove a folder with everything in it, closed folders too."""
    location = os.fsencode(root)
    if os.path.isdir(location) and not os.path.islink(location):
        os.chmod(location, 0o700)
        for child in os.listdir(location):
            clear(root / os.fsdecode(child))
        os.rmdir(location)
    elif os.path.lexists(location):
        os.remove(location)
