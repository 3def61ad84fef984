"""Where an installation keeps its parts, as data: one layout for each product generation."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, JsonValue, StringConstraints

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.tree import TreePath


class PathClass(StrEnum):
    """Whose a path is. The first of these that claims a path has it; the rest is the user's."""

    CONTROL = "control"
    """Ours: the lock, backups, journals, sessions. Never backed up, never restored."""
    ENVIRONMENT = "environment"
    """The Python environment of the server; only ever replaced as a whole."""
    DERIVED = "derived"
    """Made again when it is missing: caches, indexes, bytecode, the state of a running server."""
    SYSTEM = "system"
    """The product's; an upgrade brings it, a user's edit of it is a conflict."""
    MIXED = "mixed"
    """The product's and the user's files side by side, or a file that both write."""
    USER = "user"


KEPT = frozenset({PathClass.SYSTEM, PathClass.MIXED, PathClass.USER})
"""The classes that a backup holds unless it is asked for more."""


class Part(StrEnum):
    """What an upgrade can bring alone."""

    CONTENT = "content"
    SERVER = "server"


class Root(Frozen):
    """A folder or file of a source, and the place where an installation has it."""

    source: TreePath
    install: TreePath
    part: Part


Pattern = Annotated[str, StringConstraints(pattern=r"^(\*\*/)?[\w.*-]+(/[\w.*-]+)*$")]
"""A path and everything below it. ``**/`` first: at any depth; ``*``: any run within a name."""


class Classes(Frozen):
    """The patterns of each class of paths; what no pattern names is the user's."""

    control: tuple[Pattern, ...]
    environment: tuple[Pattern, ...]
    derived: tuple[Pattern, ...]
    system: tuple[Pattern, ...]
    mixed: tuple[Pattern, ...]


class WorkflowFormat(Frozen):
    """The keys without which the server does not read a workflow's ``metadata.json``.

    Each with what it gets where a definition of an older form lacks it.
    """

    workflow: Mapping[str, JsonValue] = Field(default_factory=dict)
    phase: Mapping[str, JsonValue] = Field(default_factory=dict)
    """The same for each of its phases."""


class Need(Frozen):
    """Something that content asks of a server, told by the text of both."""

    what: str
    content: str
    """A word in the content that asks for it."""
    by_path: bool = False
    """The word is looked for in the paths of files, not in their texts."""
    server: str
    """A regular expression that finds it in the server's code."""


class Layout(Frozen):
    """Where one generation of the product keeps its parts. All paths are in the install folder."""

    schema_version: Literal[1] = 1
    name: Annotated[str, StringConstraints(pattern=r"^[a-z0-9_]+$")]
    product: str
    """What people call it."""
    generation: Annotated[int, Field(ge=1)]
    """Counts upwards. A source that bears the signs of two installs the newer."""
    folder: str
    """The name of the install folder."""
    signs: tuple[TreePath, ...]
    """Any one of them tells the installation from a folder that only has its name.

    Where a folder has signs of two generations, it is the newer one.
    """
    foreign_signs: tuple[TreePath, ...] = ()
    """Any one of them tells that it is of a generation that we do not know."""
    source_signs: tuple[TreePath, ...]
    """Paths of a source; any one of them tells that it installs this layout."""
    upgrades: tuple[Part, ...] = (Part.CONTENT, Part.SERVER)
    """The parts that can be upgraded; another one is refused in words."""
    roots: tuple[Root, ...]
    """What an installation takes from a source. Where two bring one path, the later has it."""
    never_installed: tuple[Pattern, ...]
    """Paths below a root of the source that stay behind."""
    server: TreePath
    requirements: TreePath
    environment: TreePath
    config: TreePath
    version: TreePath
    update_log: TreePath
    summary: TreePath
    index: TreePath
    server_state: TreePath
    """What a running server writes about itself: process id, port, address."""
    server_sessions: TreePath
    """Where the product's own server keeps its workflows in flight. Read, never written."""
    classes: Classes
    workflow_format: WorkflowFormat = WorkflowFormat()
    """What the server needs to find in the definition of a workflow."""
    needs: tuple[Need, ...] = ()
    """What content asks of a server, as far as versions are known that do not have it."""

    def __hash__(self) -> int:
        """Tell layouts apart by their names, which are unique."""
        return hash(self.name)
