"""A backup as data: what it holds, and what is wrong with one."""

import re
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator

from aos_upgrade_plugin.models.base import Frozen, SessionId, Sha256, Utc
from aos_upgrade_plugin.models.tree import Entry, EscapedText, Kind, TreePath

BACKUPS = ".backups"
"""The folder of the backups, in the install folder."""
MANIFEST = "MANIFEST.json"
REQUIREMENTS = "requirements-snapshot.txt"
OWN_NAMES = frozenset({MANIFEST, REQUIREMENTS})
"""What lies in a backup beside the content."""

_NAME = re.compile(r"(\d{4}-\d{2}-\d{2}-\d{6})(?:-([1-9]\d{0,8}))?", re.ASCII)


def stamp(moment: datetime) -> str:
    """Return the name of a backup that was begun then."""
    return moment.strftime("%Y-%m-%d-%H%M%S")


def age_order(name: str) -> tuple[str, int] | None:
    """Return what sorts backups from old to new; nothing for a name that no backup has."""
    match = _NAME.fullmatch(name)
    return (match[1], int(match[2] or 1)) if match else None


class StatIdentity(NamedTuple):
    """What changes whenever a file's content or mode may have changed."""

    size_bytes: int
    modified_ns: int
    changed_ns: int
    inode: int
    mode: int


class BackupEntry(Frozen):
    """One path of the installation as it was."""

    path: TreePath
    kind: Kind
    mode: Annotated[int, Field(ge=0, le=0o7777)]
    size_bytes: Annotated[int, Field(ge=0)] = 0
    digest: Sha256 | None = None
    link_target: EscapedText | None = None
    modified_ns: int | None = None
    """When a file or folder was last modified, in nanoseconds since 1970."""
    stored_as: TreePath | None = None
    """Where the backup has it, if not at the same path: its name is one of the backup's own."""
    source: StatIdentity | None = None
    """The file it was copied from, if a later change of that file is bound to show there."""

    @property
    def stored_at(self) -> TreePath:
        """Where the backup has it."""
        return self.stored_as or self.path

    @property
    def entry(self) -> Entry:
        """What stood at the path."""
        return Entry(
            kind=self.kind,
            mode=self.mode,
            size_bytes=self.size_bytes,
            digest=self.digest,
            link_target=self.link_target,
        )


class LeftOut(Frozen):
    """Something that holds no content to keep: a socket, a device."""

    path: TreePath
    reason: str


class BackupManifest(Frozen):
    """Everything that a backup holds, by path, folders before their content."""

    schema_version: Literal[1] = 1
    created_at: Utc
    install_name: str
    layout: str
    session: SessionId | None = None
    includes_environment: bool = False
    requirements_digest: Sha256
    left_out: tuple[LeftOut, ...] = ()
    entries: tuple[BackupEntry, ...]

    @model_validator(mode="after")
    def _one_entry_a_path(self) -> Self:
        if len({each.path for each in self.entries}) != len(self.entries):
            raise ValueError("a path has several entries")
        return self

    @cached_property
    def tree(self) -> dict[TreePath, Entry]:
        """Every path with what stood there."""
        return {each.path: each.entry for each in self.entries}

    @property
    def size_bytes(self) -> int:
        """How much the files hold."""
        return sum(each.size_bytes for each in self.entries)

    @property
    def file_count(self) -> int:
        """How many files there are."""
        return sum(each.kind is Kind.FILE for each in self.entries)

    @property
    def timestamp(self) -> str:
        """The moment of the backup, under the name that the design gave it."""
        return self.created_at.isoformat()

    @property
    def files(self) -> dict[TreePath, Sha256]:
        """The digest of each file, under the name that the design gave it."""
        return {each.path: each.digest for each in self.entries if each.digest is not None}


class Fault(StrEnum):
    """In which way something in a backup is not what was written."""

    MANIFEST = "manifest damaged"
    MISSING = "missing"
    CHANGED = "content changed"
    KIND = "of another kind"
    MODE = "mode changed"
    LINK = "points elsewhere"
    EXTRA = "not in the manifest"
    UNREADABLE = "cannot be read"

    @property
    def spoils(self) -> bool:
        """Whether the backup is damaged: a file that somebody put into it damages nothing."""
        return self is not Fault.EXTRA


class Problem(Frozen):
    """One thing that is wrong with a backup."""

    path: TreePath
    """Relative to the backup."""
    fault: Fault
    detail: str = ""

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.path}: {self.fault}" + (f" ({self.detail})" if self.detail else "")
