"""Whatever fails in a run: its reaction follows, the user is told, and nothing of his is lost."""

import pytest
from _pytest.mark.structures import ParameterSet

from aos_upgrade_plugin.models.gate import Gate, Outcome
from aos_upgrade_plugin.models.report import PhaseReport
from aos_upgrade_plugin.sample import variants
from tests.journeys.proofs import assert_over, gates_opened
from tests.journeys.trips import Done, Trip

pytestmark = pytest.mark.usefixtures("unmeasured")


def _sampled(sample: str, *others: str) -> list[ParameterSet]:
    """Leave all but one to ``pytest -m faults_full``."""
    whole = (pytest.param(each, marks=pytest.mark.faults_full) for each in others)
    return [pytest.param(sample), *whole]


BACKUP_FAILS = _sampled("fail@gate:backup", "fail@action:1")
ACTIONS_FAIL = _sampled("fail@action:2", "fail@action:4")
GATES_FAIL = _sampled("fail@gate:validation", "fail@gate:content")
CLEANUP_FAILS = _sampled("fail@gate:cleanup", "fail@action:5")


def test_a_shut_pre_flight_changes_not_a_byte(trip: Trip) -> None:
    """Exit 1, no session, no lock, no folder: the target is not even touched."""
    done = trip.run(sabotage="fail@gate:pre-flight")
    assert (done.exit_code, done.answer["status"]) == (1, "blocked")
    assert done.answer["reasons"] == ["TST-S000 failed: sabotage in gate:pre-flight"]
    assert done.answer["cure"] == "stop the saboteur"
    assert trip.is_as_before()
    made = {path.name for path in trip.install.iterdir()} - set(trip.before)
    assert made <= {".cache"}


@pytest.mark.parametrize("sabotage", BACKUP_FAILS)
def test_without_a_backup_the_run_gives_up(trip: Trip, sabotage: str) -> None:
    """Phase 1 fails: exit 1, the backup removed, the lock free, the installation as it was."""
    done = trip.run(sabotage=sabotage)
    assert (done.exit_code, done.answer["status"]) == (1, "blocked"), done.said
    assert "sabotage" in done.answer["reasons"][0]
    assert (trip.backups, done.answer["backup"]) == ([], None)
    assert trip.is_as_before()
    assert_over(trip)
    assert trip.session().session_status == "failed"
    step, _ = trip.status().next_steps
    assert step.command == f"aos-upgrade run --source {trip.source} --only content"
    assert trip.call(*str(step.command).split()[1:]).answer["status"] == "completed"


@pytest.mark.parametrize("sabotage", [*ACTIONS_FAIL, *GATES_FAIL])
def test_a_failure_after_the_change_goes_back_and_proves_it(trip: Trip, sabotage: str) -> None:
    """Phase 2 or 4 fails: exit 5, every byte as before, proven by the gate of the rollback."""
    done = trip.run(sabotage=sabotage)
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back"), done.said
    assert "sabotage" in done.answer["reasons"][0]
    assert done.answer["cure"]
    assert done.answer["rollback"]["verified"]
    assert _phases(done)[-1].gate is Gate.ROLLBACK
    assert trip.is_as_before()
    assert_over(trip)
    session = trip.session()
    assert session.session_status == "rolled_back"
    assert session.errors[0].phase == int(_phase_of(sabotage))
    assert {each.status for each in session.phase_history} == {"rolled_back"}


@pytest.mark.parametrize("sabotage", CLEANUP_FAILS)
def test_a_good_upgrade_is_not_undone_by_its_cleanup(trip: Trip, sabotage: str) -> None:
    """Phase 5 fails: exit 7, the upgrade stays, and ``resume`` finishes it with exit 0."""
    done = trip.run(sabotage=sabotage)
    assert (done.exit_code, done.answer["status"]) == (7, "cleanup_incomplete"), done.said
    assert done.answer["cure"].endswith(f"aos-upgrade resume {done.answer['session_id']}")
    assert trip.is_as_planned()
    resumed = trip.call("resume")
    assert (resumed.exit_code, resumed.answer["status"]) == (0, "completed"), resumed.said
    assert trip.is_as_planned()
    assert_over(trip)


def test_a_rollback_that_is_not_proven_asks_for_a_person(trip: Trip) -> None:
    """Its gate stays shut: exit 6, inconsistent, and the named command succeeds later."""
    done = trip.run(sabotage="fail@gate:validation,fail@gate:rollback")
    assert (done.exit_code, done.answer["status"]) == (6, "inconsistent"), done.said
    assert "sabotage in gate:validation" in done.answer["reasons"][0]
    assert "sabotage in gate:rollback" in done.answer["reasons"][1]
    assert (done.answer["rollback"]["performed"], done.answer["rollback"]["verified"]) == (
        True,
        False,
    )
    again = f"aos-upgrade rollback {done.answer['session_id']}"
    assert done.answer["cure"] == f"stop the saboteur; then: {again}"
    assert trip.session().session_status == "inconsistent"
    assert [step.command for step in trip.status().next_steps] == [again]
    refused = trip.run()
    assert refused.exit_code == 1
    assert "AOS-P010" in refused.answer["reasons"][0]
    done = trip.call(*again.split()[1:])
    assert (done.exit_code, done.answer["rollback"]["set_aside"]) == (0, [])
    assert trip.is_as_before()
    assert_over(trip)


# ---- somebody works on the installation meanwhile ------------------------------------------------


@pytest.mark.parametrize(
    ("place", "exit_code"), [("action:1", 1), ("gate:backup", 5)], ids=["in-phase-1", "after-it"]
)
def test_a_save_between_plan_and_change_stops_the_run(
    trip: Trip, place: str, exit_code: int
) -> None:
    """A planned file that the user saves meanwhile is named, and left as he saved it."""
    done = trip.run(sabotage=f"save@{place}", SABOTAGE_SAVES=variants.CHANGED)
    assert done.exit_code == exit_code, done.said
    assert variants.CHANGED in done.answer["reasons"][0]
    saved = trip.install / variants.CHANGED
    assert saved.read_text().endswith("saved by the user meanwhile")
    assert {**trip.tree(), variants.CHANGED: None} == {**trip.before, variants.CHANGED: None}
    assert_over(trip)


def test_what_the_user_makes_in_a_new_folder_survives_going_back(trip: Trip) -> None:
    """A folder that the upgrade brought stays where the user put something into it."""
    own = "standards/universal/security/own.md"
    done = trip.run(sabotage="save@gate:content,fail@gate:validation", SABOTAGE_SAVES=own)
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back"), done.said
    assert (trip.install / own).read_text() == "saved by the user meanwhile"
    after = dict(trip.tree())
    del after[own], after["standards/universal/security"]
    assert after == trip.before
    assert_over(trip)


def test_an_edit_of_what_was_upgraded_is_set_aside_and_listed(trip: Trip) -> None:
    """Going back over a file that the user edited meanwhile keeps his version beside."""
    done = trip.run(
        sabotage="save@gate:content,fail@gate:validation", SABOTAGE_SAVES=variants.CHANGED
    )
    assert done.exit_code == 5, done.said
    (kept,) = done.answer["rollback"]["set_aside"]
    assert (trip.install / kept).read_text().endswith("saved by the user meanwhile")
    assert trip.is_as_before()
    assert_over(trip)


# ---- gates that are killed, or talk too much -----------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "exit_code"),
    [
        ("pre-flight", 1),
        pytest.param("backup", 1, marks=pytest.mark.faults_full),
        ("content", 5),
        pytest.param("validation", 5, marks=pytest.mark.faults_full),
        ("cleanup", 7),
    ],
)
def test_a_killed_gate_is_shut(trip: Trip, gate: str, exit_code: int) -> None:
    """The check in which it died is named, and the reaction is that of a failing check."""
    done = trip.run(sabotage=f"die@gate:{gate}")
    assert done.exit_code == exit_code, done.said
    reason = done.answer["reasons"][-1]
    assert "aborted: the gate's process was killed by SIGKILL while it ran" in reason
    report = next(phase for phase in _phases(done) if phase.gate == gate)
    assert (report.verdict, report.counts[Outcome.ABORTED]) == ("shut", 1)
    assert exit_code == 7 or trip.is_as_before()
    if gate != "pre-flight":
        assert Gate(gate) in gates_opened(trip.run_folder / "evidence")


def test_a_check_may_say_whatever_it_likes(trip: Trip) -> None:
    """Megabytes of output, not even text, neither shut a gate nor spoil the evidence."""
    done = trip.run(sabotage="shout@gate:content")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert sum(path.stat().st_size for path in trip.run_folder.rglob("*.*")) < 10 << 20
    assert_over(trip)


def _phases(done: Done) -> list[PhaseReport]:
    return [PhaseReport.model_validate(phase) for phase in done.answer["phases"]]


def _phase_of(sabotage: str) -> int:
    name = sabotage.rpartition(":")[2]
    return Gate.named(name).phase or 0
