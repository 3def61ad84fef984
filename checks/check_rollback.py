"""After going back: everything is as it was before the run, and nothing of the user's is lost."""

from collections.abc import Callable
from pathlib import Path

from aos_upgrade_plugin.api import (
    ENVIRONMENT_STAGE,
    Gate,
    GateContext,
    Installation,
    Place,
    Severity,
    Tree,
    TreePath,
    UpgradePlan,
    check,
    read_entry,
    standing,
    status_of,
)

RecordFact = Callable[[str, object], None]


@check(
    "AOS-R001",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="restore the backup of this run: aos-upgrade backups restore",
)
def check_changes_are_taken_back(
    installation: Installation,
    plan: UpgradePlan,
    gate_context: GateContext,
    record_fact: RecordFact,
) -> None:
    """Every path that the run changed is what it was before, byte for byte."""
    users = {*_listed(gate_context, "kept_folders"), *_listed(gate_context, "left_alone")}
    differing = [
        one.change.path
        for one in plan.changes
        if one.change.path not in users and standing(installation, one.change) != one.change.before
    ]
    record_fact("paths_taken_back", len(plan.changes) - len(differing))
    assert not differing, f"not as before: {', '.join(differing[:5])}"


@check(
    "AOS-R002",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="look for the files in the backups: aos-upgrade backups list",
)
def check_what_the_user_made_survives(
    tree: Tree,
    plan: UpgradePlan,
    gate_context: GateContext,
    target: Path,
    record_fact: RecordFact,
) -> None:
    """What the user made since is there, and what stood in the way was set aside."""
    made_since = _listed(gate_context, "made_since")
    set_aside = _listed(gate_context, "set_aside")
    record_fact("made_since", made_since)
    record_fact("set_aside", set_aside)
    gone = [path for path in made_since if path not in tree and _in_reach(path, plan)]
    lost = [path for path in set_aside if read_entry(target, path) is None]
    assert not gone, f"gone: {', '.join(gone[:5])}"
    assert not lost, f"set aside and lost: {', '.join(lost[:5])}"


@check(
    "AOS-R003",
    gate=Gate.ROLLBACK,
    severity=Severity.WARNING,
    remedy="nothing has to be done, if these changes are yours",
)
def check_all_else_is_as_before(tree: Tree, plan: UpgradePlan, gate_context: GateContext) -> None:
    """What the run did not touch is as it was; what changed there was changed by others."""
    changed = {one.change.path for one in plan.changes if one.change.place is Place.INSTALL}
    differing = _listed(gate_context, "left_alone")
    made_since = _listed(gate_context, "made_since")
    differing += [each for each in made_since if each not in tree and not _in_reach(each, plan)]
    differing += [
        path
        for path, entry in plan.target.items()
        if path not in changed and tree.get(path) != entry
    ]
    assert not differing, f"changed by others since: {', '.join(differing[:5])}"


@check(
    "AOS-R004",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="look at the rights of the folder .upgrades",
)
def check_no_residue(installation: Installation, session: str) -> None:
    """Nothing of the run's changes is left on the disk, in place or staged."""
    left = [each.purpose for each in status_of(installation).transactions if each.owner == session]
    left += [name for name in (ENVIRONMENT_STAGE,) if (installation.path / name).exists()]
    assert not left, f"left over: {', '.join(left)}"


@check(
    "AOS-R005",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="look at the rights of the folder state/workflows",
)
def check_session_says_so(installation: Installation, session: str) -> None:
    """The session knows that its phases were taken back."""
    views = [each for each in status_of(installation).sessions if each.session_id == session]
    assert views, f"the session {session} is not there"
    state = views[0].session
    assert state is not None, f"the session {session} cannot be read: {views[0].problem}"
    standing = [each.phase for each in state.phase_history if each.status != "rolled_back"]
    assert not standing, f"phases that are not marked as taken back: {standing}"


def _in_reach(path: TreePath, plan: UpgradePlan) -> bool:
    """Say whether the run changed a folder above a path: anywhere else its way back does nothing.

    What comes and goes there, a file that a server or an editor writes first, is theirs.
    """
    parts = path.split("/")
    above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    return any(one.change.path in above for one in plan.changes)


def _listed(context: GateContext, name: str) -> list[str]:
    """Return a list that the runner measured before the gate."""
    found = context.facts.get(name, [])
    return [str(each) for each in found] if isinstance(found, list) else []
