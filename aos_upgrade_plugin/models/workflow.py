"""A workflow as its folder's ``metadata.json`` defines it, in either of the two known forms."""

from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

UPGRADE = "agent_os_upgrade_v1"
"""The workflow that upgrades an installation."""

PRE_FLIGHT, BACKUP, CONTENT, SERVER, VALIDATION, CLEANUP = range(6)
"""Its phases."""


class WorkflowPhase(BaseModel):
    """One numbered phase. Keys that we do not know are left alone: the file may be a stranger's."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: Annotated[int, Field(ge=0, validation_alias=AliasChoices("phase_number", "number"))]
    name: Annotated[str, Field(validation_alias=AliasChoices("phase_name", "name"))]
    purpose: str = ""
    file: str | None = None
    requires_restart: bool = False


class Workflow(BaseModel):
    """A workflow folder's definition."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workflow_type: Annotated[
        str, Field(validation_alias=AliasChoices("workflow_type", "name"), min_length=1)
    ]
    version: str
    description: str = ""
    phases: tuple[WorkflowPhase, ...]
