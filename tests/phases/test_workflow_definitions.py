"""Workflow folders read: both forms, and everything that can be wrong with one."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aos_upgrade_plugin.decide.workflow.definitions import category_of
from aos_upgrade_plugin.models.definition import Definition, Listed, Origin
from aos_upgrade_plugin.phases.workflow_definitions import Definitions, Place
from tests.actions.workflow_places import GATE, METADATA, lay_workflow


def _listed(place: Path, definitions: Definitions | None = None) -> list[Listed]:
    return [*(definitions or Definitions()).of(Place(place, Origin.SOURCE))]


def _definition(place: Path) -> Definition:
    (found,) = _listed(place)
    assert found.definition is not None, found.problem
    return found.definition


def test_the_nested_form(tmp_path: Path) -> None:
    """Phases in folders of their own, tasks named by the metadata, a gate beside them."""
    lay_workflow(tmp_path)
    definition = _definition(tmp_path)
    first, second = definition.phases
    assert (first.file, second.file) == ("phases/0/phase.md", "phases/1/phase.md")
    assert [task.file for task in first.tasks] == ["phases/0/task-1-read.md"]
    assert first.gate is not None
    assert set(first.gate.evidence_schema) == {"read", "findings"}
    assert second.gate is None


def test_the_flat_form(tmp_path: Path) -> None:
    """A file for each phase with the design document's keys; tasks are sections of it."""
    phases = [
        {"number": 1, "name": "One", "file": "1-one.md", "estimated_time": "30s"}
        | {"tasks": [{"task_number": 1, "name": "first"}]},
        {"number": 2, "name": "Two"},
    ]
    metadata = {"name": "Flat", "version": "1", "phases": phases, "total_phases": 2}
    files = {"phases/1-one.md": "# One\n", "phases/2-two.md": "# Two\n"}
    lay_workflow(tmp_path, "flat_v1", metadata=metadata, files=files)
    one, two = _definition(tmp_path).phases
    assert (one.number, one.file, one.estimated_duration) == (1, "phases/1-one.md", "30s")
    assert [(task.number, task.file) for task in one.tasks] == [(1, "phases/1-one.md")]
    assert two.file == "phases/2-two.md"


def test_a_text_that_lies_where_the_products_rules_put_it(tmp_path: Path) -> None:
    """Early workflows of the product name flat files, and have the nested ones."""
    lay_workflow(tmp_path, metadata=_phase(file="phases/0-read.md"))
    (phase,) = _definition(tmp_path).phases
    assert phase.file == "phases/0/phase.md"


def test_tasks_that_the_metadata_does_not_name_are_found_by_their_files(tmp_path: Path) -> None:
    """As in workflows whose metadata only counts phases."""
    phases = [{"phase_number": 0, "phase_name": "Read"}]
    files = {"phases/0/task-10-last.md": "", "phases/0/task-2-next.md": "", "phases/0/x.md": ""}
    lay_workflow(tmp_path, metadata={**METADATA, "total_phases": 1, "phases": phases}, files=files)
    (phase,) = _definition(tmp_path).phases
    assert [(task.number, task.name) for task in phase.tasks] == [
        (1, "read"),
        (2, "next"),
        (10, "last"),
    ]


def test_a_dynamic_workflow(tmp_path: Path) -> None:
    """Its number of phases is not known, and ``1-N`` stands for all from 1 on."""
    phases = [METADATA["phases"][0], {"phase_number": "1-N", "phase_name": "Each"}]
    lay_workflow(tmp_path, metadata={**METADATA, "total_phases": "dynamic", "phases": phases})
    definition = _definition(tmp_path)
    assert definition.dynamic
    assert [phase.number for phase in definition.phases] == [0, 1]


def _phase(**fields: Any) -> object:  # noqa: ANN401
    return {**METADATA, "total_phases": 1, "phases": [{**METADATA["phases"][0], **fields}]}


def _task(file: str) -> object:
    return _phase(tasks=[{"task_number": 1, "name": "read", "file": file}])


BOMB = "a: &a [x, x]\nb: [*a, *a]\n"


@pytest.mark.parametrize(
    ("metadata", "gate", "problem"),
    [
        ("{", None, "metadata.json: "),
        ("[]", None, "metadata.json: "),
        ("[" * 100_000, None, "metadata.json: "),
        (" " * (1 << 20) + "{}", None, "metadata.json cannot be read: it is no file, or far too"),
        ({"version": "1"}, None, "metadata.json: phases"),
        ({**METADATA, "version": None}, None, "metadata.json: version"),
        ({**METADATA, "phases": []}, None, "metadata.json: phases"),
        ({**METADATA, "total_phases": 3}, None, "it promises 3 phases and has 2"),
        ({**METADATA, "phases": [*METADATA["phases"]][::-1]}, None, "not in order: 1, 0"),
        (_phase(phase_number=3, file="gone.md"), None, "the text of phase 3, gone.md, is missing"),
        (_phase(file="../../etc/passwd"), None, "a file that it names is not in its folder"),
        (_task("gone.md"), None, "the text of task 1 of phase 0, gone.md, is missing"),
        (_task("/etc/passwd"), None, "a file that it names is not in its folder"),
        (_task("../0/task-1-read.md"), None, "a file that it names is not in its folder"),
        (METADATA, "a: [", "is no YAML that can be read"),
        (METADATA, "!!python/object/apply:os.system [true]", "is no YAML that can be read"),
        (METADATA, BOMB, "holds an alias, which is refused"),
        (METADATA, "[" * 500, "too large or nested too deep"),
        (METADATA, "[" * 5_000, "gate-definition.yaml is "),  # newer YAML libraries stop first
        (METADATA, GATE + "evidence_schema: {}\n", "has a key twice in one place"),
        (METADATA, "evidence_schema: {a: {type: text}}", "evidence_schema.a.type"),
        (METADATA, "evidence_schema: {a: {type: string, required: maybe}}", "a.required"),
        (METADATA, "evidence_schema: {a: {type: string, validator: v}}", "'v', which is not there"),
        (METADATA, "validators: {v: 'lambda x: x.__class__'}", "the validator 'v' is refused"),
        (METADATA, "- a list", "gate-definition.yaml: "),
    ],
)
def test_a_broken_definition_is_listed_with_its_problem(
    tmp_path: Path, metadata: object, gate: str | None, problem: str
) -> None:
    """It cannot be used, it says why, and it hides no other."""
    files = {} if gate is None else {"phases/0/gate-definition.yaml": gate}
    lay_workflow(tmp_path, "broken_v1", metadata=metadata, files=files)
    lay_workflow(tmp_path, "whole_v1")
    broken, whole = _listed(tmp_path)
    assert broken.definition is None
    assert problem in (broken.problem or "")
    assert str(tmp_path) not in (broken.problem or "")
    assert whole.definition is not None


def test_what_lies_outside_is_not_read_through_a_link(tmp_path: Path) -> None:
    """A link in a workflow's folder leads nowhere: what it names is missing."""
    (tmp_path / "secret").write_text("secret")
    folder = lay_workflow(tmp_path / "workflows", files={"phases/0/task-1-read.md": None})
    (folder / "phases/0/task-1-read.md").symlink_to(tmp_path / "secret")
    (found,) = _listed(tmp_path / "workflows")
    assert "is missing" in (found.problem or "")


def test_what_is_no_workflow_is_not_listed(tmp_path: Path) -> None:
    """Files, and folders without a definition; a place that is not there has none."""
    (tmp_path / "notes").mkdir()
    (tmp_path / "file").write_text("")
    assert _listed(tmp_path) == []
    assert _listed(tmp_path / "gone") == []
    assert _listed(tmp_path / "file") == []


def test_a_name_that_is_none(tmp_path: Path) -> None:
    """A folder whose name could not be started is listed with that."""
    place = os.fsencode(tmp_path)
    os.mkdir(place + b"/b\xff d")
    with open(place + b"/b\xff d/metadata.json", "w", encoding="utf-8") as file:
        json.dump({**METADATA, "phases": [{"number": 0, "name": "x"}], "total_phases": 1}, file)
    (found,) = _listed(tmp_path)
    assert "cannot be the name of a workflow" in (found.problem or "")


def test_nothing_is_parsed_twice_and_nothing_is_stale(tmp_path: Path) -> None:
    """What did not change is taken from memory; a change of the same size and time is seen."""
    folder = lay_workflow(tmp_path)
    definitions = Definitions()
    (first,) = _listed(tmp_path, definitions)
    for _ in range(19):
        assert _listed(tmp_path, definitions) == [first]
    hits, misses = definitions.counted
    assert misses == len(("metadata", "gate", "definition"))
    assert hits / (hits + misses) > 0.9
    gate = folder / "phases/0/gate-definition.yaml"
    before = gate.stat()
    gate.write_text(GATE.replace("findings", "problems"))
    os.utime(gate, ns=(before.st_atime_ns, before.st_mtime_ns))
    (second,) = _listed(tmp_path, definitions)
    assert first.definition != second.definition
    (folder / "phases/0/task-1-read.md").unlink()
    (third,) = _listed(tmp_path, definitions)
    assert "is missing" in (third.problem or "")


@pytest.mark.parametrize(
    ("name", "said", "category"),
    [
        ("spec_creation_v1", "planning", "planning"),
        ("test_generation_v3", "", "code_generation"),
        ("spec_creation_v1", "", "authoring"),
        ("spec_execution_v1", "", "implementation"),
        ("praxis_os_upgrade_v1", "", "maintenance"),
        ("change_review_v1", "", "review"),
        ("release_notes_v1", "", "uncategorized"),
        ("contest_v1", "", "uncategorized"),
    ],
)
def test_the_category_of_a_workflow(name: str, said: str, category: str) -> None:
    """What the metadata says, else the first word that tells one."""
    assert category_of(workflow_type=name, said=said) == category
