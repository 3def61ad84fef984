"""Sessions that go on under the new name of their workflow, which upstream renamed."""

from collections.abc import Mapping

from pydantic import ValidationError

from aos_upgrade_plugin.decide.migration.workflow_metadata import WORKFLOWS
from aos_upgrade_plugin.models.definition import Metadata
from aos_upgrade_plugin.models.migration import Followed, Migration, MigrationFacts
from aos_upgrade_plugin.models.session import WorkflowType
from aos_upgrade_plugin.models.three_way import Renames
from aos_upgrade_plugin.models.tree import TreePath

_DEFINITION = "metadata.json"


def workflow_sessions(facts: MigrationFacts) -> Migration | None:
    """Let sessions follow their workflow to its new name, where its phases are the same ones."""
    renamed = renamed_workflows(facts.renames)
    follows = tuple(
        Followed(session_id=session.session_id, workflow_type=old, becomes=renamed[old])
        for session in facts.sessions
        if (old := session.workflow_type) in renamed and _same_phases(facts, old, renamed[old])
    )
    if not follows:
        return None
    names = sorted({f"{each.workflow_type} to {each.becomes}" for each in follows})
    return Migration(
        id="workflow-sessions",
        title="Sessions go on under the new name of their workflow",
        why=f"upstream renames {', '.join(names)}, with the same phases, while sessions are open",
        follows=follows,
    )


def renamed_workflows(renames: Renames) -> Mapping[WorkflowType, WorkflowType]:
    """Return the new name of each workflow whose definition was renamed, by its old one."""
    return {
        old: new
        for path, to in renames.items()
        if (old := workflow_of(path)) and (new := workflow_of(to)) and old != new
    }


def workflow_of(path: TreePath) -> WorkflowType | None:
    """Return the name of the workflow whose definition a file is."""
    match path.split("/"):
        case [folder, name, file] if (folder, file) == (WORKFLOWS, _DEFINITION):
            return name
        case _:
            return None


def _same_phases(facts: MigrationFacts, old: WorkflowType, new: WorkflowType) -> bool:
    """Tell whether what was done of a workflow counts for the one that comes."""
    stands, comes = (f"{WORKFLOWS}/{name}/{_DEFINITION}" for name in (old, new))
    if stands not in facts.target or comes not in facts.incoming:
        return False
    try:
        before = Metadata.model_validate_json(facts.read(stands))
        after = Metadata.model_validate_json(facts.read_incoming(comes))
    except ValidationError:
        return False
    return [(each.number, each.name) for each in before.phases] == [
        (each.number, each.name) for each in after.phases
    ]
