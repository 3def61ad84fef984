"""A task of a workflow, taken apart."""

from typing import NamedTuple


class Step(NamedTuple):
    """One thing to do."""

    step: int
    command: str
    """Empty where nothing is to be typed."""
    description: str
    expected_output: str


class TaskText(NamedTuple):
    """A task as it can be carried out."""

    title: str
    description: str
    steps: tuple[Step, ...]
    artifacts: tuple[str, ...]
    estimated_duration: str
