"""Phase 4: the server that runs now does what it did before, and what is new.

It is measured once for all checks here.
"""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    Installation,
    Kind,
    Measured,
    NotApplies,
    ServerBefore,
    ServerNow,
    Severity,
    Site,
    TreePath,
    UpgradePlan,
    check,
    find_installation,
    installed_workflows,
    measure_server,
    measure_until_searchable,
    names_in_code,
    new_sentences,
    site_of,
)

RecordFact = Callable[[str, object], None]

_TAKES_ITS_TIME_S = 900
"""The first of these checks waits for an index that is being built."""


@pytest.fixture(scope="module")
def changed(plan: UpgradePlan, gate_context: GateContext) -> Mapping[TreePath, str]:
    """Return what the standards that this upgrade changed said before."""
    return _said_before(plan, gate_context.backup)


@pytest.fixture(scope="module")
def live(
    site: Site,
    server_before: ServerBefore,
    server: ServerNow,
    changed: Mapping[TreePath, str],
    restart_timeout_s: float,
) -> Measured:
    """Ask the server everything, once; where its search worked before, until it works again."""
    assert server.endpoint is not None, "nobody can be asked"
    new = new_sentences(site, changed)
    measure = measure_server if server_before.search_problem else measure_until_searchable
    return measure(site, server.endpoint, limit_s=restart_timeout_s, new=new, changed=changed)


def _said_before(plan: UpgradePlan, backup: Path | None) -> Mapping[TreePath, str]:
    """Return what the standards that this upgrade changed said before; nothing for new ones."""
    changes = [one.change for one in plan.changes if one.change.path.startswith("standards/")]
    return {
        each.path: _old_text(backup, each.path) if each.before else ""
        for each in changes
        if each.path.endswith(".md") and each.after and each.after.kind is Kind.FILE
    }


def _old_text(backup: Path | None, path: TreePath) -> str:
    return (backup / path).read_text("utf-8", "replace") if backup else ""


def with_server(context: GateContext) -> Applicability:
    """Apply where this run upgraded a server that can be run."""
    if context.facts.get("only") == "content":
        return NotApplies(reason="only the content is upgraded")
    server = ServerNow.told_in(context.facts)
    if server is not None and server.endpoint is None:
        return NotApplies(reason="the installation has no environment to run its server with")
    return Applies()


def tools_are_known(context: GateContext) -> Applicability:
    """Apply where the new version's own code said which tools it has, or an old server did."""
    server, before = ServerNow.told_in(context.facts), ServerBefore.told_in(context.facts)
    known = before is None or before.answered
    if server is not None and server.expected_tools is None and not known:
        return _not("the tools of the new version are not known", server.expected_problem)
    return with_server(context)


def answered_before(context: GateContext) -> Applicability:
    """Apply where the server answered before the upgrade."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and not before.answered:
        return _not("the server did not answer before the upgrade", before.problem)
    return with_server(context)


def searched_before(context: GateContext) -> Applicability:
    """Apply unless the search was broken before: that is no fault of this upgrade."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and before.search_problem:
        return _not("the search did not work before the upgrade either", before.search_problem)
    return with_server(context)


def did_not_search_before(context: GateContext) -> Applicability:
    """Apply where the search was broken before."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and before.search_problem:
        return with_server(context)
    return NotApplies(reason="nothing was wrong with the search before the upgrade")


def brings_standards(context: GateContext) -> Applicability:
    """Apply where this upgrade brings a sentence that can be searched for."""
    if context.plan is None or context.target is None:
        return NotApplies(reason="there is no plan yet")
    plan = UpgradePlan.model_validate_json(context.plan.read_bytes())
    site = site_of(find_installation(context.target))
    if not new_sentences(site, _said_before(plan, context.backup)):
        return NotApplies(reason="this upgrade brings no new sentence that can be searched for")
    return searched_before(context)


def listed_workflows_before(context: GateContext) -> Applicability:
    """Apply where a tool of the server listed the workflows before."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and (before.measured is None or before.measured.workflows is None):
        return NotApplies(reason="no tool of the server listed the workflows before the upgrade")
    return with_server(context)


def _not(reason: str, problem: str | None) -> NotApplies:
    told = f"{reason}: {problem}" if problem else reason
    words = " ".join(told.split())
    return NotApplies(reason="".join(each if each.isprintable() else "?" for each in words))


@check(
    "AOS-V003",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="read the log of the server, which the evidence names; tell the authors of the source",
    applies=with_server,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_live_handshake(live: Measured, record_fact: RecordFact) -> None:
    """The server that runs now shakes hands with a real client and lists its tools."""
    record_fact("server_version", live.probe.version)
    record_fact("tools_registered", len(live.probe.tools))
    record_fact("tools", [*live.probe.tools])
    record_fact("handshake_s", live.probe.connected_s)
    record_fact("list_tools_s", live.probe.listed_s)
    assert live.probe.reached, f"{live.probe.endpoint}: {live.probe.problem}"
    assert live.probe.tools, "the server has no tools"


@check(
    "AOS-V004",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="read the log of the server: a tool that cannot be loaded is left out",
    applies=tools_are_known,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_expected_tools(
    live: Measured,
    server: ServerNow,
    server_before: ServerBefore,
    site: Site,
    record_fact: RecordFact,
) -> None:
    """The server has the tools of the new version, no less and no more.

    Where the new code did not answer beside, it has at least those of before that it still names.
    """
    found = set(live.probe.tools)
    if server.expected_tools is not None:
        expected = set(server.expected_tools)
        unexpected = sorted(found - expected)
    else:
        expected, unexpected = {*names_in_code(site, server_before.tools)}, []
    missing = sorted(expected - found)
    record_fact("expected_tools", len(expected))
    record_fact("expected_tools_problem", server.expected_problem)
    record_fact("missing_tools", missing)
    record_fact("unexpected_tools", unexpected)
    assert not missing, f"missing: {', '.join(missing)}"
    assert not unexpected, f"unexpected: {', '.join(unexpected)}"


@check(
    "AOS-V005",
    gate=Gate.VALIDATION,
    severity=Severity.WARNING,
    remedy="ask the authors of the source; to have it again: aos-upgrade rollback",
    applies=answered_before,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_no_tool_is_lost(
    live: Measured, server_before: ServerBefore, record_fact: RecordFact
) -> None:
    """Every tool that the server had before the upgrade is still there."""
    before = server_before.tools
    lost = [tool for tool in before if tool not in live.probe.tools]
    record_fact("tools_lost", lost)
    record_fact("tools_gained", [tool for tool in live.probe.tools if tool not in before])
    assert not lost, f"gone: {', '.join(lost)}"


@check(
    "AOS-V006",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="read the log of the server, and look at its index; tell the authors of the source",
    applies=searched_before,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_search_asks_its_index(live: Measured, record_fact: RecordFact) -> None:
    """A search finds a sentence of the standards, and its index answered, no text scan."""
    record_fact("rag_search_test", "failed" if live.search_problem else "passed")
    record_fact("search_s", max((each.took_s for each in live.probe.answers), default=0.0))
    assert live.search_problem is None, live.search_problem


@check(
    "AOS-V007",
    gate=Gate.VALIDATION,
    severity=Severity.WARNING,
    remedy="let the server build its index: delete .cache/vector_index, then restart it",
    applies=did_not_search_before,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_search_is_mended(live: Measured, record_fact: RecordFact) -> None:
    """The search, which did not work before the upgrade, works now."""
    record_fact("rag_search_test", "failed" if live.search_problem else "passed")
    assert live.search_problem is None, f"as before the upgrade: {live.search_problem}"


@check(
    "AOS-V008",
    gate=Gate.VALIDATION,
    severity=Severity.WARNING,
    remedy="let the server build its index: delete .cache/vector_index, then restart it",
    applies=brings_standards,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_index_is_current(live: Measured, record_fact: RecordFact) -> None:
    """A search finds a sentence that this upgrade brought."""
    record_fact("rag_index_current", live.index_problem is None)
    assert live.index_problem is None, live.index_problem


@check(
    "AOS-V009",
    gate=Gate.VALIDATION,
    severity=Severity.BLOCKER,
    remedy="look at the definition of the workflow that is named: its metadata.json",
    applies=listed_workflows_before,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_workflows_are_listed(
    live: Measured,
    installation: Installation,
    server_before: ServerBefore,
    plan: UpgradePlan,
    record_fact: RecordFact,
) -> None:
    """The server lists the workflows whose folders are there, no less and no more."""
    folders, listed = installed_workflows(installation), {*(live.workflows or ())}
    before = {*((server_before.measured and server_before.measured.workflows) or ())}
    passed_over = [
        folder.name for folder, called in folders.items() if not called & (before | listed)
    ]
    came = {
        one.change.path.split("/")[-2]
        for one in plan.changes
        if one.change.path.endswith("/metadata.json")
    }
    missing = [
        folder.name
        for folder, called in folders.items()
        if not called & listed and (folder.name in came or folder.name not in passed_over)
    ]
    unknown = sorted(listed.difference(*folders.values()))
    record_fact("workflows_listed", sorted(listed))
    record_fact("workflows_passed_over_before_too", sorted({*passed_over} - {*missing}))
    record_fact("workflow_engine_test", "failed" if missing or unknown else "passed")
    assert not missing, f"not listed: {', '.join(missing)}"
    assert not unknown, f"listed, and not there: {', '.join(unknown)}"
