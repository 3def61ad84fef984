"""The plan of an upgrade: every change with what stands before and after it, and why.

A plan is applied exactly or refused. Source: docs/reference/plan.md.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, JsonValue, model_validator

from aos_upgrade_plugin.models.base import Frozen, SessionId, Sha256, Utc
from aos_upgrade_plugin.models.journal import Change, InstallRename, Place
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import Followed, MigrationId, PlannedMigration
from aos_upgrade_plugin.models.packages import EnvironmentPlan
from aos_upgrade_plugin.models.session import WorkflowType
from aos_upgrade_plugin.models.settings import OnConflict, Scope
from aos_upgrade_plugin.models.source import LaidDown, ObjectFormat, ObjectId
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Entry, TreePath, tree_digest

RECORD: TreePath = ".upgrades/base.json"
"""Where an installation keeps what was last laid down."""


class Choice(StrEnum):
    """What stands at a path of a conflict afterwards."""

    KEEP = "keep"
    """What stands there now, at its new place where upstream renamed it."""
    TAKE = "take"
    """What comes. The other one stays in the backup."""
    MERGE = "merge"
    """Both changes: as git merges a text, or configuration by key."""
    OWN = "own"
    """A content that somebody wrote for it."""


class SideDigests(Frozen):
    """What a decision is about: SHA-256 of the content of each side, nothing where it has none.

    Of a link it is that of ``link``, a zero byte and where it points.
    """

    base: Sha256 | None = None
    local: Sha256 | None = None
    incoming: Sha256 | None = None


class Conflict(Frozen):
    """A path at which nobody but the user can say what shall stand there."""

    path: TreePath
    relation: Relation
    choice: Choice | None = None
    """What was decided; nothing while it is open."""
    decided_by: str | None = None
    """The option, ``answers``, ``asked``, or the distribution whose plugin decided."""
    blocks: tuple[TreePath, ...] = ()
    """What cannot be laid down because of it, and is not when it is kept."""
    renamed_from: TreePath | None = None
    """Where it stands now; kept or taken, it stands at ``path`` afterwards."""
    sides: SideDigests = SideDigests()
    """What it is about. An answer that was made for something else is refused."""
    choices: tuple[Choice, ...] = (Choice.KEEP,)
    """What can be chosen. What only the user has can only be kept."""
    about: tuple[str, ...] = ()
    """What a person should know: why it does not merge, which keys arrive or went."""

    @property
    def flags(self) -> tuple[str, ...]:
        """The options for all that decide it."""
        takes = () if self.relation is Relation.IN_THE_WAY else (Choice.TAKE,)
        merges = (Choice.MERGE,) if Choice.MERGE in self.choices else ()
        return tuple(f"--on-conflict {choice}" for choice in (Choice.KEEP, *takes, *merges))


class PlannedChange(Frozen):
    """One change, and where its content comes from."""

    change: Change
    part: Part = Part.CONTENT
    """The part of the product that it belongs to, which says in which phase it is made."""
    relation: Relation | None = None
    """Why; nothing for what is written about the upgrade itself."""
    choice: Choice | None = None
    """How its conflict was decided."""
    renamed_from: TreePath | None = None
    """Where it was before upstream or a migration renamed it, and where it stands until then."""
    base: ObjectId | None = None
    """What was laid down here before, by git's name."""
    blob: ObjectId | None = None
    """The content to come, in the source."""
    text: str | None = None
    """The content to come itself, escaped. Without both, a file keeps its own."""
    migration: MigrationId | None = None
    """The migration that it belongs to."""

    @property
    def stands_at(self) -> TreePath:
        """Where the content is that a file keeps."""
        return self.renamed_from or self.change.path


class Kept(Frozen):
    """Something of the user's that the upgrade leaves as it is."""

    path: TreePath
    relation: Relation


class Laid(Frozen):
    """What the last run laid down of one part of the product."""

    commit: ObjectId
    version: str | None = None
    object_format: ObjectFormat = "sha1"
    paths: Mapping[TreePath, LaidDown]
    """All that the source had for this part, also where the user's own was kept."""
    kept: Mapping[TreePath, ObjectId] = Field(default_factory=dict)
    """Git's name of the user's own where it was kept."""
    away: tuple[TreePath, ...] = ()
    """What was not laid down, because the user had removed it or had something in its way."""


class BaseRecord(Frozen):
    """What was last laid down: the base of the next upgrade."""

    schema_version: Literal[1] = 1
    recorded_at: Utc
    parts: Mapping[Part, Laid]
    sessions: Mapping[SessionId, WorkflowType] = Field(default_factory=dict)
    """What the workflow of a session is called now, where upstream renamed it meanwhile."""

    def to_json(self) -> bytes:
        """Return the text that is stored; the same for the same record."""
        return self.model_dump_json(indent=1, exclude_none=True).encode()


class Paper(NamedTuple):
    """A file that people read and an upgrade writes into; it may not be there."""

    entry: Entry | None
    content: bytes


class Origin(Frozen):
    """What an installation was made from, as far as it is known."""

    known_by: Literal["record", "history", "nothing"]
    commit: ObjectId | None = None
    version: str | None = None


class PlanSource(Frozen):
    """The source a plan was made from."""

    path: str
    """From the root of the file system, escaped."""
    commit: ObjectId
    version: str | None = None


class Options(Frozen):
    """The settings that shaped a plan."""

    only: Scope
    on_conflict: OnConflict
    migrate: tuple[str, ...] = ()
    """The migrations that were asked for."""


class UpgradePlan(Frozen):
    """Everything that a run will change, and all that it was decided from."""

    schema_version: Literal[1] = 1
    created_at: Utc
    tool_version: str
    layout: str
    options: Options
    source: PlanSource
    origin: Origin
    target_digest: Sha256
    target: Mapping[TreePath, Entry]
    """Everything in the installation when the plan was made, but what is made again."""
    project: Mapping[TreePath, Entry | None]
    """The same for the files beside the installation that matter to the plan."""
    counts: Mapping[Relation, Annotated[int, Field(ge=0)]]
    changes: tuple[PlannedChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    kept: tuple[Kept, ...] = ()
    migrations: tuple[PlannedMigration, ...] = ()
    """Every migration that applies, asked for or not."""
    rename: InstallRename | None = None
    """The other name that the install folder gets, together with the server."""
    becomes: str | None = None
    """The layout that the installation has under that name."""
    forgets: tuple[TreePath, ...] = ()
    """Folders that are made again, and leave while the server stands still."""
    follows: tuple[Followed, ...] = ()
    """Sessions that need not be over, because they go on under the new name of their workflow."""
    environment: EnvironmentPlan | None = None
    """Nothing where the server is not upgraded."""
    skews: tuple[str, ...] = ()
    """What content would ask of the server in vain, because only one of them is upgraded."""
    record: BaseRecord | None = None
    """What is recorded as laid down; its own file is one of the changes."""
    unrecovered: tuple[TreePath, ...] = ()
    """Where the product has or had a file, and nothing says what was laid down: the user's."""
    notes: tuple[str, ...] = ()
    """What a person should know before saying yes."""
    checks: tuple[JsonValue, ...] = ()
    """The checks of every gate, fixed before the first change."""

    @model_validator(mode="after")
    def _holds_together(self) -> "UpgradePlan":
        """Refuse a plan that contradicts itself: it was not made so, and is not applied."""
        if tree_digest(self.target) != self.target_digest:
            message = "target_digest is not the digest of target"
            raise ValueError(message)
        return self

    @property
    def undecided(self) -> tuple[Conflict, ...]:
        """The conflicts that stop the run before anything changes."""
        return tuple(conflict for conflict in self.conflicts if conflict.choice is None)

    @property
    def unasked(self) -> tuple[PlannedMigration, ...]:
        """The migrations that stop the run until somebody says yes to them."""
        return tuple(each for each in self.migrations if each.needed and not each.asked)

    @property
    def offered(self) -> tuple[PlannedMigration, ...]:
        """The migrations that are left out because nobody asked for them."""
        return tuple(each for each in self.migrations if not each.needed and not each.asked)

    @property
    def nothing_to_do(self) -> bool:
        """The installation has all that the source brings."""
        environment_stays = self.environment is None or self.environment.nothing_to_do
        stays = environment_stays and not self.changes and not self.forgets
        return stays and not self.undecided and not self.unasked

    def of(self, part: Part) -> tuple[PlannedChange, ...]:
        """Return the changes of one part, in the order of the plan."""
        return tuple(one for one in self.changes if one.part is part)


class Moved(NamedTuple):
    """One thing that is not as it was when a plan was made."""

    what: str
    """Such as ``content``, ``mode``, ``link``, ``added``, ``removed``, ``source``."""
    where: str
    place: Place = Place.INSTALL

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.what}: {self.where}"
