"""What an upgrade does to an installation beyond laying down files: migrations, as data."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Self

from pydantic import Field, StringConstraints, model_validator

from aos_upgrade_plugin.models.base import Frozen, SessionId
from aos_upgrade_plugin.models.gate import Line
from aos_upgrade_plugin.models.journal import ChangedPath, Place
from aos_upgrade_plugin.models.layout import Layout, Part
from aos_upgrade_plugin.models.session import WorkflowType
from aos_upgrade_plugin.models.source import LaidDown
from aos_upgrade_plugin.models.three_way import Renames, Versions
from aos_upgrade_plugin.models.tree import EscapedText, Kind, Tree, TreePath

MigrationId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")]
"""What people write after ``--migrate``. Stable."""

ALL = "all"
"""What people write for every migration that there is."""


class Operation(Frozen):
    """One file that moves, gets another content, or goes; its mode stays."""

    path: ChangedPath
    place: Place = Place.INSTALL
    to: ChangedPath | None = None
    """Where it moves to, below the install folder; nothing may stand there."""
    text: EscapedText | None = None
    """The content that it gets, escaped."""

    @model_validator(mode="after")
    def _is_one_thing(self) -> Self:
        if self.to is not None and (self.text is not None or self.place is not Place.INSTALL):
            message = f"{self.path!r}: what moves keeps its content, and stays in its folder"
            raise ValueError(message)
        return self

    def __str__(self) -> str:
        """Say what it does, on one line."""
        path = self.path if self.place is Place.INSTALL else f"../{self.path}"
        if self.to is not None:
            return f"move {path} to {self.to}"
        return f"rewrite {path}" if self.text is not None else f"remove {path}"


class Followed(Frozen):
    """A session whose workflow gets another name, and that goes on under it."""

    session_id: SessionId
    becomes: WorkflowType
    """What its workflow is called afterwards."""

    def __str__(self) -> str:
        """Say what happens to it, on one line."""
        return f"session {self.session_id} goes on as {self.becomes}"


class Migration(Frozen):
    """One thing that has to be done, or can be, because something upstream was renamed."""

    id: MigrationId
    title: Line
    why: Line
    """What was measured that makes it apply here."""
    needed: bool = False
    """Without it what comes does not work: the run stops until somebody said yes."""
    renames: bool = False
    """The install folder gets the name that the source gives it, in the same transaction."""
    part: Part | None = None
    """With which part it is made: the server's stands still meanwhile. Nothing: told by path."""
    operations: tuple[Operation, ...] = ()
    forgets: tuple[TreePath, ...] = ()
    """Folders of the class derived that leave with the old server and are made again."""
    follows: tuple[Followed, ...] = ()
    """Sessions that need not be over. What their workflow is called now is recorded with what was
    laid down; they themselves stay as they are."""

    @property
    def lines(self) -> tuple[str, ...]:
        """Say path by path what it does."""
        made_again = (f"remove {path}, it is made again" for path in self.forgets)
        renamed = ("rename the install folder",) if self.renames else ()
        return (*renamed, *map(str, self.operations), *made_again, *map(str, self.follows))


class PlannedMigration(Frozen):
    """A migration that applies to an installation, in its plan."""

    id: MigrationId
    title: Line
    why: Line
    needed: bool
    asked: bool
    """Somebody said yes to it: its operations are among the plan's changes."""
    lines: Annotated[tuple[str, ...], Field(min_length=1)]
    """Path by path what it does."""
    distribution: str

    @property
    def flag(self) -> str:
        """The option that says yes to it."""
        return f"--migrate {self.id}"


@dataclass(frozen=True, slots=True)
class MigrationFacts:
    """All that a migration may be decided from: measured, nothing of it was changed."""

    layout: Layout
    """The installation's."""
    becomes: Layout | None
    """The layout that the source installs, where its install folder has another name."""
    project: bytes
    """The absolute path of the project."""
    parts: tuple[Part, ...]
    """What this run upgrades."""
    target: Tree
    """Everything in the installation but control data, the environment and what is made again."""
    laid_down: Versions
    """What the last run or install laid down."""
    incoming: Mapping[TreePath, LaidDown]
    """What comes, by its place in the installation."""
    renames: Renames
    """What upstream renamed between the two: new place by the old one."""
    sessions: Callable[[], Mapping[SessionId, WorkflowType]]
    """Reads what the workflow of each session is called here that is not at its end. The sessions
    of the product's own server are not among them."""
    outside: Mapping[TreePath, bytes]
    """The files beside the installation that may be changed, as far as they are there: clients'
    configurations and ``.gitignore``; path in the project, content."""
    index: frozenset[str]
    """The names in the folder of the search index."""
    read: Callable[[TreePath], bytes]
    """Reads a file of the installation."""
    read_incoming: Callable[[TreePath], bytes]
    """Reads what comes, by its place in the installation."""

    def users_own_below(self, folder: TreePath) -> tuple[TreePath, ...]:
        """Return the files that only the user has below a folder, in path order."""
        return tuple(
            path
            for path, entry in sorted(self.target.items())
            if path.startswith(f"{folder}/")
            and entry.kind in {Kind.FILE, Kind.LINK}
            and path not in self.laid_down
            and path not in self.incoming
        )
