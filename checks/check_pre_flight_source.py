"""Phase 0: the source is the product, as it was committed, and brings something."""

from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    NotApplies,
    Severity,
    SourceFacts,
    UpgradeError,
    UpgradePlan,
    check,
    find_installation,
    look_at_source,
)

RecordFact = Callable[[str, object], None]


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
