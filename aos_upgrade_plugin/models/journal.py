"""What a transaction writes down before it changes anything, and what it says afterwards."""

from enum import Enum, StrEnum, auto
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, JsonValue, StringConstraints, model_validator

from aos_upgrade_plugin.models.base import Frozen, SessionId, Utc
from aos_upgrade_plugin.models.packages import STAGE
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, in_repository


class Place(StrEnum):
    """What a path is relative to."""

    INSTALL = "install"
    PROJECT = "project"
    """The folder that holds the install folder: client configurations, ``.gitignore``."""


class Progress(Enum):
    """How far one change has come, as the disk shows it."""

    TO_DO = auto()
    HALF = auto()
    """The old one is out and the new one not yet in: on a system that cannot exchange."""
    DONE = auto()
    TAKEN_BACK = auto()


def _no_repository(path: str) -> str:
    if in_repository(path):
        message = f"{path!r} is in a git repository's own folder"
        raise ValueError(message)
    return path


ChangedPath = Annotated[TreePath, AfterValidator(_no_repository)]
"""A path that may be changed. Whoever writes into ``.git`` runs code: no plan of ours does, and no
journal that somebody sends along in a repository makes us do it."""

FolderName = Annotated[
    str, StringConstraints(pattern=r"^\.[a-z][a-z0-9-]{0,60}$"), AfterValidator(_no_repository)
]
"""The name of an install folder."""


class Change(Frozen):
    """One path from one entry to another; nothing stands there where an entry is absent."""

    path: ChangedPath
    before: Entry | None
    after: Entry | None
    place: Place = Place.INSTALL
    built_at: TreePath | None = None
    """Only for a whole tree: where in the install folder the new one was built, and is removed."""

    @property
    def in_place(self) -> bool:
        """Only the mode of a folder changes."""
        kinds = {entry.kind if entry else None for entry in (self.before, self.after)}
        return kinds == {Kind.DIRECTORY}

    @property
    def whole_tree(self) -> bool:
        """A folder is moved as one."""
        return any(entry and entry.kind is Kind.WHOLE_TREE for entry in (self.before, self.after))

    def reversed(self) -> "Change":
        """Return the way back."""
        return self.model_copy(update={"before": self.after, "after": self.before})

    def progress(
        self, *, staged: Entry | None, out: Entry | None, current: Entry | None
    ) -> Progress:
        """Tell from the disk alone whether this change was made.

        ``staged`` is what stands in the slot where the new one waited, ``out`` what stands where
        the old one goes without an exchange, ``current`` what stands at the path.
        """
        if self.in_place:
            return Progress.DONE
        if self.after is None:
            return Progress.TO_DO if out is None else Progress.DONE
        if self.before is None:
            gone = Progress.DONE if out is None else Progress.TAKEN_BACK
            return Progress.TO_DO if staged is not None else gone
        return self._progress_of_replacing(staged=staged, out=out, current=current)

    def _progress_of_replacing(
        self, *, staged: Entry | None, out: Entry | None, current: Entry | None
    ) -> Progress:
        if out is not None:
            return Progress.DONE if staged is None else Progress.HALF
        if staged is None:
            return Progress.TAKEN_BACK  # the new one was gone, so the old one left its slot
        if staged == self.after:
            return Progress.TO_DO
        return Progress.TAKEN_BACK if current == self.before else Progress.DONE

    @model_validator(mode="after")
    def _is_a_change(self) -> Self:
        if self.before == self.after:
            message = f"{self.path!r} would not change"
            raise ValueError(message)
        if self.built_at not in {None, STAGE}:
            message = f"{self.path!r}: nothing is built at {self.built_at!r}"
            raise ValueError(message)
        new_tree = self.whole_tree and self.after is not None
        if new_tree != (self.built_at is not None):
            message = f"{self.path!r}: a new whole tree, and only that, says where it was built"
            raise ValueError(message)
        return self


class InstallRename(Frozen):
    """The install folder gets another name, as the last change of all."""

    before: FolderName
    after: FolderName


RESTORE = "restore"
CUT_OVER = "cut-over"
WITHOUT_RUN = frozenset({RESTORE, CUT_OVER})
"""The purposes of transactions that no run comes back for: they stand checked, or not at all."""


class JournalHeader(Frozen):
    """All that going back or finishing needs; durable before the first change."""

    schema_version: Literal[1] = 1
    owner: SessionId
    purpose: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    created_at: Utc
    session: JsonValue = None
    """The owner's saved state when this began: a session whose files are lost comes back."""
    rename: InstallRename | None = None
    changes: tuple[Change, ...]
    """In the order in which they are made."""


class JournalState(StrEnum):
    """How far a transaction has come. A journal without a state line is prepared."""

    PREPARED = "prepared"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    COMMITTED = "committed"


class JournalRecord(Frozen):
    """One state reached."""

    state: JournalState
    at: Utc


class SetAside(Frozen):
    """Something of the user's that stood where we had to go back; kept, never overwritten."""

    path: TreePath
    place: Place = Place.INSTALL
    kept_at: str
    """Relative to the install folder, escaped."""


class Undone(Frozen):
    """What going back met on its way."""

    set_aside: tuple[SetAside, ...] = ()
    kept_folders: tuple[TreePath, ...] = ()
    """Folders of the new state which stay, because the user put something into them."""
