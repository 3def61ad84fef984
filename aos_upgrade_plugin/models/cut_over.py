"""The cut-over from the older separate tools: what was found, what changes, and the way back."""

from typing import Annotated, Literal

from pydantic import Field

from aos_upgrade_plugin.models.base import Frozen, SessionId, Utc
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.tree import TreePath

Line = Annotated[int, Field(ge=1)]


class Use(Frozen):
    """A place in a text that speaks of an older tool. It is told, never rewritten."""

    line: Line
    tool: str
    written: str
    """The beginning of what stands there, on one line."""
    instead: str
    """What to write, or in words what to do."""


class FoundUse(Use):
    """The same with the file, relative to the project."""

    file: TreePath
    of_product: bool
    """The product laid the file down, so an upgrade brings another."""


class ChangedFile(Frozen):
    """What the cut-over does to one file."""

    change: Change
    removed: tuple[str, ...] = ()
    """Names of tools that leave its lists, or the tool group that leaves the configuration."""
    added: str | None = None
    """The server that a client is told of."""


class LeftToDo(Frozen):
    """Something for a person, with the reason."""

    file: TreePath
    why: str


class ToolCount(Frozen):
    """The tools that agents see, as real servers listed them."""

    of_product: tuple[str, ...]
    of_ours: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there are in all."""
        return len(self.of_product) + len(self.of_ours)


class Gone(Frozen):
    """A tool that is no longer there, and what takes its place."""

    tool: str
    instead: str


class CutOver(Frozen):
    """Everything that a cut-over finds and does."""

    uses: tuple[FoundUse, ...]
    files_read: int
    unread: tuple[LeftToDo, ...]
    files: tuple[ChangedFile, ...]
    by_hand: tuple[LeftToDo, ...]
    before: ToolCount
    after: ToolCount
    gone: tuple[Gone, ...]


class CutOverRecord(Frozen):
    """What was changed, for the way back; what stood there before is kept beside."""

    schema_version: Literal[1] = 1
    name: SessionId
    created_at: Utc
    changes: tuple[Change, ...]
