"""A workflow made of what its folder holds, or what is wrong with it."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from aos_upgrade_plugin.decide.workflow.checkpoint import problems_of
from aos_upgrade_plugin.errors import InvalidError
from aos_upgrade_plugin.models.checkpoint import GateDefinition
from aos_upgrade_plugin.models.definition import (
    Definition,
    Metadata,
    Phase,
    PhaseMetadata,
    Task,
    UnusableError,
)

UNCATEGORIZED = "uncategorized"
_CATEGORY_OF_WORD = {
    "upgrade": "maintenance",
    "migration": "maintenance",
    "generation": "code_generation",
    "test": "code_generation",
    "tests": "code_generation",
    "creation": "authoring",
    "execution": "implementation",
    "review": "review",
    "audit": "review",
}
_WORDS = re.compile(r"[a-z]+")
_TASK_FILE = re.compile(r"task-(\d{1,4})-([\w.-]+)\.md")
_FLAT_PHASE = re.compile(r"phases/(\d{1,4})-[\w.-]+\.md")


def category_of(*, workflow_type: str, said: str) -> str:
    """Return the category that the metadata names, else that of the first word that tells one."""
    if said:
        return said
    words = _WORDS.findall(workflow_type.lower())
    return next((_CATEGORY_OF_WORD[w] for w in words if w in _CATEGORY_OF_WORD), UNCATEGORIZED)


def define(
    *,
    workflow_type: str,
    metadata: Metadata,
    files: Sequence[str],
    gates: Mapping[str, GateDefinition],
) -> Definition:
    """Put a workflow together. Raises UnusableError.

    ``files`` are the paths of the folder's files, ``gates`` its gate definitions by path; all
    relative to the folder, with ``/``.
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", workflow_type):
        raise UnusableError("the name of its folder cannot be the name of a workflow")
    _refuse_wrong_order(metadata)
    called = metadata.workflow_type or ""
    return Definition(
        workflow_type=workflow_type,
        also_called=called if called not in {"", workflow_type} else None,
        name=metadata.name or workflow_type,
        version=metadata.version,
        description=metadata.description,
        category=category_of(workflow_type=workflow_type, said=metadata.category),
        estimated_duration=metadata.estimated_duration,
        primary_outputs=metadata.primary_outputs,
        supports_dry_run=metadata.supports_dry_run,
        supports_rollback=metadata.supports_rollback,
        dynamic=_dynamic(metadata),
        phases=tuple(_phase(each, frozenset(files), gates) for each in metadata.phases),
    )


def _dynamic(metadata: Metadata) -> bool:
    return metadata.dynamic_phases or metadata.total_phases is None


def _refuse_wrong_order(metadata: Metadata) -> None:
    numbers = [each.number for each in metadata.phases]
    if numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise UnusableError(f"its phases are not in order: {', '.join(map(str, numbers))}")
    if not _dynamic(metadata) and metadata.total_phases != len(numbers):
        raise UnusableError(f"it promises {metadata.total_phases} phases and has {len(numbers)}")


def _phase(
    metadata: PhaseMetadata, files: frozenset[str], gates: Mapping[str, GateDefinition]
) -> Phase:
    folder = f"phases/{metadata.number}"
    gate = gates.get(f"{folder}/gate-definition.yaml")
    if gate is not None and (problem := next(problems_of(gate), None)):
        raise UnusableError(f"the gate of phase {metadata.number}: {problem}")
    text = _phase_file(metadata, files)
    tasks = tuple(_tasks(metadata, files, text)) or tuple(_tasks_found(folder, files))
    numbers = [task.number for task in tasks]
    if len({*numbers}) < len(numbers):
        raise UnusableError(f"phase {metadata.number} has two tasks of one number")
    return Phase(
        number=metadata.number,
        name=metadata.name,
        purpose=metadata.purpose,
        estimated_duration=metadata.estimated_duration,
        key_deliverables=metadata.key_deliverables,
        validation_criteria=metadata.validation_criteria,
        required_evidence=metadata.checkpoint.required_evidence,
        file=text,
        tasks=tasks,
        gate=gate,
    )


def _phase_file(metadata: PhaseMetadata, files: frozenset[str]) -> str | None:
    nested = f"phases/{metadata.number}/phase.md"
    if metadata.file is not None:
        _refuse_outside(metadata.file)
        places = (
            metadata.file,
            f"phases/{metadata.file}",
            f"phases/{metadata.number}/{metadata.file}",
            nested,  # where the product's rules put it, whatever the metadata says
        )
        place = next((place for place in places if place in files), None)
        if place is None:
            raise UnusableError(f"the text of phase {metadata.number}, {metadata.file}, is missing")
        return place
    if nested in files:
        return nested
    flat = (found for each in sorted(files) if (found := _FLAT_PHASE.fullmatch(each)))
    return next((each.group() for each in flat if int(each.group(1)) == metadata.number), None)


def _tasks(metadata: PhaseMetadata, files: frozenset[str], text: str | None) -> Iterator[Task]:
    """Yield the tasks that the metadata names; one without a file is a section of the phase."""
    for task in metadata.tasks:
        if task.file is None:
            if text is None:
                raise UnusableError(f"task {task.number} of phase {metadata.number} has no text")
            yield Task(number=task.number, name=task.name, file=text)
            continue
        _refuse_outside(task.file)
        places = (f"phases/{metadata.number}/{task.file}", f"phases/{task.file}", task.file)
        place = next((place for place in places if place in files), None)
        if place is None:
            raise UnusableError(
                f"the text of task {task.number} of phase {metadata.number}, {task.file}, "
                "is missing"
            )
        yield Task(number=task.number, name=task.name, file=place)


def _tasks_found(folder: str, files: Iterable[str]) -> list[Task]:
    """Return the tasks of a phase whose metadata names none, by their file names."""
    inside = (each.rpartition("/") for each in files)
    matches = (_TASK_FILE.fullmatch(name) for parent, _, name in inside if parent == folder)
    found = [
        Task(number=int(match[1]), name=match[2], file=f"{folder}/{match[0]}")
        for match in matches
        if match
    ]
    return sorted(found, key=lambda task: (task.number, task.file))


def _refuse_outside(file: str) -> None:
    if file.startswith("/") or ".." in file.split("/") or "\\" in file or "\0" in file:
        raise UnusableError("a file that it names is not in its folder")


# ---- looking in one ----------------------------------------------------------------------------


def phase_of(*, definition: Definition, number: int, total: int | None = None) -> Phase:
    """Return a phase by its number; raise InvalidError with the range.

    ``total`` is how many phases a session of a dynamic workflow has: the last one defined stands
    for those that come after it.
    """
    first, last = definition.phases[0].number, last_phase(definition=definition, total=total)
    if not first <= number <= last:
        raise InvalidError(
            f"there is no phase {number}: the phases of {definition.workflow_type} are "
            f"{first} to {last}",
            cure=f"name a phase from {first} to {last}",
        )
    defined = definition.phases[min(number - first, len(definition.phases) - 1)]
    return defined.model_copy(update={"number": number})


def last_phase(*, definition: Definition, total: int | None) -> int:
    """Return the number of the last phase."""
    count = len(definition.phases)
    if definition.dynamic and total is not None:
        count = max(count, total)
    return definition.phases[0].number + count - 1


def task_of(*, phase: Phase, number: int) -> Task:
    """Return a task of a phase by its number; raise InvalidError with the range."""
    found = next((task for task in phase.tasks if task.number == number), None)
    if found is not None:
        return found
    numbers = [task.number for task in phase.tasks]
    there = f"has the tasks {min(numbers)} to {max(numbers)}" if numbers else "has no tasks"
    raise InvalidError(
        f"there is no task {number} in phase {phase.number}: it {there}",
        cure="name a task that the phase has; get_phase lists them",
    )
