"""What a source holds: git's names of content, what is laid down from it, what it says it is."""

import hashlib
import stat
from typing import Annotated, Literal, NamedTuple

from pydantic import StringConstraints, computed_field

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath

ObjectId = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{40}|[0-9a-f]{64})$")]
"""Git's name of a commit or of a file's content."""

ObjectFormat = Literal["sha1", "sha256"]
"""The algorithm by which a repository names its objects."""

_TEXT_IS_TOLD_FROM_BYTES = 8000
_GIT_KINDS = {"100": Kind.FILE, "120": Kind.LINK}


class Blob(NamedTuple):
    """What a commit has at one path."""

    kind: Kind
    executable: bool
    oid: ObjectId

    @classmethod
    def of(cls, mode: str, oid: ObjectId) -> "Blob | None":
        """Read git's mode; nothing for a folder, and for another repository (a submodule)."""
        kind = _GIT_KINDS.get(mode[:3])
        return cls(kind, mode == "100755", oid) if kind else None


class Historic(NamedTuple):
    """What one commit changed, compared with its first parent."""

    commit: ObjectId
    parent: ObjectId | None
    changed: tuple[tuple[TreePath, Blob | None, Blob | None], ...]
    """Path, before, after."""


class LaidDown(Frozen):
    """What a source brings to one path of an installation."""

    entry: Entry
    """With the modes that git knows: 0644 or 0755."""
    blob: ObjectId

    @property
    def in_git(self) -> Blob:
        """Return it as the commit had it; a link cannot be run, whatever its mode."""
        runs = self.entry.kind is Kind.FILE and bool(self.entry.mode & stat.S_IXUSR)
        return Blob(self.entry.kind, runs, self.blob)


class VersionClaim(Frozen):
    """One place in a source that names a version; they often disagree."""

    where: str
    version: str


class SourceFacts(Frozen):
    """What was found where a source should be. Nothing here is a verdict."""

    path: str
    """As it was named, escaped."""
    reference: str
    """What was asked for: a branch, a tag, a commit."""
    problem: str | None = None
    """Why it cannot be read as a source; then the rest is as far as it could be found out."""
    cure: str | None = None
    exists: bool = False
    is_repository: bool = False
    commit: ObjectId | None = None
    object_format: ObjectFormat = "sha1"
    layout: str | None = None
    """The layout that it installs; nothing where it is not the product."""
    looked_for: tuple[str, ...] = ()
    """The paths by which the product is recognised."""
    dirt: tuple[TreePath, ...] = ()
    """What the checkout has beside its commit. It is never read."""
    version: str | None = None
    claims: tuple[VersionClaim, ...] = ()
    shallow: bool = False
    """The history is cut off, so what an older installation was made from may not be found."""
    submodules: tuple[TreePath, ...] = ()
    """Folders of other repositories in what would be laid down; they cannot be."""
    lfs_pointers: tuple[TreePath, ...] = ()
    """Files whose content is not in git: what would be laid down is a pointer."""

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def is_product(self) -> bool:
        """It is a source of Agent OS or prAxIs OS."""
        return self.layout is not None

    @computed_field  # type: ignore[prop-decorator]  # pydantic's documented form
    @property
    def clean(self) -> bool:
        """The checkout shows exactly its commit."""
        return self.commit is not None and not self.dirt


def blob_id(content: bytes, object_format: ObjectFormat) -> ObjectId:
    """Return the name that git gives to a file's content."""
    digest = hashlib.new(object_format, b"blob %d\0" % len(content), usedforsecurity=False)
    digest.update(content)
    return digest.hexdigest()


def blob_names(content: bytes, object_format: ObjectFormat) -> frozenset[ObjectId]:
    """Return git's names of a content: as it is and, where it is text, with other line ends.

    A checkout or a commit may have converted the line ends; that alone is nobody's edit.
    """
    names = {blob_id(content, object_format)}
    if b"\n" in content and b"\0" not in content[:_TEXT_IS_TOLD_FROM_BYTES]:
        with_lf = content.replace(b"\r\n", b"\n")
        if with_lf != content:
            names.add(blob_id(with_lf, object_format))
        elif b"\r" not in content:
            names.add(blob_id(content.replace(b"\n", b"\r\n"), object_format))
    return frozenset(names)
