"""Phase 0: source and target are fit for the upgrade. Nothing here changes anything."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    Installation,
    Kind,
    NotApplies,
    PathClass,
    Severity,
    SourceFacts,
    Tree,
    TreePath,
    UpgradeError,
    UpgradePlan,
    check,
    classify,
    find_installation,
    free_bytes,
    list_backups,
    look_at_source,
    read_installation_tree,
    status_of,
    workflows_in_flight,
)

RecordFact = Callable[[str, object], None]

_BACKUP_IS_OLD = timedelta(days=7)
_PRODUCTS = {PathClass.SYSTEM, PathClass.MIXED}
_SPACE_FACTOR = 2


@pytest.fixture
def installation(target: Path) -> Installation:
    """Return the installation that is to be upgraded."""
    return find_installation(target)


@pytest.fixture
def tree(installation: Installation) -> Tree:
    """Return everything in the installation that is not made again."""
    return read_installation_tree(installation)


@pytest.fixture
def looked_at(gate_context: GateContext, source: Path) -> SourceFacts:
    """Return what is found where the source should be, at the commit that is to be installed."""
    try:
        installation = find_installation(gate_context.target) if gate_context.target else None
    except UpgradeError:  # that the target is not right is for its own check to say
        installation = None
    reference = gate_context.source_commit or "HEAD"
    return look_at_source(source, reference, installation=installation)


def in_part(context: GateContext) -> Applicability:
    """Apply where only the content or only the server is to be upgraded."""
    if context.plan is None:
        return NotApplies(reason="there is no plan yet")
    plan = UpgradePlan.model_validate_json(context.plan.read_bytes())
    if plan.options.only == "all":
        return NotApplies(reason="content and server are upgraded together")
    return Applies()


def planned(context: GateContext) -> Applicability:
    """Apply where there is a plan: not where pytest is called without one."""
    return Applies() if context.plan else NotApplies(reason="there is no plan yet")


def configured(context: GateContext) -> Applicability:
    """Apply where the installation has a configuration; a fresh one has none."""
    if context.target is None:
        return Applies()
    try:
        installation = find_installation(context.target)
    except UpgradeError:  # that the target is not right is for its own check to say
        return Applies()
    if (installation.path / installation.layout.config).is_file():
        return Applies()
    return NotApplies(reason="the installation has no configuration of its own")


@check(
    "AOS-P001",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="name a git checkout of Agent OS or prAxIs OS: --source DIR",
)
def check_source_is_the_product(looked_at: SourceFacts, record_fact: RecordFact) -> None:
    """The source is a git checkout of the product."""
    record_fact("source_path", looked_at.path)
    assert looked_at.exists, f"there is no folder {looked_at.path}"
    assert looked_at.is_repository, looked_at.problem or "it is no git repository"
    looked_for = ", ".join(looked_at.looked_for)
    assert looked_at.is_product, looked_at.problem or f"it holds none of {looked_for}"
    assert looked_at.problem is None, looked_at.problem


@check(
    "AOS-P002",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="commit or stash what is changed in the source, then run again",
)
def check_source_is_clean(looked_at: SourceFacts, record_fact: RecordFact) -> None:
    """The source has no uncommitted changes."""
    record_fact("source_git_clean", looked_at.clean)
    assert looked_at.commit is not None, f"nobody can tell: {looked_at.problem}"
    assert looked_at.clean, f"uncommitted changes in the source: {', '.join(looked_at.dirt[:5])}"


@check(
    "AOS-P003",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="check out the version to install in the source",
)
def check_source_version_is_known(looked_at: SourceFacts, record_fact: RecordFact) -> None:
    """The commit to install is known, and what it calls itself is written down."""
    record_fact("source_version", looked_at.version)
    record_fact("source_commit", looked_at.commit)
    record_fact("source_version_claims", [each.model_dump() for each in looked_at.claims])
    assert looked_at.commit is not None, looked_at.problem or "the source has no commit"


@check(
    "AOS-P004",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="name the install folder or its project: --target DIR",
)
def check_target_is_an_installation(target: Path, record_fact: RecordFact) -> None:
    """The target is an installation of a generation that we know."""
    assert target.is_dir(), f"there is no folder {target}"
    try:
        installation = find_installation(target)
    except UpgradeError as error:
        pytest.fail(str(error), pytrace=False)
    parts = {
        name: (installation.path / path).exists()
        for name, path in {
            "server": installation.layout.server,
            "config": installation.layout.config,
            "version": installation.layout.version,
            "environment": installation.layout.environment,
        }.items()
    }
    record_fact("target_exists", target.is_dir())
    record_fact("target_structure_valid", installation.path == target.resolve())
    record_fact("target_layout", installation.layout.name)
    record_fact("target_parts", parts)
    assert installation.path == target.resolve(), (
        f"{target} is not the install folder itself, that is {installation.path}"
    )


@check(
    "AOS-P005",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="give yourself the right to write there, or run as who owns the installation",
)
def check_target_is_writable(installation: Installation, tree: Tree) -> None:
    """We may write in every folder of the product's."""
    read_only = os.statvfs(installation.path).f_flag & os.ST_RDONLY
    assert not read_only, "the file system is mounted read-only"
    folders = [
        path
        for path, entry in tree.items()
        if entry.kind is Kind.DIRECTORY and classify(path, installation.layout) in _PRODUCTS
    ]
    closed = [
        path
        for path in ("", *folders)
        # A folder of our own that only its mode closes is opened and closed again on the way.
        if not os.access(installation.path / path, os.W_OK | os.X_OK)
        and (installation.path / path).stat().st_uid != os.geteuid()
    ]
    assert not closed, f"no right to write in {', '.join(path or '.' for path in closed[:5])}"


@check(
    "AOS-P006",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="replace the link with what it points to, or move it out of the product's folders",
)
def check_no_link_leaves_the_target(installation: Installation, tree: Tree) -> None:
    """No link among the product's paths leads out of the installation."""
    leaving = [
        path
        for path, entry in tree.items()
        if entry.kind is Kind.LINK
        and classify(path, installation.layout) in _PRODUCTS
        and not _stays_inside(installation.path, path)
    ]
    assert not leaving, f"links that leave the installation: {', '.join(leaving[:5])}"


def _stays_inside(install: Path, path: TreePath) -> bool:
    try:
        return (install / path).resolve().is_relative_to(install)
    except (OSError, RuntimeError):
        return False


@check(
    "AOS-P007",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="free some disk space, or remove old backups: aos-upgrade backups list",
)
def check_disk_space(
    gate_context: GateContext, installation: Installation, tree: Tree, record_fact: RecordFact
) -> None:
    """There is room for twice of what the run will write: backup, what comes, environment."""
    kept = sum(entry.size_bytes for entry in tree.values())
    comes = 0
    if gate_context.plan is not None:
        plan = UpgradePlan.model_validate_json(gate_context.plan.read_bytes())
        comes = sum(one.change.after.size_bytes for one in plan.changes if one.change.after)
        if plan.environment is not None:  # a new one is built beside the one in use
            comes += plan.environment.size_bytes
    needed = _SPACE_FACTOR * (kept + comes)
    free = free_bytes(installation.path)
    record_fact("disk_space_available_bytes", free)
    record_fact("disk_space_required_bytes", needed)
    record_fact("installation_size_bytes", kept)
    assert free >= needed, f"{needed} bytes are needed and {free} are free"


@check(
    "AOS-P008",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="wait until the other run has ended; to see it: aos-upgrade status",
)
def check_no_other_upgrade(installation: Installation) -> None:
    """No other process holds the upgrade lock."""
    lock = status_of(installation).lock
    assert lock is None, f"the upgrade lock is held by {lock}"


@check(
    "AOS-P009",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="finish the workflow or delete its session, then run again",
)
def check_no_workflow_in_flight(installation: Installation, record_fact: RecordFact) -> None:
    """Nobody is in the middle of a workflow, whose files could change under it."""
    ours = (
        f"{view.session_id} ({view.session.session_status})"
        for view in status_of(installation).sessions
        if view.session
        and view.session.session_status in {"active", "paused"}
        and not view.stale
        and not view.interrupted  # an interrupted upgrade is for the next check
    )
    theirs = workflows_in_flight(installation, now=datetime.now(UTC))
    in_flight = [*ours, *theirs]
    record_fact("no_concurrent_workflows", not in_flight)
    record_fact("workflows_in_flight", in_flight)
    assert not in_flight, f"in flight: {', '.join(in_flight[:5])}"


@check(
    "AOS-P010",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="finish or take back what was interrupted: aos-upgrade status says how",
)
def check_nothing_was_interrupted(installation: Installation) -> None:
    """No interrupted run waits to be finished or taken back."""
    status = status_of(installation)
    left = [f"{each.purpose} of {each.owner}" for each in status.transactions]
    left += [view.session_id for view in status.sessions if view.interrupted]
    left += [
        view.session_id
        for view in status.sessions
        if view.session and view.session.session_status == "inconsistent"
    ]
    assert not left, f"left over: {', '.join(left)}"


@check(
    "AOS-P011",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.WARNING,
    remedy="nothing has to be done: this run makes a new backup",
)
def check_last_backup_is_recent(installation: Installation, record_fact: RecordFact) -> None:
    """The newest backup, if there is one, is not older than seven days."""
    whole = [backup.manifest for backup in list_backups(installation.path) if backup.manifest]
    if not whole:
        record_fact("last_backup_age_days", None)
        return
    age = datetime.now(UTC) - whole[0].created_at
    record_fact("last_backup_age_days", age.days)
    assert age <= _BACKUP_IS_OLD, f"the newest backup is {age.days} days old"


@check(
    "AOS-P012",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="correct the configuration, so that the server finds its folders",
    applies=configured,
)
def check_config_is_valid(installation: Installation, record_fact: RecordFact) -> None:
    """The configuration can be read, and the folders that it names are there."""
    path = installation.path / installation.layout.config
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        pytest.fail(f"{installation.layout.config} is no JSON: {error}", pytrace=False)
    assert isinstance(config, dict), f"{installation.layout.config} holds no object"
    named = dict(_folders_named(config.get("rag")))
    record_fact("config_folders", named)
    missing = [
        f"{key}: {value}"
        for key, value in named.items()
        if not (installation.project / value).exists() and not (installation.path / value).exists()
    ]
    assert not missing, f"folders that the configuration names are missing: {', '.join(missing)}"


def _folders_named(section: object) -> Iterator[tuple[str, str]]:
    """Yield the folders that have to be there; the index is made by the server itself."""
    if isinstance(section, dict):
        for key, value in section.items():
            if key.endswith("_path") and key != "index_path" and isinstance(value, str) and value:
                yield key, value


@check(
    "AOS-P014",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="upgrade both: leave --only out",
    applies=in_part,
)
def check_parts_fit_together(plan: UpgradePlan) -> None:
    """Where only content or server is upgraded, the server still has all that content asks for."""
    assert not plan.skews, f"content would ask in vain for {', '.join(plan.skews)}"


@check(
    "AOS-P013",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.INFO,
    remedy="nothing has to be done",
    applies=planned,
)
def check_there_is_something_to_do(plan: UpgradePlan, record_fact: RecordFact) -> None:
    """The source brings something that the installation does not have."""
    record_fact("planned_changes", len(plan.changes))
    record_fact("undecided_conflicts", [conflict.path for conflict in plan.undecided])
    assert not plan.nothing_to_do, "the installation has all that the source brings"
