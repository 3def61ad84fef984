"""What was last laid down, as an installation keeps it: the base of its next upgrade."""

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.models.plan import RECORD, BaseRecord
from aos_upgrade_plugin.models.tree import Entry


class Recorded(NamedTuple):
    """What stands where the record is kept."""

    record: BaseRecord | None
    entry: Entry | None
    problem: str | None = None
    """Why there is no record although something stands there."""


@lru_cache(maxsize=1)
def _parsed(content: bytes) -> BaseRecord:
    """Parse a record, once for the same bytes: the workflow tool reads it at each call."""
    return BaseRecord.model_validate_json(content)


def read_record(install: Path) -> Recorded:
    """Read the record; one that cannot be read is no record, since history tells the base too."""
    paper = read_papers(install, [RECORD]).get(RECORD)
    if paper is None:
        return Recorded(None, None, f"{RECORD} is no file")
    if paper.entry is None:
        return Recorded(None, None)
    try:
        return Recorded(_parsed(paper.content), paper.entry)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        return Recorded(None, paper.entry, f"{RECORD} cannot be read: {reason}")
