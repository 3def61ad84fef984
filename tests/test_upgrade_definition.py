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
from aos_upgrade_plugin.effects.workflow.workflow_folders import bundled_workflows
from aos_upgrade_plugin.models import evidence
from aos_upgrade_plugin.models.definition import Definition, Origin
from aos_upgrade_plugin.models.gate import Severity
from aos_upgrade_plugin.models.plan import Choice
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.phases.workflow_definitions import Definitions, Place
from tests.checks.page import built_in
from tests.definition_pages import CRITERIA, PROCEDURE, criteria, procedure

FOLDER = Path(str(bundled_workflows() / UPGRADE))
TASKS = (7, 7, 6, 7, 7, 6)
LINES = {3: (100, 140), 5: (60, 100)}
SUPPORTING = ("rollback-procedure", "troubleshooting", "validation-criteria")
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


def test_the_folder_is_that_of_the_design(definition: Definition) -> None:
    """Every file has its place, and the first page leads to it."""
    files = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}
    phases = {each.file for each in definition.phases}
    beside = {f"supporting-docs/{name}.md" for name in SUPPORTING}
    assert files == {"README.md", "metadata.json", "srd.md", *phases, *beside}
    first = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert {each for each in ("srd.md", *beside) if f"({each})" not in first} == set()


def test_every_link_in_it_leads_somewhere() -> None:
    """Also where the folder is installed, without the rest of this project."""
    for page in FOLDER.rglob("*.md"):
        for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
            found = (page.parent / link).resolve()
            assert found.is_file(), f"{page.name}: {link}"
            assert found.is_relative_to(FOLDER.resolve())


@pytest.mark.parametrize("phase", range(6))
def test_each_phase_is_a_file_of_a_screen_or_two(definition: Definition, phase: int) -> None:
    """With every section, the product's signs, and a name that says its number."""
    least, most = LINES.get(phase, (80, 120))
    text = _text(definition, phase)
    assert least <= len(text.splitlines()) <= most
    assert all(f"\n## {each}\n" in text for each in SECTIONS)
    assert all(sign in text for sign in ("🎯 Next: ", "🛑 The gate", "📊 Evidence", "⚠️ Must read"))
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
    assert metadata["workflow_type"] == metadata["name"] == FOLDER.name
    assert metadata["version"] == "1.0.0"
    assert all(metadata[each] for each in ("author", "description", "primary_outputs"))
    assert (metadata["supports_dry_run"], metadata["supports_rollback"]) == (True, True)
    assert [each["requires_restart"] for each in metadata["phases"]] == [n == 3 for n in range(6)]
    assert metadata["total_phases"] == len(metadata["phases"]) == len(definition.phases)
    assert re.search(r"\d+ (minutes|hours)", metadata["estimated_duration"])
    for number, phase in enumerate(metadata["phases"]):
        assert phase["number"] == phase["phase_number"] == number
        assert phase["name"] == phase["phase_name"]
        assert re.fullmatch(r"\d+ (seconds|minutes)", phase["estimated_effort"])
        assert re.fullmatch(r"\d+s", phase["estimated_time"])
        assert phase["purpose"]
        assert all(phase["key_deliverables"])
        assert phase["key_deliverables"]
        assert all(phase["validation_criteria"])
        assert phase["validation_criteria"]


def test_every_command_in_it_is_one() -> None:
    """Its name, and each of its options, in every text of the folder."""
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    texts = [path.read_text(encoding="utf-8") for path in sorted(FOLDER.rglob("*.md"))]
    assert len(texts) == 11
    for words in re.findall(r"aos-upgrade ([a-z][^`\n]*)", "\n".join(texts)):
        name, *rest = words.split()
        command: Any = group.commands[name]
        if name in {"backups", "sessions"} and rest:
            command = command.commands[rest[0]]
        known = {word for each in command.params for word in (*each.opts, *each.secondary_opts)}
        assert {each for each in rest if each.startswith("--")} <= known, words


def test_every_check_in_it_is_one_of_its_phase(definition: Definition) -> None:
    """A check that is spoken of guards the phase that speaks of it."""
    for phase in definition.phases:
        named = {*re.findall(r"AOS-[A-Z]\d{3}", _text(definition, phase.number))}
        assert named <= {each.id for each in built_in() if each.gate.phase == phase.number}
        assert named


def test_every_field_of_the_evidence_is_named(definition: Definition) -> None:
    """What a phase leaves is what its model has."""
    for phase in definition.phases:
        model = getattr(evidence, f"Phase{phase.number}Evidence")
        text = _text(definition, phase.number)
        fields = {*model.model_fields, *model.model_computed_fields}
        assert {name for name in fields if f"`{name}`" not in text} == set()


def test_what_is_made_from_the_checks_is_current() -> None:
    """To write both texts anew: ``python -m tests.definition_pages``."""
    assert CRITERIA.read_text(encoding="utf-8") == criteria()
    text = PROCEDURE.read_text(encoding="utf-8")
    assert text == procedure(text)


def test_conflicts_are_explained(definition: Definition) -> None:
    """Every answer that there can be without a file of one's own, and where both sides stay."""
    explained = section(_text(definition, 2), "Conflicts")
    assert {each for each in Choice if f"| `{each}` |" not in explained} == {Choice.OWN}
    assert ".upgrades/SESSION/not-taken/" in explained


def test_what_to_save_before_the_restart_and_how_to_go_on(definition: Definition) -> None:
    """Whoever works through the server that stops knows both before it does."""
    text = _text(definition, 3)
    explained = section(text, "Before the restart, and after it")
    assert "aos-upgrade sessions list" in explained
    assert "aos-upgrade resume SESSION" in explained
    assert text.index(explained) < text.index("### Task 6: Restart the server")


@pytest.mark.parametrize("phase", range(6))
def test_whatever_shuts_a_gate_has_a_line_in_the_troubleshooting(phase: int) -> None:
    """Every blocker of a phase is in its section, and no check of another one."""
    text = (FOLDER / "supporting-docs/troubleshooting.md").read_text(encoding="utf-8")
    metadata = json.loads((FOLDER / "metadata.json").read_text())
    explained = section(text, f"Phase {phase}: {metadata['phases'][phase]['name']}")
    guarding = [each for each in built_in() if each.gate.phase == phase]
    named = {*re.findall(r"AOS-[A-Z]\d{3}", explained)}
    assert named <= {each.id for each in guarding}
    assert {each.id for each in guarding if each.severity is Severity.BLOCKER} <= named


def test_the_requirements_are_whole() -> None:
    """Each of the design's is there once, and is proven by checks that there are."""
    text = (FOLDER / "srd.md").read_text(encoding="utf-8")
    there = re.findall(r"^\| ((?:FR|SR|NFR)-\d+) \|", text, re.MULTILINE)
    counted = {"FR": 12, "SR": 6, "NFR": 5}
    assert there == [f"{kind}-{n}" for kind, most in counted.items() for n in range(1, most + 1)]
    assert {*re.findall(r"AOS-[A-Z]\d{3}", text)} <= {each.id for each in built_in()}


def test_the_options_are_the_settings() -> None:
    """Each with its default, and no other; and the answers, which are no setting."""
    rows = re.findall(
        r"^\| `(\w+)` \| ?`?([^`|]*?)`? \|",
        section((FOLDER / "srd.md").read_text(encoding="utf-8"), "Options"),
        re.MULTILINE,
    )
    defaults = Settings(source_path=Path()).model_dump(mode="json")
    told = {name: json.dumps(value) for name, value in defaults.items() if name != "source_path"}
    only_given = {"source_path": "", "answers": ""}
    assert dict(rows) == {**told, **only_given}


def section(text: str, heading: str) -> str:
    """Return what stands below a heading, up to the next of its kind."""
    found = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    assert found, heading
    return found
