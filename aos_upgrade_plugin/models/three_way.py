"""The three sides of an upgrade: what was laid down, what stands there, what comes."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from aos_upgrade_plugin.models.source import Blob, ObjectId
from aos_upgrade_plugin.models.tree import Kind, Tree, TreePath


class Relation(StrEnum):
    """How base, local and incoming differ at one path. The table: docs/explanation/three-way.md."""

    UNCHANGED = "unchanged"
    NEW = "new"
    UPDATED = "updated"
    MODE_UPDATED = "mode_updated"
    """Upstream changed only whether it can be run; the content stays as it stands."""
    MOVED = "moved"
    """Upstream renamed it, and it goes there, with the user's edit if there is one."""
    MOVED_AWAY = "moved_away"
    """The place where a renamed file was; nothing of it is lost there."""
    REMOVED_UPSTREAM = "removed_upstream"
    EDITED_LOCALLY = "edited_locally"
    REMOVED_LOCALLY = "removed_locally"
    SAME_CHANGE = "same_change"
    BOTH_REMOVED = "both_removed"
    LOCAL_ONLY = "local_only"
    EDIT_EDIT = "edit_edit"
    ADD_ADD = "add_add"
    EDIT_DELETE = "edit_delete"
    """Edited here, removed upstream."""
    DELETE_EDIT = "delete_edit"
    """Removed here, changed upstream."""
    CONFIG = "config"
    """Changed upstream only, but it is configuration."""
    IN_THE_WAY = "in_the_way"
    """Something of the user's stands where upstream wants a folder, or the other way round."""

    @property
    def is_conflict(self) -> bool:
        """A person has to say what stands there afterwards."""
        return self in _CONFLICTS

    @property
    def brings(self) -> bool:
        """What comes takes the place, nobody has to be asked."""
        return self in _BRINGS


_CONFLICTS = frozenset(
    {
        Relation.EDIT_EDIT,
        Relation.ADD_ADD,
        Relation.EDIT_DELETE,
        Relation.DELETE_EDIT,
        Relation.CONFIG,
        Relation.IN_THE_WAY,
    }
)
_BRINGS = frozenset(
    {
        Relation.NEW,
        Relation.UPDATED,
        Relation.MODE_UPDATED,
        Relation.MOVED,
        Relation.MOVED_AWAY,
        Relation.REMOVED_UPSTREAM,
    }
)


class Version(NamedTuple):
    """What one side has at a path."""

    kind: Kind
    executable: bool
    blobs: frozenset[ObjectId]
    """Git's names of the content; two for text whose line ends a checkout may have converted."""

    @classmethod
    def of(cls, blob: Blob) -> "Version":
        """Return what a commit has as one side's version."""
        return cls(blob.kind, blob.executable, frozenset({blob.oid}))

    def same_content(self, other: "Version") -> bool:
        """Say whether both are the same kind of thing with the same content."""
        return self.kind is other.kind and not self.blobs.isdisjoint(other.blobs)


Versions = Mapping[TreePath, Version]
"""One side: every path that is not a folder."""

Renames = Mapping[TreePath, TreePath]
"""What upstream renamed: the new path of each old one."""


class Compared(NamedTuple):
    """One path, compared three ways."""

    path: TreePath
    relation: Relation
    base: Version | None
    local: Version | None
    incoming: Version | None
    executable: bool
    """Whether it can be run afterwards: decided by itself, as the content is."""
    renamed_from: TreePath | None = None
    """Where upstream had it before. There ``local`` stands, and nothing at the path itself."""
    carries: bool = False
    """The user's content goes along to the new place."""

    @property
    def stands_here(self) -> bool:
        """Something stands at the path itself."""
        return self.local is not None and self.renamed_from is None


class Target(NamedTuple):
    """An installation as it stands."""

    root_mode: int
    """The permission bits of the install folder."""
    tree: Tree
    """Everything that is part of its identity, folders included."""
    versions: Versions
    """What stands below the roots that a source fills."""
    unread: frozenset[TreePath]
    """What else stands there: caches, the environment, sockets. Never entered, never changed."""
