"""Phase 3: code, environment and process of the server are the new ones."""

from collections.abc import Callable

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    Installation,
    NotApplies,
    Part,
    ServerBefore,
    ServerNow,
    Severity,
    Site,
    UpgradePlan,
    ask_server,
    check,
    environment_problems,
    look_at_servers,
    standing,
    still_running,
    who_serves,
)

RecordFact = Callable[[str, object], None]

_TAKES_ITS_TIME_S = 900
"""A server over pipes is started for its answer, and may build its index first."""


def can_be_asked(context: GateContext) -> Applicability:
    """Apply where there is something to run the server with."""
    server = ServerNow.told_in(context.facts)
    if server is not None and server.endpoint is None:
        return NotApplies(reason="the installation has no environment to run its server with")
    return Applies()


def restarted(context: GateContext) -> Applicability:
    """Apply where this run changes what the server runs by."""
    if context.plan is not None:
        plan = UpgradePlan.model_validate_json(context.plan.read_bytes())
        if not plan.of(Part.SERVER) and (
            plan.environment is None or plan.environment.nothing_to_do
        ):
            return NotApplies(reason="nothing of the server changes, so it runs on")
    return Applies()


def kept_running(context: GateContext) -> Applicability:
    """Apply where a server is kept running at a URL, or one ran and had to be restarted."""
    server, before = ServerNow.told_in(context.facts), ServerBefore.told_in(context.facts)
    if server is None or isinstance(server.endpoint, str):
        return Applies()
    if before is not None and before.restart is None:
        return NotApplies(reason="no server ran before the upgrade, so none was started")
    return restarted(context)


def owned_by_clients(context: GateContext) -> Applicability:
    """Apply where a client runs a server of its own."""
    server = ServerNow.told_in(context.facts)
    if server is not None and not server.clients:
        return NotApplies(reason="no client runs a server of its own")
    return Applies()


@check(
    "AOS-S001",
    gate=Gate.SERVER,
    severity=Severity.BLOCKER,
    remedy="look at what writes to the installation meanwhile, then run again",
)
def check_server_code_equals_plan(
    installation: Installation, plan: UpgradePlan, record_fact: RecordFact
) -> None:
    """Every file of the server is what the plan wants, byte for byte."""
    planned = plan.of(Part.SERVER)
    differing = [
        one.change.path for one in planned if standing(installation, one.change) != one.change.after
    ]
    copied = [one for one in planned if one.change.after and one.change.path not in differing]
    record_fact("files_copied", len(copied))
    record_fact("mcp_server_copied", (installation.path / installation.layout.server).is_dir())
    record_fact("checksums_verified", not differing)
    assert not differing, f"not as planned: {', '.join(differing[:5])}"


@check(
    "AOS-S002",
    gate=Gate.SERVER,
    severity=Severity.BLOCKER,
    remedy="look at the packages in the environment; what was installed is in packages.log",
)
def check_environment_equals_plan(
    installation: Installation,
    plan: UpgradePlan,
    gate_context: GateContext,
    record_fact: RecordFact,
) -> None:
    """The environment holds exactly the planned packages, and they fit together."""
    assert plan.environment is not None, "the plan says nothing of the environment"
    problems = environment_problems(installation, plan.environment)
    server = ServerNow.told_in(gate_context.facts)
    steps = server.steps if server else ()
    failed = [step.command for step in steps if step.status == "failed"]
    record_fact("dependencies_installed", not problems)
    record_fact("packages_changed", [str(each) for each in plan.environment.changes])
    record_fact("inconsistent_before", [*plan.environment.inconsistent])
    record_fact("post_install_steps", [step.model_dump(mode="json") for step in steps])
    assert not problems, "; ".join(problems[:5])
    assert not failed, f"failed: {'; '.join(failed)}"


@check(
    "AOS-S003",
    gate=Gate.SERVER,
    severity=Severity.BLOCKER,
    remedy="stop the process that is named, then run again",
    applies=restarted,
)
def check_old_server_is_gone(
    site: Site, server_before: ServerBefore, server: ServerNow, record_fact: RecordFact
) -> None:
    """No process runs the old code any more, but for those that a client owns.

    Old is what ran before, and whatever somebody started again before the code was exchanged.
    """
    old = {each.pid for each in still_running(server_before.stoppable)}
    if (since := server.exchanged) is not None:
        running = look_at_servers(site).running
        old |= {each.pid for each in running if each.may_be_stopped and each.born.is_before(since)}
    left = [str(each) for each in sorted(old)]
    record_fact("old_pid", next((each.pid for each in server_before.stoppable), None))
    record_fact("new_pid", server.started.pid if server.started else None)
    record_fact("server_restarted", server.started is not None)
    record_fact(
        "server_restart_time", server.restarted_at.isoformat() if server.restarted_at else None
    )
    record_fact("seconds_down", server.down_s)
    assert not left, f"still running: process {', '.join(left)}"


@check(
    "AOS-S004",
    gate=Gate.SERVER,
    severity=Severity.BLOCKER,
    remedy="look which program uses that port, stop it, then run again",
    applies=kept_running,
)
def check_server_is_ours(site: Site, server: ServerNow, record_fact: RecordFact) -> None:
    """The process that listens at the server's address is the one of this installation."""
    assert isinstance(server.endpoint, str), "the server is not kept running"
    serves = who_serves(site, server.endpoint)
    record_fact("served_by", serves.pid if serves else None)
    assert serves is not None, f"no process of this installation listens at {server.endpoint}"
    if server.started is not None:
        started = server.started.pid
        assert serves.pid == started, f"process {serves.pid} answers, and {started} was started"


@check(
    "AOS-S005",
    gate=Gate.SERVER,
    severity=Severity.BLOCKER,
    remedy="read the log of the server, which the evidence names; tell the authors of the source",
    applies=can_be_asked,
    limit_s=_TAKES_ITS_TIME_S,
)
def check_server_answers(
    server: ServerNow, restart_timeout_s: float, record_fact: RecordFact
) -> None:
    """The new server shakes hands with a real client."""
    assert server.endpoint is not None, "nobody can be asked"
    answered = ask_server(server.endpoint, limit_s=restart_timeout_s)
    record_fact("server_health_check", "passed" if answered.reached else "failed")
    record_fact(
        "seconds_to_handshake",
        server.started.handshake_s if server.started else answered.connected_s,
    )
    record_fact("server_log", server.log)
    assert answered.reached, f"{answered.endpoint}: {answered.problem}"


@check(
    "AOS-S006",
    gate=Gate.SERVER,
    severity=Severity.WARNING,
    remedy="connect to the server again there, or restart the client",
    applies=owned_by_clients,
)
def check_clients_run_the_new_code(server: ServerNow, record_fact: RecordFact) -> None:
    """No client goes on with the old code in a server of its own."""
    left = [f"process {each.pid} of {each.client}" for each in still_running(server.clients)]
    record_fact("clients_with_old_code", left)
    assert not left, f"still on the old code: {', '.join(left)}"
