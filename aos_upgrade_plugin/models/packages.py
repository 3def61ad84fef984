"""Packages as data: what an environment holds, what it shall hold, and what is run for them."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, JsonValue, StringConstraints

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.tree import TreePath

STAGE: TreePath = ".venv-stage"
"""Where in the install folder a new environment is built. Nothing else is ever there."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
"""The normalised name of a package. Source: PEP 503."""

Version = Annotated[str, StringConstraints(pattern=r"^[\w.!+*-]+$")]
"""A version as it is written down; it need not be one of PEP 440."""


class Package(Frozen):
    """A package in the one form that an environment holds it."""

    name: Name
    version: Version | None = None
    """Nothing where only the address says it."""
    address: str | None = None
    """Where it comes from, if not from an index by its version. Source: PEP 610."""
    editable: bool = False

    @property
    def requirement(self) -> str:
        """Ask for exactly this, as pip and uv take it."""
        if self.address is None:
            return f"{self.name}=={self.version}"
        if self.editable:
            return f"-e {self.address}#egg={self.name}"
        return f"{self.name} @ {self.address}"

    def is_same(self, other: "Package") -> bool:
        """Say whether both are one package in one form; where only one tells, that is enough."""
        versions = {self.version, other.version} - {None}
        return self.name == other.name and self.address == other.address and len(versions) <= 1


class Installed(Package):
    """A package that is there."""

    version: Version  # pyright: ignore[reportGeneralTypeIssues, reportIncompatibleVariableOverride] - pydantic's own way to require a field
    requires: tuple[str, ...] = ()
    """The requirements that it has itself. Source: PEP 508."""


class Pinned(Package):
    """A package that shall be there."""

    hashes: tuple[str, ...] = ()
    """Any one of them is that of its file, such as ``sha256:…``; nothing is checked without."""


class Environment(Frozen):
    """A Python environment, as its files tell."""

    folder: Path
    python: str
    """The version of its Python, such as ``3.11.7``."""
    interpreter: Path | None
    """The Python that it was made with; nothing where that is gone."""
    system_packages: bool = False
    """It also sees what is installed beside that Python."""
    prompt: str | None = None
    markers: Mapping[str, str]
    """What its Python answers to the markers of requirements. Source: PEP 508."""
    packages: tuple[Installed, ...]
    """What is installed in it, by name."""
    borrowed: tuple[Installed, ...] = ()
    """What it can import besides, from elsewhere."""

    @property
    def importable(self) -> Mapping[Name, Installed]:
        """Everything it can import, by name; its own comes first."""
        return {each.name: each for each in (*self.borrowed, *self.packages)}


class Requirements(Frozen):
    """What a requirements file asks for, those that it names included."""

    lines: tuple[str, ...] = ()
    """One requirement each, without comments and options."""
    constraints: tuple[str, ...] = ()


class ChangeKind(StrEnum):
    """What becomes of a package."""

    INSTALLED = "installed"
    UPGRADED = "upgraded"
    DOWNGRADED = "downgraded"
    REPLACED = "replaced"
    """The same version from elsewhere, or one of two that cannot be compared."""
    REMOVED = "removed"


class PackageChange(Frozen):
    """What becomes of one package."""

    name: Name
    kind: ChangeKind
    before: str | None = None
    """The version, or the address where there is none."""
    after: str | None = None
    jump: bool = False
    """The step may break what uses it: another major number, or another minor one after 0."""

    def __str__(self) -> str:
        """Return it as one line."""
        versions = " → ".join(each for each in (self.before, self.after) if each)
        return f"{self.kind} {self.name} {versions}" + (" (major jump)" if self.jump else "")


class PostInstallCommand(Frozen):
    """Something to run after packages were installed."""

    package: Name
    """What needs it."""
    reason: str
    command: Annotated[tuple[str, ...], Field(min_length=1)]
    """First the name of one of the environment's own executables, then its arguments."""
    variables: Mapping[str, str] = Field(default_factory=dict)
    again_in_place: bool = False
    """It notes where its environment is, so it is repeated, quickly, at the final place."""
    limit_s: Annotated[float, Field(gt=0)] = 900.0

    def __str__(self) -> str:
        """Return the command as people would type it."""
        return " ".join(self.command)


class PostInstallContext(Frozen):
    """What a detector of post-install steps is told."""

    changes: tuple[PackageChange, ...]
    config: Mapping[str, JsonValue] = Field(default_factory=dict)
    """The installation's own configuration; empty where it has none."""

    def is_new(self, name: Name) -> bool:
        """Say whether a package comes, or comes in another version."""
        return any(each.name == name and each.after is not None for each in self.changes)


class EnvironmentPlan(Frozen):
    """What happens to the environment of an installation."""

    lacking: tuple[str, ...] = ()
    """Why it has to be built anew; nothing to do where there is no reason."""
    before: tuple[Package, ...] = ()
    after: tuple[Pinned, ...] = ()
    changes: tuple[PackageChange, ...] = ()
    steps: tuple[PostInstallCommand, ...] = ()
    size_bytes: Annotated[int, Field(ge=0)] = 0
    """What the present environment takes on the disk; the new one takes about the same."""
    inconsistent: tuple[str, ...] = ()
    """What does not fit together in the present one; no fault of this upgrade."""
    notes: tuple[str, ...] = ()

    @property
    def nothing_to_do(self) -> bool:
        """The environment stays as it is."""
        return not self.lacking
