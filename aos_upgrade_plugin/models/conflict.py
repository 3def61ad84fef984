"""What both the user and the new version changed, with all that a decision about it needs."""

import hashlib
from collections.abc import Mapping
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, StringConstraints, model_validator

from aos_upgrade_plugin.models.base import Frozen, Sha256
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import Choice, SideDigests
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind, TreePath


class Side(Frozen):
    """What one side has at the path of a conflict."""

    kind: Kind
    executable: bool = False
    content: bytes
    """Of a file what it holds, of a link where it points, of anything else nothing."""

    @property
    def digest(self) -> Sha256:
        """SHA-256 of the content; a link never has that of a file."""
        before = b"link\0" if self.kind is Kind.LINK else b""
        return hashlib.sha256(before + self.content).hexdigest()


class Merge(Frozen):
    """What came of merging both changes."""

    content: bytes | None = None
    """Both changes in one; nothing where that cannot be had."""
    marked: bytes | None = None
    """What git could not merge: the text with markers, for somebody to edit."""
    about: tuple[str, ...] = ()
    """Why it does not merge; of configuration, which keys arrive, differ or went."""


class OpenConflict(Frozen):
    """One conflict, as a plugin or a person gets to see it before it is decided."""

    path: TreePath
    relation: Relation
    part: Part
    is_config: bool = False
    """It is the installation's configuration."""
    base: Side | None = None
    """What was laid down; nothing where there was nothing, or nobody has it any more."""
    local: Side | None = None
    """What stands there."""
    incoming: Side | None = None
    """What comes; nothing where upstream removed it."""
    merge: Merge = Merge()
    blocks: tuple[TreePath, ...] = ()
    """What cannot be laid down while it is kept."""
    renamed_from: TreePath | None = None
    """Where ``local`` stands until it is decided, where upstream renamed it to ``path``."""

    @property
    def sides(self) -> SideDigests:
        """The digests by which an answer is known to fit."""
        return SideDigests(
            base=self.base and self.base.digest,
            local=self.local and self.local.digest,
            incoming=self.incoming and self.incoming.digest,
        )

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What can be chosen. What only the user has is never taken away."""
        if self.relation is Relation.IN_THE_WAY:
            return (Choice.KEEP,)
        merge = (Choice.MERGE,) if self.merge.content is not None else ()
        own = (Choice.OWN,) if self.local and self.local.kind is Kind.FILE else ()
        return (Choice.KEEP, Choice.TAKE, *merge, *own)


class ConflictDecision(Frozen):
    """What shall stand at the path of a conflict."""

    choice: Choice
    content: bytes | None = None
    """With ``own``, and only then: the new content, without markers of a merge."""

    @model_validator(mode="after")
    def _has_content_of_its_own(self) -> Self:
        if (self.choice is Choice.OWN) != (self.content is not None):
            message = "a content of one's own goes with the choice own, and with no other"
            raise ValueError(message)
        return self


class Decided(NamedTuple):
    """A decision, and whose it is."""

    decision: ConflictDecision
    by: str


class Settled(NamedTuple):
    """A choice, with the content that neither side had where it brings one."""

    choice: Choice
    content: bytes | None = None


class Examined(NamedTuple):
    """A conflict, looked at, and what was decided beside the option for all."""

    conflict: OpenConflict
    decided: Decided | None = None


class Decisions(NamedTuple):
    """Every conflict with what was decided about it, and what else was said."""

    examined: Mapping[TreePath, Examined]
    kept: Mapping[TreePath, Decided]
    """What may stay although something wants its place, if it should turn out to be so."""
    notes: tuple[str, ...] = ()


# ---- answers that are given beforehand -----------------------------------------------------


class OwnContent(Frozen):
    """Where a content of one's own is."""

    file: Annotated[str, StringConstraints(min_length=1)]
    """From the folder of the answers."""
    sha256: Sha256


class Answer(Frozen):
    """What was decided about one path, and what it was decided for."""

    path: TreePath
    relation: Relation | None = None
    """Only to be read."""
    choices: tuple[Choice, ...] = ()
    """Only to be read."""
    decision: Choice | None = None
    """Nothing while it is open."""
    made_for: SideDigests = SideDigests()
    content: OwnContent | None = None

    @model_validator(mode="after")
    def _names_its_content(self) -> Self:
        if (self.decision is Choice.OWN) != (self.content is not None):
            message = f"{self.path}: content goes with the decision own, and with no other"
            raise ValueError(message)
        return self


class Answers(Frozen):
    """A file of answers."""

    schema_version: Literal[1] = 1
    answers: tuple[Answer, ...] = Field(default=())

    @model_validator(mode="after")
    def _answers_once(self) -> Self:
        paths = [answer.path for answer in self.answers]
        if twice := sorted({path for path in paths if paths.count(path) > 1}):
            message = f"two answers for {', '.join(twice[:5])}"
            raise ValueError(message)
        return self


class GivenAnswers(NamedTuple):
    """Answers that were read, with the contents that they name."""

    answers: Answers
    contents: Mapping[TreePath, bytes]
