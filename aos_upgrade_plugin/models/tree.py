"""Trees of files as data: paths, entries, digests."""

import hashlib
import os
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from aos_upgrade_plugin.models.base import Frozen, Sha256

_ESCAPED = re.compile(rb"\\(?:\\|x([0-9a-f]{2}))")
_MAYBE_ESCAPED = re.compile(r"[^ -\[\]-~]")
"""All but what ASCII prints as it is; whole texts are escaped, so few characters are looked at."""


def escape(raw: bytes) -> str:
    r"""Return text for any file name or link target: printable, one line, reversible.

    Bytes that are not UTF-8 and characters that cannot be printed become ``\xNN``, a backslash
    becomes ``\\``. So a hostile name neither breaks JSON nor a terminal.
    """
    text = raw.decode("utf-8", "surrogateescape")
    if "\\" not in text and text.isprintable():
        return text
    return _MAYBE_ESCAPED.sub(lambda match: _escape_character(match[0]), text)


def shown(path: str | bytes | os.PathLike[str]) -> str:
    """Return a path of this machine as text that is safe on a terminal, as :func:`escape` does."""
    return escape(os.fsencode(path))


def _escape_character(character: str) -> str:
    if character == "\\":
        return "\\\\"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))


def unescape(text: str) -> bytes:
    """Return the bytes that :func:`escape` made the text from."""
    raw = text.encode("utf-8")
    if b"\\" not in raw:
        return raw
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[1].decode()) if match[1] else b"\\", raw)


def _escaped(text: str) -> str:
    if not _is_plain(text) and (b"\0" in (raw := unescape(text)) or escape(raw) != text):
        message = f"{text!r} is not escaped as file names are"
        raise ValueError(message)
    return text


def _is_plain(text: str) -> bool:
    return "\\" not in text and text.isprintable()


def _inside(path: str) -> str:
    # As the disk will see it: an escaped dot is a dot, an escaped slash a slash.
    seen = path if _is_plain(path) else unescape(_escaped(path)).decode("utf-8", "replace")
    parts = f"/{seen}/"
    if "//" in parts or "/./" in parts or "/../" in parts:
        message = f"{path!r} is not a path below a folder"
        raise ValueError(message)
    return path


EscapedText = Annotated[str, AfterValidator(_escaped)]
"""Any bytes that a file system stores, made text by :func:`escape`, and only so."""

TreePath = Annotated[str, AfterValidator(_inside)]
"""A path below a root: ``/`` between its parts, never absolute, escaped by :func:`escape`."""


def in_repository(path: str) -> bool:
    """Say whether an escaped path leads into a git repository's own folder, or names it."""
    # What an escape hides may be left out by a file system: .g\\xe2\\x80\\x8cit is .git to some.
    if "git" not in path.casefold() and "\\" not in path:
        return False
    return any(is_repository(name) for name in unescape(path).split(b"/"))


def is_repository(name: bytes) -> bool:
    """Say whether any file system takes a name for ``.git``: by case, or what it leaves out."""
    seen = "".join(filter(str.isprintable, name.decode("utf-8", "replace")))
    return seen.rstrip(". ").casefold() in {".git", "git~1"}


class Kind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    FIFO = "fifo"
    WHOLE_TREE = "whole_tree"
    """A folder that is only ever moved as one, known by its inode: the environment."""


class Entry(Frozen):
    """What stands at one path. Two equal entries are byte-identical: content, mode, link."""

    kind: Kind
    mode: Annotated[int, Field(ge=0, le=0o7777)] = 0o777
    """Permission bits; links have none of their own and keep the default."""
    size_bytes: Annotated[int, Field(ge=0)] = 0
    digest: Sha256 | None = None
    """SHA-256 of a file's content; nothing for every other kind."""
    link_target: EscapedText | None = None
    """Where a link points, as it was written, escaped."""
    inode: int | None = None
    """Only for a whole tree."""


Tree = Mapping[TreePath, Entry]
"""Every path below a root, folders included, with what stands there."""


def tree_digest(tree: Tree) -> Sha256:
    """Return one digest for a whole tree, the same for the same tree in any order."""
    digest = hashlib.sha256()
    for path in sorted(tree):
        entry = tree[path]
        line = (entry.kind.value, f"{entry.mode:o}", entry.digest or "", entry.link_target or "")
        digest.update("\0".join((path, *line)).encode() + b"\n")
    return digest.hexdigest()
