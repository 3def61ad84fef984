"""Driven upgrades that are killed, failed, met and edited at inconvenient moments."""

import json
from pathlib import Path

import pytest

from aos_upgrade_plugin.sample import variants
from aos_upgrade_plugin.sample.source import git
from tests.journeys.proofs import assert_over
from tests.journeys.test_driven_upgrade import Answer, complete, start, step
from tests.journeys.test_renamed_folder import NEW, OLD, RenamingTrip
from tests.journeys.trips import Trip

pytestmark = [pytest.mark.faults_full, pytest.mark.usefixtures("unmeasured")]
OF = "--session-id"


def test_killed_on_its_way_back_it_is_interrupted_and_comes_back(trip: Trip) -> None:
    """The tool does not call it at rest; ``resume`` takes it to where it was bound."""
    name = start(trip)["session_id"]
    complete(trip, name, 0)
    complete(trip, name, 1)
    killed = complete(trip, name, 2, sabotage="fail@gate:content,kill_runner@gate:rollback")
    assert killed["status"] == "error"
    assert killed["next_actions"][:2] == ["resume", "rollback"], killed
    state = step(trip, "get_state", OF, name)
    assert (state["interrupted"], state["next_actions"][0]) == (True, "resume")
    assert step(trip, "pause", OF, name)["error_type"] == "StateError"
    back = step(trip, "resume", OF, name)
    assert back["session_status"] == "rolled_back", back
    assert trip.is_as_before()
    assert_over(trip)


def test_a_backup_that_fails_is_tried_again_or_given_up(trip: Trip) -> None:
    """Both are offered, and both are taken; nothing was changed."""
    name = start(trip)["session_id"]
    complete(trip, name, 0)
    answer: Answer = {}
    for again in ("retry_phase", "rollback"):
        failed = complete(trip, name, 1, sabotage="fail@gate:backup")
        assert (failed["session_status"], failed["current_phase"]) == ("failed", 1)
        assert again in failed["next_actions"]
        assert trip.backups == []
        where = ("--phase", "1") if again == "retry_phase" else ("--to-phase", "0")
        answer = step(trip, again, OF, name, *where)
        assert answer["status"] == "success", answer
    assert answer["session_status"] == "rolled_back"
    assert trip.is_as_before()
    assert_over(trip)


def test_what_the_user_writes_between_two_phases_survives(trip: Trip) -> None:
    """Before the content it takes the upgrade back; after it, it stays or is set aside."""
    name = start(trip)["session_id"]
    complete(trip, name, 0)
    complete(trip, name, 1)
    edited = trip.install / variants.CHANGED
    edited.write_text("written between two phases")
    failed = complete(trip, name, 2)
    assert failed["session_status"] == "rolled_back", failed
    assert edited.read_text() == "written between two phases"
    again = start(trip, on_conflict="take")["session_id"]
    for phase in (0, 1, 2):
        assert complete(trip, again, phase)["checkpoint_passed"]
    steps = [each.command for each in trip.status().next_steps]
    assert steps[0] == f"aos-upgrade resume {again}", trip.status().next_steps
    edited.write_text("written after it")
    back = step(trip, "rollback", OF, again, "--to-phase", "0")
    assert back["rolled_back"], back
    assert edited.read_text() == "written between two phases"
    (aside,) = back["set_aside"]
    assert (trip.install / aside).read_text() == "written after it"


def test_of_two_that_passed_pre_flight_one_begins(trip: Trip) -> None:
    """The other is told, changes nothing, and can be planned anew once the first is back."""
    names = [start(trip)["session_id"] for _ in range(2)]
    for name in names:
        assert complete(trip, name, 0)["checkpoint_passed"]
    first, second = names
    assert complete(trip, first, 1)["checkpoint_passed"]
    refused = complete(trip, second, 1)
    assert (refused["status"], refused["session_status"]) == ("error", "failed"), refused
    assert complete(trip, first, 2)["checkpoint_passed"]
    assert step(trip, "delete_session", OF, second)["deleted"]
    done = trip.call("resume", first)
    assert done.answer["status"] == "completed", done.said
    assert step(trip, "list_sessions")["count"] == 1
    assert_over(trip)


def test_an_agent_renames_the_install_folder_and_back(tmp_path: Path) -> None:
    """Every call finds the session under the name of that moment."""
    trip = RenamingTrip(tmp_path, environment=False)
    try:
        name = start(trip, migrate=["all"], only="all")["session_id"]
        answer: Answer = {}
        for phase in range(6):
            answer = complete(trip, name, phase)
            assert answer["checkpoint_passed"], answer
            assert (trip.project / NEW).exists() is (phase >= 3)
        assert answer["session_status"] == "completed"
        back = step(trip, "rollback", OF, name, "--to-phase", "0")
        assert (back["rolled_back"], (trip.project / OLD).is_dir()) == (True, True), back
        assert trip.is_back()
    finally:
        trip.stop()


def test_many_at_once_lose_nothing(trip: Trip) -> None:
    """Two complete a phase while others pause and delete: it passes once, and goes on."""
    name = start(trip)["session_id"]
    complete(trip, name, 0)
    complete(trip, name, 1)
    does = ("workflow", "complete_phase", OF, name, "--phase", "2", "--evidence", "{}")
    pauses, deletes = (("workflow", each, OF, name) for each in ("pause", "delete_session"))
    at_once = [trip.start(*each) for each in (does, pauses, does, deletes, pauses)]
    answers = [json.loads(process.communicate()[0]) for process in at_once]
    assert not [each for each in answers if each.get("deleted")], answers
    state = step(trip, "get_state", OF, name)
    if state["session_status"] == "paused":
        step(trip, "resume", OF, name)
    state = step(trip, "get_state", OF, name)
    assert (state["session_status"], state["interrupted"]) == ("active", False), answers
    if state["current_phase"] == 2:
        assert complete(trip, name, 2)["checkpoint_passed"]
    assert complete(trip, name, 4)["checkpoint_passed"]
    assert complete(trip, name, 5)["session_status"] == "completed"
    assert trip.is_as_planned()
    assert_over(trip)


def test_what_moved_before_the_first_change_needs_another_plan(trip: Trip) -> None:
    """Phase 1 is refused, with what moved; ``retry_phase`` plans anew, and it goes on from 0."""
    name = start(trip)["session_id"]
    assert complete(trip, name, 0)["current_phase"] == 1
    variants.edit(trip.install, variants.UNTOUCHED)
    trip.before = trip.tree()
    moved = complete(trip, name, 1)
    assert (moved["session_status"], moved["current_phase"]) == ("failed", 0)
    assert variants.UNTOUCHED in moved["error"]
    assert trip.is_as_before()
    assert trip.backups == []
    step(trip, "retry_phase", "--session-id", name, "--phase", "0")
    for phase in (0, 1, 2):
        assert complete(trip, name, phase)["checkpoint_passed"]


def test_somebody_at_a_terminal_takes_over(trip: Trip) -> None:
    """What an agent began is finished by ``aos-upgrade resume``, with the answer that it gave."""
    variants.edit(trip.install, variants.CHANGED)
    (answer,) = start(trip)["answers"]
    name = start(trip, answers=[{**answer, "decision": "merge"}])["session_id"]
    for phase in (0, 1, 2):
        assert complete(trip, name, phase)["checkpoint_passed"]
    done = trip.call("resume", name)
    assert done.answer["status"] == "completed", done.said
    assert "Our team also" in (trip.install / variants.CHANGED).read_text()
    assert_over(trip)


def test_a_source_that_moved_before_the_first_change_needs_another_plan(trip: Trip) -> None:
    """What was agreed to was another version; planned anew, that one is upgraded to."""
    name = start(trip)["session_id"]
    complete(trip, name, 0)
    git(trip.source, "checkout", "--quiet", "1.2.0")
    moved = complete(trip, name, 1)
    assert (moved["session_status"], moved["current_phase"]) == ("failed", 0)
    assert "the source is at" in moved["error"]
    assert trip.is_as_before()
    step(trip, "retry_phase", OF, name, "--phase", "0")
    for phase in (0, 1, 2):
        assert complete(trip, name, phase)["checkpoint_passed"]
    assert trip.session().to_release.version == "1.2.0"  # type: ignore[union-attr]


def test_one_that_begins_while_another_passes_pre_flight_is_seen_under_the_lock(trip: Trip) -> None:
    """What pre-flight saw may be over when the lock is taken: it is looked at once more."""
    first, second = (start(trip)["session_id"] for _ in range(2))
    for name in (first, second):
        complete(trip, name, 0)
    late = ("workflow", "complete_phase", OF, second, "--phase", "1", "--evidence", "{}")
    with trip.paused("pause@gate:pre-flight", *late) as (process, _):
        assert complete(trip, first, 1)["current_phase"] == 2
        refused = trip.go_on(process).answer
    assert first in refused["error"]
    assert "has begun" in refused["error"], refused
    assert [each.session_id for each in trip.status().sessions] == [first]
