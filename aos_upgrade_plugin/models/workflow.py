"""A workflow as its folder's ``metadata.json`` defines it, in either of the two known forms."""

from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, model_validator

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


def _is_template(phase: object) -> bool:
    return isinstance(phase, dict) and isinstance(phase.get("phase_number"), str)


class Workflow(BaseModel):
    """A workflow folder's definition."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workflow_type: Annotated[
        str, Field(validation_alias=AliasChoices("workflow_type", "name"), min_length=1)
    ]
    version: str
    description: str = ""
    dynamic_phases: bool = False
    """It has more phases than those named here: they are made when it is begun."""
    phases: tuple[WorkflowPhase, ...]
    """Those with a number; a dynamic one names others by what they are made from, as ``1-N``."""

    @model_validator(mode="before")
    @classmethod
    def _without_templates(cls, told: Any) -> Any:  # noqa: ANN401  whatever the file says
        if not isinstance(told, dict) or told.get("dynamic_phases") is not True:
            return told
        phases = told.get("phases")
        if not isinstance(phases, list):
            return told
        numbered = [each for each in phases if not _is_template(each)]
        return {**told, "phases": numbered}
