"""Upgrades that an agent takes from phase to phase: measured, resumable, and taken back whole."""

import json
import os
import signal
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from mcp.client.session import ClientRequestContext, ElicitationFnT
from mcp_types import ElicitRequestParams, ElicitResult

from aos_upgrade_plugin.models.workflow import CLEANUP
from aos_upgrade_plugin.sample import variants
from tests.journeys.proofs import assert_over
from tests.journeys.trips import Trip
from tests.journeys.whole_trips import NEW_TOOLS, WholeTrip

pytestmark = pytest.mark.usefixtures("unmeasured")

Answer = dict[str, Any]
WHAT = {"workflow_type": "agent_os_upgrade_v1", "target_file": "mcp_server"}
_MAIN = "from aos_upgrade_plugin.cli import main; main()"
_PATIENCE_S = 240.0


def start(trip: Trip, *more: str, **options: object) -> Answer:
    """Start an upgrade of the content by the tool on the command line."""
    said = {"source_path": str(trip.source), "only": "content", **options}
    return step(
        trip,
        "start",
        *("--workflow-type", "agent_os_upgrade_v1", "--target-file", "mcp_server"),
        *("--options", json.dumps(said)),
        *more,
    )


def step(trip: Trip, action: str, *arguments: str, sabotage: str = "") -> Answer:
    """Call the tool on the command line."""
    return trip.call("workflow", action, *arguments, sabotage=sabotage).answer


def complete(trip: Trip, name: str, phase: int, sabotage: str = "", **claims: object) -> Answer:
    """Complete a phase, with what is claimed of it."""
    said = ("--session-id", name, "--phase", str(phase), "--evidence", json.dumps(claims))
    return step(trip, "complete_phase", *said, sabotage=sabotage)


def everything(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder, control data too."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.measured
def test_content_is_upgraded_phase_by_phase_and_back(trip: Trip) -> None:
    """What is claimed is compared with what was measured; the result is that of ``run``.

    A wrong claim is refused with both values and costs nothing: the phase stays measured.
    """
    name = start(trip)["session_id"]
    wrong = complete(trip, name, 0, source_git_clean=False, target_exists=True)
    assert (wrong["status"], wrong["checkpoint_passed"]) == ("error", False)
    assert wrong["contradictions"] == [
        {"field": "source_git_clean", "claimed": False, "measured": True}
    ]
    assert trip.status().sessions == ()
    passed = complete(trip, name, 0, source_git_clean=True)
    assert (passed["phase_completed"], passed["current_phase"]) == (0, 1)
    assert "source_commit" in passed["evidence_accepted"]
    assert complete(trip, name, 1)["next_phase"]["phase_number"] == 2
    _waits_for_its_driver(trip, name)
    counted = {"new_files": 1_000}
    refused = complete(trip, name, 2, actual_upgrade=counted)
    (contradiction,) = refused["contradictions"]
    assert contradiction["field"] == "actual_upgrade.new_files"
    assert complete(trip, name, 3)["error_type"] == "StateError"
    assert complete(trip, name, 2)["current_phase"] == 4
    assert complete(trip, name, 4)["current_phase"] == CLEANUP
    last = complete(trip, name, 5, lock_released=True)
    assert (last["session_status"], last["next_phase"]) == ("completed", None)
    assert trip.is_as_planned()
    assert_over(trip)
    errors = step(trip, "get_errors", "--session-id", name)
    assert [each["phase"] for each in errors["errors"]] == [0, 2]
    back = step(trip, "rollback", "--session-id", name, "--to-phase", "0")
    assert (back["rolled_back"], back["session_status"]) == (True, "rolled_back")
    assert trip.is_as_before()


def _waits_for_its_driver(trip: Trip, name: str) -> None:
    """Between two phases nothing is locked, ``status`` says what waits, and no other run begins."""
    assert trip.status().lock is None
    incomplete, instead = trip.status().next_steps
    assert "phase by phase" in incomplete.why
    assert (incomplete.command, instead.command) == (
        f"aos-upgrade resume {name}",
        f"aos-upgrade rollback {name}",
    )
    assert trip.run().exit_code == 1


def test_a_gate_that_stays_shut_takes_everything_back(trip: Trip) -> None:
    """The answer says why, that it went back and was proven; nothing can be retried then."""
    name = start(trip)["session_id"]
    complete(trip, name, 0)
    complete(trip, name, 1)
    failed = complete(trip, name, 2, sabotage="fail@gate:content")
    assert (failed["status"], failed["error_type"]) == ("error", "RuntimeError")
    assert "sabotage in gate:content" in failed["error"]
    assert (failed["rolled_back"], failed["rollback"]["verified"]) == (True, True)
    assert complete(trip, name, 2)["error"] == failed["error"]
    refused = step(trip, "retry_phase", "--session-id", name, "--phase", "2")
    assert refused["error_type"] == "StateError"
    assert trip.is_as_before()
    assert_over(trip)


def test_what_pre_flight_refuses_is_tried_again_with_a_new_plan(trip: Trip) -> None:
    """Nothing is written before it passes; what was in the way may be gone, in the source too."""
    before = everything(trip.project)
    name = start(trip)["session_id"]
    (trip.source / "universal/left.md").write_text("not committed")
    failed = complete(trip, name, 0)
    assert (failed["session_status"], failed["current_phase"]) == ("failed", 0)
    assert "AOS-P002" in failed["error"]
    assert complete(trip, name, 0)["error"] == failed["error"]
    (trip.source / "universal/left.md").unlink()
    again = step(trip, "retry_phase", "--session-id", name, "--phase", "0")
    assert (again["retrying"], again["session_status"]) == (True, "active")
    assert [each["phase"] for each in again["previous_errors"]] == [0]
    assert complete(trip, name, 0)["current_phase"] == 1
    assert everything(trip.project) == before
    gone = step(trip, "delete_session", "--session-id", name)
    assert gone["deleted"]
    assert step(trip, "list_sessions")["count"] == 0


def test_a_dry_run_walks_every_phase_and_writes_nothing(trip: Trip) -> None:
    """Each phase says what it would do; the installation is the same, with its control data."""
    before = everything(trip.project)
    name = start(trip, dry_run=True)["session_id"]
    for phase in (0, 1, 2, 4, 5):
        assert complete(trip, name, phase)["checkpoint_passed"]
    state = step(trip, "get_state", "--session-id", name)
    assert state["session_status"] == "completed"
    assert state["status_reason"] == "a dry run: nothing was changed"
    assert state["artifacts"]["2"]["would"]["changes"] > 0
    assert everything(trip.project) == before


def test_conflicts_are_decided_before_anything_begins(trip: Trip) -> None:
    """``start`` names them with their choices, and takes its own answers back, filled in."""
    variants.edit(trip.install, variants.CHANGED)
    trip.before = trip.tree()
    asked = start(trip)
    assert (asked["status"], asked["error_type"]) == ("error", "ValidationError")
    (conflict,) = asked["conflicts"]
    assert (conflict["path"], conflict["choices"][:2]) == (variants.CHANGED, ["keep", "take"])
    assert step(trip, "list_sessions")["count"] == 0
    (answer,) = asked["answers"]
    unfit = start(trip, answers=[{**answer, "decision": "perhaps"}])
    assert unfit["error_type"] == "ValueError"
    name = start(trip, answers=[{**answer, "decision": "merge"}])["session_id"]
    paused = step(trip, "pause", "--session-id", name, "--checkpoint-note", "until tomorrow")
    assert paused["session_status"] == "paused"
    assert complete(trip, name, 0)["error_type"] == "StateError"
    resumed = step(trip, "resume", "--session-id", name)
    assert (resumed["session_status"], resumed["current_phase"]) == ("active", 0)
    assert trip.is_as_before()


# ---- over MCP, with a server that is restarted ----------------------------------------------


@asynccontextmanager
async def connected(
    trip: Trip, *, sabotage: str = "", decides: ElicitationFnT | None = None
) -> AsyncGenerator[Client]:
    """Start our server in the project, and connect the official client to it."""
    command = StdioServerParameters(
        command=str(trip.python),
        args=["-c", _MAIN, "serve"],
        env=trip.surroundings(SABOTAGE=sabotage),
        cwd=trip.project,
    )
    async with Client(stdio_client(command), elicitation_callback=decides) as client:
        yield client


async def ask(client: Client, action: str, **arguments: object) -> Answer:
    """Call the tool."""
    result = await client.call_tool("aos_workflow", {"action": action, **arguments})
    answer: Answer = result.structured_content or {}
    return answer


async def finished(client: Client, name: str, phase: int) -> Answer:
    """Complete a phase, and ask again for as long as it is under way."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while (
        answer := await ask(client, "complete_phase", session_id=name, phase=phase, evidence={})
    ).get("phase_running"):
        assert time.monotonic() < give_up_at, answer
        state = await ask(client, "get_state", session_id=name)
        assert state["running"] is None or state["running"]["command"] == "resume"
        await anyio.sleep(0.2)
    return answer


def test_a_whole_upgrade_over_mcp_killed_in_the_middle(tmp_path: Path) -> None:
    """Server and runner die in phase 2; a new client goes on by the session's name to the end.

    The conflict is asked about in the client; phase 3 answers with a handle at once, because it
    restarts the installation's server, which has the new tools afterwards.
    """
    trip = WholeTrip(tmp_path)
    variants.edit(trip.install, variants.CHANGED)
    trip.before = trip.tree()
    trip.serve()
    try:
        anyio.run(_drive, trip)
        assert trip.tools() == NEW_TOOLS
        assert trip.is_as_planned()
        assert "Our team also" in (trip.install / variants.CHANGED).read_text()
        assert_over(trip)
    finally:
        trip.stop()


async def _merges(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    """Decide as a person would who sees the form."""
    del context
    (field,) = params.requested_schema["properties"].values()  # type: ignore[union-attr]
    assert field["title"] == variants.CHANGED
    return ElicitResult(action="accept", content={"conflict_1": "merge"})


async def _drive(trip: WholeTrip) -> None:
    async with connected(trip, sabotage="pause@action:2", decides=_merges) as client:
        name = await _begun(client, trip)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_interrupted, client, name)
            await _kill_runner(trip)
            tasks.cancel_scope.cancel()
    async with connected(trip) as client:
        await _taken_up(client, name)
        at_once = await ask(client, "complete_phase", session_id=name, phase=3, evidence={})
        assert at_once["phase_running"] is True
        assert at_once["running"]["phase"] == 3
        restarted = await finished(client, name, 3)
        assert restarted["evidence"]["server_restarted"] is True, restarted
        assert (await finished(client, name, 4))["evidence"]["tools_registered"] == len(NEW_TOOLS)
        assert (await finished(client, name, 5))["session_status"] == "completed"


async def _begun(client: Client, trip: Trip) -> str:
    """Start an upgrade and complete its first two phases, hearing how far they are."""
    told: list[str | None] = []

    async def hears(progress: float, total: float | None, message: str | None) -> None:
        assert total is None or progress <= total
        told.append(message)

    options = {"source_path": str(trip.source)}
    name: str = (await ask(client, "start", **WHAT, options=options))["session_id"]
    for phase in (0, 1):
        said: Answer = {"session_id": name, "phase": phase, "evidence": {}}
        await client.call_tool(
            "aos_workflow", {"action": "complete_phase", **said}, progress_callback=hears
        )
    assert told
    return name


async def _taken_up(client: Client, name: str) -> None:
    """Find the upgrade interrupted, and complete the phase that it was interrupted in."""
    state = await ask(client, "get_state", session_id=name)
    assert (state["interrupted"], state["next_actions"][0]) == (True, "resume")
    refused = await ask(client, "complete_phase", session_id=name, phase=2, evidence={})
    assert refused["error_type"] == "StateError"
    assert (await ask(client, "resume", session_id=name))["status"] == "success"
    assert (await finished(client, name, 2))["current_phase"] == 3


async def _interrupted(client: Client, name: str) -> None:
    await ask(client, "complete_phase", session_id=name, phase=2, evidence={})


async def _kill_runner(trip: Trip) -> None:
    """Kill what does phase 2, in the middle of it."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while not trip.reached.exists() or not trip.reached.read_text():
        assert time.monotonic() < give_up_at, "phase 2 never began"
        await anyio.sleep(0.02)
    os.kill(int(trip.reached.read_text()), signal.SIGKILL)
    trip.reached.unlink()


@pytest.mark.parametrize("capable", [False, True], ids=["cannot-ask", "declines"])
def test_a_client_that_decides_nothing_gets_the_choices(trip: Trip, capable: bool) -> None:
    """Without a form, or with one that is declined, the answer names what has to be decided."""
    variants.edit(trip.install, variants.CHANGED)

    async def declines(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        del context, params
        return ElicitResult(action="decline")

    async def call() -> Answer:
        async with connected(trip, decides=declines if capable else None) as client:
            options = {"source_path": str(trip.source), "only": "content"}
            return await ask(client, "start", **WHAT, options=options)

    answer = anyio.run(call)
    assert [each["path"] for each in answer["conflicts"]] == [variants.CHANGED]
    assert "options.answers" in answer["remediation"]
