"""After going back: the server is as healthy as it was before the run.

It is measured once for all checks here.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    Installation,
    Measured,
    NotApplies,
    ServerBefore,
    ServerNow,
    Severity,
    Site,
    check,
    environment_identity,
    measure_server,
    measure_until_searchable,
    unlike_snapshot,
    who_serves,
)

RecordFact = Callable[[str, object], None]

_TAKES_ITS_TIME_S = 900


@pytest.fixture(scope="module")
def live(
    site: Site, server_before: ServerBefore, server: ServerNow, restart_timeout_s: float
) -> Measured:
    """Ask the server everything, once; where its search worked before, until it works again."""
    assert server.endpoint is not None, "nobody can be asked"
    measure = measure_server if server_before.search_problem else measure_until_searchable
    return measure(site, server.endpoint, limit_s=restart_timeout_s)


def touched(context: GateContext) -> Applicability:
    """Apply where the run had touched the server."""
    if "server" in context.facts:
        return Applies()
    return NotApplies(reason="the run had not touched the server")


def had_environment(context: GateContext) -> Applicability:
    """Apply where there was an environment."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and before.environment is None:
        return NotApplies(reason="the installation had no environment")
    return touched(context)


def ran_before(context: GateContext) -> Applicability:
    """Apply where a server ran that was ours to restart."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and before.restart is None:
        return NotApplies(reason="no server ran before that is ours to start")
    return touched(context)


def answered_before(context: GateContext) -> Applicability:
    """Apply where the server answered before the run."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and not before.answered:
        return NotApplies(reason="the server did not answer before the run either")
    return touched(context)


def searched_before(context: GateContext) -> Applicability:
    """Apply where the search worked before the run."""
    before = ServerBefore.told_in(context.facts)
    if before is not None and before.search_problem:
        return NotApplies(reason="the search did not work before the run either")
    return answered_before(context)


@check(
    "AOS-R006",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="install what the backup lists: venv/bin/pip install -r requirements-snapshot.txt",
    applies=had_environment,
)
def check_environment_is_as_before(
    installation: Installation,
    server_before: ServerBefore,
    backup: Path,
    record_fact: RecordFact,
) -> None:
    """The environment is the same folder as before, or holds the same packages."""
    same = environment_identity(installation) == server_before.environment
    record_fact("environment_is_the_same_folder", same)
    if not same:
        snapshot = (backup / "requirements-snapshot.txt").read_text(encoding="utf-8")
        unlike = unlike_snapshot(installation, snapshot)
        assert not unlike, f"not as before: {'; '.join(unlike[:5])}"


@check(
    "AOS-R007",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="start the server yourself, and read its log; the evidence names both",
    applies=ran_before,
)
def check_server_runs_again(site: Site, server: ServerNow, record_fact: RecordFact) -> None:
    """A server runs, as before, and its process is one of this installation."""
    url = server.endpoint
    record_fact("server_log", server.log)
    assert isinstance(url, str), "none is kept running, and one was before"
    serves = who_serves(site, url)
    record_fact("served_by", serves.pid if serves else None)
    record_fact("seconds_down", server.down_s)
    assert serves is not None, f"no process of this installation listens at {url}"


@check(
    "AOS-R008",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="read the log of the server, which the evidence names",
    applies=answered_before,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_tools_are_as_before(
    live: Measured, server_before: ServerBefore, record_fact: RecordFact
) -> None:
    """The server answers, and has the tools that it had."""
    record_fact("tools", [*live.probe.tools])
    record_fact("handshake_s", live.probe.connected_s)
    assert live.probe.reached, f"{live.probe.endpoint}: {live.probe.problem}"
    before, now = {*server_before.tools}, {*live.probe.tools}
    missing, unexpected = sorted(before - now), sorted(now - before)
    assert not missing, f"missing: {', '.join(missing)}"
    assert not unexpected, f"unexpected: {', '.join(unexpected)}"


@check(
    "AOS-R009",
    gate=Gate.ROLLBACK,
    severity=Severity.BLOCKER,
    remedy="let the server build its index: delete .cache/vector_index, then restart it",
    applies=searched_before,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_search_works_again(live: Measured, record_fact: RecordFact) -> None:
    """The search finds a sentence of the standards through its index, as before."""
    record_fact("rag_search_test", "failed" if live.search_problem else "passed")
    assert live.search_problem is None, live.search_problem
