"""Phase 2: the tree is what the plan says, and what is the user's is as it was."""

import os
from collections.abc import Callable
from pathlib import Path

from aos_upgrade_plugin.api import (
    Entry,
    Gate,
    Installation,
    Kind,
    Part,
    Place,
    Severity,
    Tree,
    TreePath,
    UpgradeError,
    UpgradePlan,
    check,
    locate,
    read_workflow,
    standing,
)

RecordFact = Callable[[str, object], None]

_MARKERS = (b"<<<<<<< ", b">>>>>>> ")
_MARKED_FILE_MAX_BYTES = 1 << 22


def _name(place: Place, path: TreePath) -> str:
    return path if place is Place.INSTALL else f"../{path}"


@check(
    "AOS-C001",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="look at what writes to the installation meanwhile, then run again",
)
def check_tree_equals_plan(
    installation: Installation, plan: UpgradePlan, record_fact: RecordFact
) -> None:
    """Every path that the plan changes is what the plan wants, byte for byte."""
    wanted = {
        _name(one.change.place, one.change.path): one.change.after for one in plan.of(Part.CONTENT)
    }
    differing = [
        _name(one.change.place, one.change.path)
        for one in plan.of(Part.CONTENT)
        if standing(installation, one.change) != one.change.after
    ]
    record_fact("changed_paths_verified", len(wanted) - len(differing))
    record_fact("dry_run_preview", _preview(plan))
    record_fact("actual_upgrade", _applied(plan, set(differing)))
    assert not differing, f"not as planned: {', '.join(differing[:5])}"


def _preview(plan: UpgradePlan) -> dict[str, int]:
    count = {str(relation): number for relation, number in plan.counts.items()}
    return {
        "new_files": count.get("new", 0),
        "updated_files": count.get("updated", 0) + count.get("mode_updated", 0),
        "unchanged_files": count.get("unchanged", 0) + count.get("same_change", 0),
        "conflicts": len(plan.conflicts),
        "local_only": count.get("local_only", 0),
    }


def _applied(plan: UpgradePlan, differing: set[str]) -> dict[str, int]:
    made = [
        str(one.relation)
        for one in plan.of(Part.CONTENT)
        if _name(one.change.place, one.change.path) not in differing
        and (one.change.after or one.change.before or Entry(kind=Kind.FILE)).kind
        is not Kind.DIRECTORY
    ]
    return {
        "new_files": made.count("new"),
        "updated_files": made.count("updated") + made.count("mode_updated"),
        "conflicts_resolved": sum(conflict.choice is not None for conflict in plan.conflicts),
    }


@check(
    "AOS-C002",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="nothing has to be done: the installation goes back by itself",
)
def check_nothing_else_changed(tree: Tree, plan: UpgradePlan, record_fact: RecordFact) -> None:
    """Every path that the plan does not change is as it was, the user's among them."""
    changed = {
        one.change.path for one in plan.of(Part.CONTENT) if one.change.place is Place.INSTALL
    }
    untouched = {path: entry for path, entry in plan.target.items() if path not in changed}
    gone = [path for path in untouched if path not in tree]
    differing = [path for path, entry in untouched.items() if tree.get(path, entry) != entry]
    record_fact("untouched_paths_verified", len(untouched) - len(gone) - len(differing))
    assert not gone, f"gone: {', '.join(gone[:5])}"
    assert not differing, f"changed, although not planned: {', '.join(differing[:5])}"


@check(
    "AOS-C003",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="nothing has to be done: the installation goes back by itself",
)
def check_config_is_as_answered(installation: Installation, tree: Tree, plan: UpgradePlan) -> None:
    """The configuration is as it was, unless the user said that it shall be replaced."""
    config = installation.layout.config
    answered = {conflict.path for conflict in plan.conflicts if conflict.choice is not None}
    answered |= {one.change.path for one in plan.changes if one.migration}
    if config not in answered:
        assert tree.get(config) == plan.target.get(config), f"{config} changed without an answer"


@check(
    "AOS-C004",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="decide them: --on-conflict keep, take or merge",
)
def check_nothing_is_undecided(plan: UpgradePlan) -> None:
    """Every conflict of the plan was decided before anything changed."""
    undecided = [conflict.path for conflict in plan.undecided]
    assert not undecided, f"undecided: {', '.join(undecided[:5])}"


@check(
    "AOS-C005",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="the source holds an unfinished merge: tell its authors",
)
def check_no_conflict_markers(installation: Installation, plan: UpgradePlan) -> None:
    """No file that came holds the markers of an unfinished merge."""
    came = [
        one.change.path
        for one in plan.of(Part.CONTENT)
        if one.change.place is Place.INSTALL
        and one.change.after
        and one.change.after.kind is Kind.FILE
        and one.change.after.size_bytes <= _MARKED_FILE_MAX_BYTES
    ]
    marked = [path for path in came if _is_marked(on_disk(installation, path))]
    assert not marked, f"conflict markers in {', '.join(marked[:5])}"


def on_disk(installation: Installation, path: TreePath) -> Path:
    """Return where a path of a plan is."""
    return Path(os.fsdecode(locate(installation.path, path)))


def _is_marked(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():  # that it is not as planned is said elsewhere
        return False
    lines = path.read_bytes().splitlines()
    return all(any(line.startswith(marker) for line in lines) for marker in _MARKERS)


@check(
    "AOS-C006",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="nothing has to be done: the installation goes back by itself",
)
def check_upgrade_is_written_down(
    installation: Installation, plan: UpgradePlan, record_fact: RecordFact
) -> None:
    """The version file names the new commit, and the log of updates has a line for it."""
    layout, commit = installation.layout, plan.source.commit
    version = _text_of(installation.path / layout.version)
    log = _text_of(installation.path / layout.update_log)
    record_fact("version_updated", plan.source.version or commit)
    record_fact("update_log_appended", commit[:12] in log)
    if plan.record is None:  # no file changed, so there was nothing to write down
        return
    assert commit in version, f"{layout.version} does not name the commit {commit[:12]}"
    assert commit[:12] in log, f"{layout.update_log} has no line for the commit {commit[:12]}"


def _text_of(path: Path) -> str:
    """Return what people read there; one that is not there says nothing."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


@check(
    "AOS-C007",
    gate=Gate.CONTENT,
    severity=Severity.BLOCKER,
    remedy="the source brings a broken workflow: tell its authors, or install another version",
)
def check_workflows_are_valid(
    installation: Installation, plan: UpgradePlan, record_fact: RecordFact
) -> None:
    """Every workflow that came has a definition that can be read, its phases in order."""
    came = sorted(
        one.change.path.rpartition("/")[0]
        for one in plan.changes
        if one.change.path.endswith("/metadata.json")
        and one.change.path.startswith("workflows/")
        and one.change.after is not None
    )
    broken = []
    for folder in came:
        try:
            workflow = read_workflow(on_disk(installation, folder))
        except UpgradeError as error:
            broken.append(str(error))
            continue
        numbers = [phase.number for phase in workflow.phases]
        if numbers != sorted(set(numbers)):
            broken.append(f"{folder}: its phases are not in order: {numbers}")
    record_fact("workflows_that_came", came)
    assert not broken, "; ".join(broken[:5])
