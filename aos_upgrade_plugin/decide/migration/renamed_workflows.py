"""Sessions that go on under the new name of their workflow, which upstream renamed."""

from collections.abc import Mapping

from pydantic import ValidationError

from aos_upgrade_plugin.decide.migration.workflow_metadata import WORKFLOWS
from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.models.definition import Metadata
from aos_upgrade_plugin.models.migration import Followed, Migration, MigrationFacts
from aos_upgrade_plugin.models.session import WORKFLOW_TYPE, WorkflowType
from aos_upgrade_plugin.models.three_way import Renames
from aos_upgrade_plugin.models.tree import Kind, TreePath

_METADATA = "metadata.json"


def workflow_sessions(facts: MigrationFacts) -> Migration | None:
    """Let sessions follow their workflow to its new name, where what they did counts there too."""
    renamed = {
        old: new
        for old, new in renamed_workflows(facts.renames).items()
        if _is_the_same(facts, old, new)
    }
    sessions = facts.sessions() if renamed else {}
    follows = tuple(
        Followed(session_id=session_id, becomes=renamed[workflow])
        for session_id, workflow in sorted(sessions.items())
        if workflow in renamed
    )
    if not follows:
        return None
    used = {*sessions.values()}
    names = ", ".join(f"{old} to {new}" for old, new in sorted(renamed.items()) if old in used)
    return Migration(
        id="workflow-sessions",
        title="Sessions go on under the new name of their workflow",
        why=f"upstream renames {names}, with the same phases, and sessions of it are open",
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
    folder, _, rest = path.partition("/")
    name, _, file = rest.partition("/")
    is_definition = (folder, file) == (WORKFLOWS, _METADATA) and WORKFLOW_TYPE.fullmatch(name)
    return name if is_definition else None


def _is_the_same(facts: MigrationFacts, old: WorkflowType, new: WorkflowType) -> bool:
    """Tell whether a workflow that comes is one that stands here under another name.

    Not where something of the user's stands at the new name, and could be what is walked then.
    """
    stands, comes = (f"{WORKFLOWS}/{name}/{_METADATA}" for name in (old, new))
    before, after = facts.target.get(stands), facts.incoming.get(comes)
    if (
        {old, new} & UPGRADE_WORKFLOWS
        or f"{WORKFLOWS}/{new}" in facts.target
        or before is None
        or before.kind is not Kind.FILE
        or after is None
        or after.entry.kind is not Kind.FILE
    ):
        return False
    try:
        return _phases(facts.read(stands)) == _phases(facts.read_incoming(comes))
    except ValidationError:
        return False


def _phases(definition: bytes) -> object:
    """Return what a session's progress is told by."""
    metadata = Metadata.model_validate_json(definition)
    phases = [(each.number, each.name) for each in metadata.phases]
    return metadata.dynamic_phases, metadata.total_phases, phases
