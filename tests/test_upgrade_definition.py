"""The upgrade's own workflow folder: whole, of the right size, and true to the program."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from aos_upgrade_plugin.cli.app import app
from aos_upgrade_plugin.decide.workflow.task_text import section_of, task_text
from aos_upgrade_plugin.effects.gate.check_list import collect
from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_workflows
from aos_upgrade_plugin.models import evidence
from aos_upgrade_plugin.models.definition import Definition, Origin
from aos_upgrade_plugin.models.gate import GateContext
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.phases.workflow_definitions import Definitions, Place

FOLDER = Path(str(bundled_workflows() / UPGRADE))
TASKS = (7, 7, 6, 7, 7, 6)
LINES = {3: (100, 140), 5: (60, 100)}
SECTIONS = ("Objective", "Prerequisites", "Commands", "Validation Gate", "Exit Criteria")


@pytest.fixture(scope="module")
def definition() -> Definition:
    """Read the folder as the tool does."""
    (found,) = Definitions().of(Place(FOLDER.parent, Origin.BUNDLED))
    assert found.definition is not None, found.problem
    return found.definition


def _text(definition: Definition, phase: int) -> str:
    file = definition.phases[phase].file
    assert file is not None
    return (FOLDER / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("phase", range(6))
def test_each_phase_is_a_file_of_a_screen_or_two(definition: Definition, phase: int) -> None:
    """With every section, the product's signs, and a name that says its number."""
    least, most = LINES.get(phase, (80, 120))
    text = _text(definition, phase)
    assert least <= len(text.splitlines()) <= most
    assert all(f"\n## {each}\n" in text for each in SECTIONS)
    assert all(sign in text for sign in "🎯🛑📊")
    assert (definition.phases[phase].file or "").startswith(f"phases/{phase}-")


def test_forty_tasks_with_something_to_do(definition: Definition) -> None:
    """Each is a section of its phase, with a command and what is to be expected of it."""
    assert tuple(len(phase.tasks) for phase in definition.phases) == TASKS
    assert sum(TASKS) == 40
    for phase in definition.phases:
        whole = _text(definition, phase.number)
        for task in phase.tasks:
            section = section_of(whole, number=task.number)
            assert section != whole
            found = task_text(section, name=task.name)
            assert found.title == f"Task {task.number}: {task.name}"
            (step,) = found.steps
            assert step.command, found.title
            assert step.expected_output, found.title


def test_the_metadata_keeps_the_rules_of_the_product(definition: Definition) -> None:
    """Nothing that its own validator asks for is empty, and both forms of the keys are there."""
    metadata: dict[str, Any] = json.loads((FOLDER / "metadata.json").read_text())
    assert metadata["total_phases"] == len(metadata["phases"]) == len(definition.phases)
    assert re.search(r"\d+ (minutes|hours)", metadata["estimated_duration"])
    for number, phase in enumerate(metadata["phases"]):
        assert phase["number"] == phase["phase_number"] == number
        assert phase["name"] == phase["phase_name"]
        assert phase["key_deliverables"]
        assert phase["validation_criteria"]


def test_every_command_in_it_is_one() -> None:
    """Its name, and each of its options, in every text of the folder."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.md"))]
    assert len(texts) == 9
    for words in re.findall(r"aos-upgrade ([a-z][^`\n]*)", "\n".join(texts)):
        name, *rest = words.split()
        command: Any = group.commands[name]
        if name in {"backups", "sessions"} and rest:
            command = command.commands[rest[0]]
        known = {word for each in command.params for word in (*each.opts, *each.secondary_opts)}
        assert {each for each in rest if each.startswith("--")} <= known, words


def test_every_check_in_it_is_one_of_its_phase(definition: Definition) -> None:
    """A check that is spoken of guards the phase that speaks of it."""
    checks = collect(GateContext(target=Path(), source=Path()))
    for phase in definition.phases:
        named = {*re.findall(r"AOS-[A-Z]\d{3}", _text(definition, phase.number))}
        assert named <= {each.id for each in checks if each.gate.phase == phase.number}
        assert named


def test_every_field_of_the_evidence_is_named(definition: Definition) -> None:
    """What a phase leaves is what its model has."""
    for phase in definition.phases:
        model = getattr(evidence, f"Phase{phase.number}Evidence")
        text = _text(definition, phase.number)
        fields = {*model.model_fields, *model.model_computed_fields}
        assert {name for name in fields if f"`{name}`" not in text} == set()
