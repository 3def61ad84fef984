"""What a phase wants to see before it is left: the content of its ``gate-definition.yaml``."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from aos_upgrade_plugin.models.base import Frozen


class FieldType(StrEnum):
    """What JSON value a field of the evidence is."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    STRING = "string"
    OBJECT = "object"
    LIST = "list"


def _or_empty(value: object) -> object:
    return {} if value is None else value


class EvidenceField(BaseModel):
    """One field of the evidence. Keys that we do not know are left alone, as in all of the file."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: FieldType
    required: Annotated[bool, Field(strict=True)] = True
    validator: str | None = None
    """A name below ``validators``, or of a validator that every gate has."""
    validator_params: Annotated[Mapping[str, JsonValue], BeforeValidator(_or_empty)] = {}
    description: str = ""


class CrossFieldRule(BaseModel):
    """Something that has to hold between fields."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    rule: str
    error_message: str


class CheckpointOptions(BaseModel):
    """How a gate is meant. ``allow_override`` is read and loosens nothing."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    strict: Annotated[bool, Field(strict=True)] = False
    """Fields that the schema does not have are refused, too."""
    allow_override: Annotated[bool, Field(strict=True)] = False


class GateDefinition(BaseModel):
    """What the evidence of one phase has to say."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    checkpoint: CheckpointOptions = CheckpointOptions()
    evidence_schema: Annotated[Mapping[str, EvidenceField], BeforeValidator(_or_empty)] = {}
    validators: Annotated[Mapping[str, str], BeforeValidator(_or_empty)] = {}
    """Expressions by name."""
    cross_field_validation: Annotated[
        tuple[CrossFieldRule, ...], BeforeValidator(lambda value: value or ())
    ] = ()


class Wrong(Frozen):
    """One thing in the evidence that keeps a phase from being left."""

    field: str
    """Empty where it is about several."""
    error: str


class Judged(NamedTuple):
    """What evidence came to."""

    missing: tuple[str, ...]
    wrong: tuple[Wrong, ...]

    @property
    def passed(self) -> bool:
        """Say whether the phase may be left."""
        return not self.missing and not self.wrong
