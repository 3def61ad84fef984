"""A workflow that can be walked: its folder read, in either of the two known forms."""

from enum import StrEnum
from typing import Annotated

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.checkpoint import GateDefinition
from aos_upgrade_plugin.models.session import WorkflowType

Line = Annotated[str, Field(max_length=4_000)]
_STRANGERS = ConfigDict(frozen=True, extra="ignore")


class UnusableError(ValueError):
    """A definition cannot be walked; says why in one line."""


class Origin(StrEnum):
    """Where a workflow was found."""

    INSTALLATION = "installation"
    SOURCE = "source"
    PLUGIN = "plugin"
    BUNDLED = "bundled"


def _first_number(value: object) -> object:
    """Take the ``1-N`` of a phase that stands for several as the number of the first."""
    if isinstance(value, str) and value.partition("-")[0].isdecimal():
        return int(value.partition("-")[0])
    return value


def _or_nothing(value: object) -> object:
    return None if value == "dynamic" else value


class TaskMetadata(BaseModel):
    """A task as ``metadata.json`` names it."""

    model_config = _STRANGERS

    number: Annotated[int, Field(ge=0, validation_alias=AliasChoices("task_number", "number"))]
    name: Line
    file: str | None = None


class RequiredEvidence(BaseModel):
    """The fields that a phase asks for in ``metadata.json``, without a type."""

    model_config = _STRANGERS

    required_evidence: tuple[Line, ...] = ()


class PhaseMetadata(BaseModel):
    """A phase as ``metadata.json`` describes it."""

    model_config = _STRANGERS

    number: Annotated[
        int,
        BeforeValidator(_first_number),
        Field(ge=0, le=1_000, validation_alias=AliasChoices("phase_number", "number")),
    ]
    name: Annotated[Line, Field(validation_alias=AliasChoices("phase_name", "name"))]
    purpose: Line = ""
    file: Annotated[str | None, Field(validation_alias=AliasChoices("phase_file", "file"))] = None
    estimated_duration: Annotated[
        Line, Field(validation_alias=AliasChoices("estimated_effort", "estimated_time"))
    ] = ""
    key_deliverables: tuple[Line, ...] = ()
    validation_criteria: tuple[Line, ...] = ()
    tasks: tuple[TaskMetadata, ...] = ()
    checkpoint: RequiredEvidence = RequiredEvidence()


class Metadata(BaseModel):
    """The content of ``metadata.json``. Keys that we do not know are left alone."""

    model_config = _STRANGERS

    workflow_type: str | None = None
    name: Line = ""
    version: Line
    description: Line = ""
    category: Line = ""
    total_phases: Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_or_nothing)] = None
    dynamic_phases: bool = False
    estimated_duration: Annotated[
        Line, Field(validation_alias=AliasChoices("estimated_duration", "total_estimated_time"))
    ] = ""
    primary_outputs: tuple[Line, ...] = ()
    supports_dry_run: bool = False
    supports_rollback: bool = False
    phases: Annotated[tuple[PhaseMetadata, ...], Field(min_length=1, max_length=1_000)]


class Task(Frozen):
    """One task of a phase."""

    number: int
    name: str
    file: str
    """Relative to the workflow's folder."""


class Phase(Frozen):
    """One phase, with what it wants to see before it is left."""

    number: int
    name: str
    purpose: str
    estimated_duration: str
    key_deliverables: tuple[str, ...]
    validation_criteria: tuple[str, ...]
    required_evidence: tuple[str, ...]
    file: str | None
    """The phase's text, relative to the workflow's folder; nothing where there is none."""
    tasks: tuple[Task, ...]
    gate: GateDefinition | None


class Definition(Frozen):
    """A workflow that can be started."""

    workflow_type: WorkflowType
    """The name of its folder: what it is started by."""
    also_called: str | None
    """What its metadata calls it, where that is another name."""
    name: str
    version: str
    description: str
    category: str
    estimated_duration: str
    primary_outputs: tuple[str, ...]
    supports_dry_run: bool
    supports_rollback: bool
    dynamic: bool
    """How many phases it has is said when it is started; the last stands for the others."""
    phases: tuple[Phase, ...]


class Listed(Frozen):
    """A workflow folder, usable or not."""

    workflow_type: str
    origin: Origin
    folder: str
    """Absolute, for reading more of it; never shown."""
    definition: Definition | None
    problem: str | None = None
    """Why it cannot be started."""
