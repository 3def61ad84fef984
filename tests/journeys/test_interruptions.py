"""Killed or stopped anywhere, a run stands where it can be resumed or rolled back, and says so."""

import os
import shutil
import signal
import time
from collections.abc import Container, Iterable
from itertools import product
from pathlib import Path
from typing import TypeVar

import pytest
from _pytest.mark.structures import ParameterSet

from aos_upgrade_plugin.effects.session.lock_holder import LAST_GATE_LOCK
from tests.journeys.proofs import assert_over, residue
from tests.journeys.trips import Done, Trip

pytestmark = pytest.mark.usefixtures("unmeasured")

_Case = TypeVar("_Case", bound=tuple[object, ...])

RUNNER_DIES = [
    *("die@action:1", "kill_runner@gate:backup", "die@action:2", "kill_runner@gate:content"),
    *("die@action:4", "kill_runner@gate:validation", "die@action:5", "kill_runner@gate:cleanup"),
]
ENDINGS = {"resume": "completed", "rollback": "rolled_back"}
SAMPLE = {
    ("die@action:2", "rollback"),
    ("kill_runner@gate:content", "resume"),
    ("kill_runner@gate:validation", "rollback"),
    ("kill_runner@gate:cleanup", "resume"),
}
EXCHANGE = "renameat2"
"""The system call that changes an installation; about thirty of them in a run."""
CALLS = {EXCHANGE: 33, "rename": 30, "fsync": 114, "unlink": 82, "mkdir": 76, "rmdir": 61}
CALLS_SAMPLE = {(EXCHANGE, 17), ("fsync", 60)}


def _marked(cases: Iterable[_Case], sample: Container[_Case]) -> list[ParameterSet]:
    return [
        pytest.param(*case, marks=() if case in sample else pytest.mark.faults_full)
        for case in cases
    ]


@pytest.mark.parametrize(("sabotage", "way"), _marked(product(RUNNER_DIES, ENDINGS), SAMPLE))
def test_a_killed_run_is_finished_or_taken_back(trip: Trip, sabotage: str, way: str) -> None:
    """Killed in a phase: status names both ways on, and each of them ends well."""
    assert trip.run(sabotage=sabotage).exit_code == -signal.SIGKILL
    assert trip.status().lock is None
    name = trip.session().session_id
    commands = [step.command for step in trip.status().next_steps[:2]]
    assert commands == [f"aos-upgrade resume {name}", f"aos-upgrade rollback {name}"]
    assert_ends(trip, trip.call(way, name), way)


def assert_ends(trip: Trip, done: Done, way: str) -> None:
    """Assert that a command brought a run to its end."""
    assert (done.exit_code, done.answer["status"]) == (0, ENDINGS[way]), (done.answer, done.said)
    assert trip.session().session_status == ENDINGS[way]
    assert trip.is_as_planned() if way == "resume" else trip.is_as_before()
    assert len(trip.backups) == (1 if trip.session().backup else len(trip.backups))
    assert_over(trip)


def test_resuming_may_be_killed_and_resumed(trip: Trip) -> None:
    """Each attempt goes on from where the last one was killed."""
    for command, sabotage in (
        (("run", *trip.what), "die@action:2"),
        (("resume",), "kill_runner@gate:content"),
        (("resume",), "die@action:5"),
    ):
        assert trip.call(*command, sabotage=sabotage).exit_code == -signal.SIGKILL
    assert_ends(trip, trip.call("resume"), "resume")
    attempts = [each.phase for each in trip.session().phase_history]
    assert attempts == [1, 2, 2, 2, 4, 5, 5]


def test_going_back_may_be_killed_and_repeated(trip: Trip) -> None:
    """Killed in the gate of the rollback, twice: what was begun is finished."""
    trip.run(sabotage="kill_runner@gate:validation")
    for _ in range(2):
        killed = trip.call("rollback", sabotage="kill_runner@gate:rollback")
        assert killed.exit_code == -signal.SIGKILL
        assert trip.status().next_steps[0].command is not None
    assert_ends(trip, trip.call("rollback"), "rollback")


def test_a_run_that_was_being_taken_back_is_not_completed(trip: Trip) -> None:
    """Resumed after all, it finds the old content, and goes back."""
    trip.run(sabotage="kill_runner@gate:validation")
    trip.call("rollback", sabotage="kill_runner@gate:rollback")
    done = trip.call("resume")
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back")
    assert trip.is_as_before()
    assert_over(trip)


def test_a_run_whose_gate_was_shut_goes_back_and_not_on(trip: Trip) -> None:
    """Killed while it goes back: what was decided stays decided, also where the gate would open."""
    killed = trip.run(sabotage="fail@gate:content,kill_runner@gate:rollback")
    assert killed.exit_code == -signal.SIGKILL
    step, *_ = trip.status().next_steps
    assert step.command == f"aos-upgrade rollback {trip.session().session_id}"
    assert_back(trip, trip.call("resume"))


def assert_back(trip: Trip, done: Done) -> None:
    """Assert that a command finished the way back."""
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back"), (done.answer, done.said)
    assert trip.is_as_before()
    assert_over(trip)


# ---- anywhere ------------------------------------------------------------------------------------


def _killed_at(trip: Trip, call: str, number: int, *command: str) -> Done:
    """Call the command, and let the kernel kill it at a system call of its own."""
    inject = f"inject={call}:signal=SIGKILL:when={number}"
    trip.wrapper = ("strace", "-qq", "-o", str(trip.folder / "trace"), "-e", inject)
    try:
        return trip.call(*command)
    finally:
        trip.wrapper = ()


needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="there is no strace here")


@needs_strace
@pytest.mark.parametrize(
    ("call", "number"),
    _marked([(call, n) for call, most in CALLS.items() for n in range(1, most + 1)], CALLS_SAMPLE),
)
def test_a_run_may_be_killed_at_any_system_call(trip: Trip, call: str, number: int) -> None:
    """In the midst of a change too: the tree is never a mixture after the next command."""
    killed = _killed_at(trip, call, number, "run", *trip.what)
    if killed.exit_code == 0:
        pytest.skip(f"a run has fewer calls of {call}")
    assert killed.exit_code == -signal.SIGKILL
    if not trip.status().sessions:
        assert trip.is_as_before()
        assert trip.run().answer["status"] == "completed"
        return
    way = sorted(ENDINGS)[number % 2]
    done = trip.call(way)
    if way == "resume" and done.exit_code:
        assert trip.session().session_status == "completed", done.answer  # killed after its end
    else:
        assert_ends(trip, done, way)


@needs_strace
@pytest.mark.parametrize(
    ("call", "number"),
    _marked([(EXCHANGE, number) for number in range(1, 19)], {(EXCHANGE, 11)}),
)
def test_a_rollback_may_be_killed_at_any_system_call(trip: Trip, call: str, number: int) -> None:
    """After a completed run too: repeated, it ends where it was going to."""
    trip.run()
    assert _killed_at(trip, call, number, "rollback").exit_code == -signal.SIGKILL
    assert_ends(trip, trip.call("rollback"), "rollback")


@needs_strace
def test_a_way_back_that_was_asked_for_is_gone_to_its_end(trip: Trip) -> None:
    """Killed at its first step, ``resume`` does not turn it round."""
    trip.run(sabotage="kill_runner@gate:content")
    first_step = 2  # the decision is saved by an exchange, too
    assert _killed_at(trip, EXCHANGE, first_step, "rollback").exit_code == -signal.SIGKILL
    assert_back(trip, trip.call("resume"))


# ---- stopped -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("place", "number"),
    [
        ("hang@action:2", signal.SIGINT),
        pytest.param("hang@gate:content", signal.SIGTERM, marks=pytest.mark.faults_full),
        pytest.param("hang@gate:backup", signal.SIGINT, marks=pytest.mark.faults_full),
        pytest.param("hang@gate:validation", signal.SIGHUP, marks=pytest.mark.faults_full),
        pytest.param("hang@action:5", signal.SIGTERM, marks=pytest.mark.faults_full),
    ],
)
def test_ctrl_c_leaves_a_run_that_goes_on(trip: Trip, place: str, number: signal.Signals) -> None:
    """Asked to stop: exit 130, one line, no gate left behind, and ``resume`` completes it."""
    stopped = trip.stop_at(place, with_signal=number)
    assert stopped.exit_code == 130
    assert stopped.answer["error"]["message"].startswith("stopped, with nothing half done")
    assert f"aos-upgrade resume {trip.session().session_id}" in stopped.answer["error"]["cure"]
    assert trip.call("report").answer["status"] == "interrupted"
    assert [path.name for path in trip.temporary.iterdir()] == []
    assert trip.status().lock is None
    assert_ends(trip, trip.call("resume"), "resume")


def test_ctrl_c_in_pre_flight_changes_nothing(trip: Trip) -> None:
    """Nothing had begun: nothing is there."""
    stopped = trip.stop_at("hang@gate:pre-flight", with_signal=signal.SIGINT)
    assert stopped.exit_code == 130
    assert trip.is_as_before()
    assert trip.status().sessions == ()
    assert not (trip.install / ".upgrades").exists()


def test_a_gate_dies_with_its_runner(trip: Trip) -> None:
    """Nobody listens any more: the gate ends at its next word, and holds nothing."""
    trip.run(sabotage="kill_runner@gate:content")
    give_up_at = time.monotonic() + 30
    while left := _gates_of(trip):
        assert time.monotonic() < give_up_at, left
        time.sleep(0.05)


def _gates_of(trip: Trip) -> list[str]:
    """Find the processes that still work for a trip."""
    lines = (path.read_bytes() for path in _command_lines() if path.exists())
    return [line.decode() for line in lines if os.fsencode(trip.folder) in line]


def _command_lines() -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]


# ---- two at once, and damaged state --------------------------------------------------------------


def test_a_second_command_is_told_who_works(trip: Trip) -> None:
    """Exit 4 with the holder's process, at once; the first one is not disturbed."""
    with trip.paused("pause@gate:content") as (process, _):
        for command in (("run", *trip.what), ("rollback",), ("resume",)):
            second = trip.call(*command)
            assert second.exit_code == 4, second.answer
            assert f"held by process {process.pid}" in second.answer["error"]["message"]
        assert trip.call("check", "pre-flight", *trip.what).exit_code == 1
        first = trip.go_on(process)
    assert (first.exit_code, first.answer["status"]) == (0, "completed"), first.said
    assert trip.is_as_planned()
    assert_over(trip)


@pytest.mark.parametrize("goes_on", ["run", pytest.param("resume", marks=pytest.mark.faults_full)])
def test_nobody_comes_between_while_the_last_gate_measures(trip: Trip, goes_on: str) -> None:
    """It wants the upgrade lock released; every other command is told who measures all the same."""
    command: tuple[str, ...] = ("run", *trip.what)
    if goes_on == "resume":
        trip.stop_at("hang@gate:cleanup", with_signal=signal.SIGKILL)
        command = ("resume",)
    with trip.paused("pause@gate:cleanup", *command) as (process, _):
        lock = trip.status().lock
        assert lock is not None
        assert (lock.last_gate, lock.alive) == (True, True)
        assert not trip.status().sessions[0].interrupted
        for other in (("resume",), ("rollback",), ("run", *trip.what), ("backups", "create")):
            told = trip.call(*other)
            assert (told.exit_code, other) == (4, other), told.answer
            assert f"process {process.pid} since" in told.answer["error"]["message"]
            assert told.answer["error"]["message"].endswith(f"{goes_on} (its last gate)")
        assert trip.call("check", "pre-flight", *trip.what).exit_code == 1
        done = trip.go_on(process)
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert trip.status().lock is None


def test_a_last_gate_that_cannot_keep_others_out_is_left_to_resume(trip: Trip) -> None:
    """The upgrade is done and validated: 7 with what is in the way, and then 0."""
    in_the_way = trip.install / LAST_GATE_LOCK
    in_the_way.parent.mkdir()
    in_the_way.hardlink_to(trip.install / "config.json")  # what is written there is written here
    done = trip.run()
    assert done.exit_code == 7, done.answer
    assert "last-gate.lock is no lock file" in str(done.answer["reasons"])
    in_the_way.unlink()
    assert trip.call("resume").exit_code == 0
    assert trip.is_as_planned()


@pytest.mark.parametrize(
    "ending", [".json", pytest.param(".previous.json", marks=pytest.mark.faults_full)]
)
def test_a_damaged_session_goes_on_from_its_last_good_state(trip: Trip, ending: str) -> None:
    """Cut off by a crash: what was saved before it is used, and the run is completed."""
    trip.run(sabotage="kill_runner@gate:content")
    session = trip.install / "state" / "workflows" / f"{trip.session().session_id}{ending}"
    session.write_bytes(session.read_bytes()[:500])
    done = trip.call("resume")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.answer
    assert trip.is_as_planned()


def test_tampered_evidence_completes_nothing_and_keeps_nobody_from_going_back(trip: Trip) -> None:
    """The run cannot be completed on it; going back says so, and keeps it beside."""
    trip.run(sabotage="kill_runner@gate:cleanup")
    log = trip.run_folder / "evidence" / "events.jsonl"
    log.write_bytes(log.read_bytes().replace(b"AOS-B003", b"AOS-B004", 1))
    resumed = trip.call("resume")
    assert resumed.exit_code == 7
    assert "events.jsonl is damaged at record" in resumed.answer["reasons"][0]
    back = trip.call("rollback")
    assert (back.exit_code, back.answer["status"]) == (0, "rolled_back"), back.answer
    assert "it is kept as damaged-" in back.answer["reasons"][0]
    assert trip.is_as_before()
    assert sorted(residue(trip)) == []
