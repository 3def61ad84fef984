"""The whole upgrade: content, server code, environment and the process that runs them."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from _pytest.mark.structures import ParameterSet

from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.actions.runs import stoppable
from aos_upgrade_plugin.errors import StoppedError
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.sample import variants
from tests.journeys.trips import Done
from tests.journeys.whole_trips import NEW_TOOLS, OLD_TOOLS, WholeTrip, by_an_editor

pytestmark = pytest.mark.usefixtures("unmeasured")


def _in_the_whole_sweep(*parameters: str | tuple[str, str]) -> Iterator[ParameterSet]:
    """Leave some to ``pytest -m faults_full``: each takes its ten seconds."""
    for each in parameters:
        values = (each,) if isinstance(each, str) else each
        yield pytest.param(*values, marks=pytest.mark.faults_full)


@pytest.fixture
def trip(tmp_path: Path) -> Iterator[WholeTrip]:
    """Return a project whose installation has an environment; its server is stopped at last."""
    whole = WholeTrip(tmp_path)
    yield whole
    whole.stop()


@pytest.mark.measured
def test_a_running_server_is_upgraded_and_taken_back(trip: WholeTrip) -> None:
    """The new code answers in a new process; taken back later, the old one answers as before."""
    old = trip.serve()
    trip.add_to_source("mcp_server/more/__init__.py")
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    server = done.answer["server"]
    assert (server["old_pids"], server["new_pid"]) == ([old.pid], trip.serving)
    assert server["tools"] == len(NEW_TOOLS)
    assert trip.expected_tools(done) == trip.tools() == NEW_TOOLS
    assert trip.is_as_planned()
    report = json.loads((trip.run_folder / "validation-report.json").read_bytes())
    assert report["gate"]["opens"]
    assert report["evidence"]["tools_registered"] == len(NEW_TOOLS)
    assert report["evidence"]["rag_search_test"] == "passed"
    assert not psutil.pid_exists(old.pid)
    again = trip.run()
    assert (again.exit_code, again.answer["status"]) == (0, "nothing_to_do")
    assert trip.serving == server["new_pid"]
    blocked = _roll_back_behind_a_link(trip)
    assert (blocked.exit_code, "is a link" in blocked.answer["reasons"][0]) == (6, True)
    assert trip.serving == server["new_pid"], "nobody stops a server before the way back is free"
    (trip.install / "mcp_server/more/__pycache__").mkdir()  # as a server that imports it leaves one
    back = trip.call("rollback")
    assert (back.exit_code, back.answer["status"]) == (0, "rolled_back"), back.said
    assert trip.is_as_before()
    assert trip.serving not in {old.pid, server["new_pid"]}
    assert trip.tools() == OLD_TOOLS


def _roll_back_behind_a_link(trip: WholeTrip) -> Done:
    """Try to go back while a folder that was upgraded is a link; then it is a folder again."""
    changed, elsewhere = (trip.install / variants.CHANGED).parent, trip.folder / "elsewhere"
    changed.rename(elsewhere)
    changed.symlink_to(elsewhere)
    done = trip.call("rollback")
    changed.unlink()
    elsewhere.rename(changed)
    return done


@pytest.mark.parametrize(
    ("version", "why"),
    [
        *_in_the_whole_sweep(  # the demo does both, too
            ("bad-start", "No module named 'mcp_server.metrics'"), ("silent-search", "AOS-V006")
        )
    ],
)
def test_a_bad_version_goes_back_by_itself(trip: WholeTrip, version: str, why: str) -> None:
    """One that does not start, and one that starts, answers and searches nothing."""
    old = trip.serve()
    trip.offer(version)
    done = trip.run("--restart-timeout", "5")
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back"), done.said
    assert why in " ".join(done.answer["reasons"])
    assert done.answer["rollback"]["verified"]
    assert trip.is_as_before()
    assert trip.serving not in {None, old.pid}
    assert trip.tools() == OLD_TOOLS


@pytest.mark.parametrize(
    "sabotage",
    [
        "kill_server@action:4",
        *_in_the_whole_sweep("fail@action:3", "fail@gate:server", "kill_server@action:3"),
        *_in_the_whole_sweep("die@gate:validation"),
        *_in_the_whole_sweep("fail@action:4", "fail@gate:validation"),
    ],
)
def test_a_failure_after_the_restart_goes_back(trip: WholeTrip, sabotage: str) -> None:
    """Whatever fails or is killed in phases 3 and 4, the old server answers again."""
    trip.serve()
    done = trip.run(sabotage=sabotage)
    assert (done.exit_code, done.answer["status"]) == (5, "rolled_back"), done.said
    assert trip.is_as_before()
    assert trip.tools() == OLD_TOOLS


@pytest.mark.parametrize(
    ("place", "then"),
    [
        ("action:3", "resume"),
        *_in_the_whole_sweep(("gate:validation", "rollback")),
        *_in_the_whole_sweep(("action:3", "rollback"), ("gate:validation", "resume")),
        *_in_the_whole_sweep(("gate:server", "resume"), ("gate:server", "rollback")),
    ],
)
def test_a_killed_run_goes_on_or_back_with_the_right_server(
    trip: WholeTrip, place: str, then: str
) -> None:
    """Killed after the restart, a new process finishes or takes back, and the server fits."""
    trip.serve()
    with trip.paused(f"hang@{place}") as (process, _):
        process.kill()
        process.wait()
    done = trip.call(then)
    status = {"resume": "completed", "rollback": "rolled_back"}[then]
    assert (done.exit_code, done.answer["status"]) == (0, status), done.said
    assert trip.is_as_before() is (then == "rollback")
    assert trip.tools() == (OLD_TOOLS if then == "rollback" else NEW_TOOLS)


@pytest.mark.faults_full
def test_ctrl_c_in_the_restart_is_taken_up_again(trip: WholeTrip) -> None:
    """130, and the way on is said; resumed, the upgrade completes."""
    trip.serve()
    done = trip.stop_at("hang@action:3", with_signal=signal.SIGINT)
    assert done.exit_code == 130
    assert "aos-upgrade" in json.dumps(done.answer)
    assert trip.call("resume").answer["status"] == "completed"
    assert trip.tools() == NEW_TOOLS


def test_the_restart_can_be_left_to_the_user(trip: WholeTrip) -> None:
    """With auto_restart off the run waits until somebody did it, says how, and then goes on."""
    old = trip.serve()
    done = trip.run("--no-auto-restart")
    assert (done.exit_code, done.answer["status"]) == (3, "paused"), done.said
    assert trip.serving == old.pid
    assert f"stop process {old.pid}" in done.answer["reasons"][0]
    assert "-m mcp_server --transport http" in done.answer["reasons"][0]
    assert trip.call("resume").exit_code == 3
    trip.stop()
    assert trip.call("resume").exit_code == 3
    down = "nothing half done; the server was stopped and does not run now; to start it: cd "
    with (
        pytest.raises(StoppedError, match=f"{down}.*-m mcp_server --transport http"),
        stoppable(runs.find(find(trip.project), None), "resume"),
    ):
        raise KeyboardInterrupt
    by_hand = trip.serve()
    done = trip.call("resume")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert trip.serving == by_hand.pid
    assert trip.tools() == NEW_TOOLS


def test_a_patch_of_server_code_is_a_conflict_and_kept_on_request(trip: WholeTrip) -> None:
    """Undecided it stops the run before it begins; kept, the patched code serves the new tools."""
    variants.patch_server(trip.install)
    patched = (trip.install / variants.SERVER_CODE).read_bytes()
    trip.serve()
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (3, "needs_decision")
    assert variants.SERVER_CODE in done.answer["reasons"][0]
    done = trip.run("--on-conflict", "keep")
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert (trip.install / variants.SERVER_CODE).read_bytes() == patched
    assert trip.tools() == NEW_TOOLS


def test_what_an_editor_started_is_named_and_left_alone(trip: WholeTrip) -> None:
    """Its server goes on; the new code is asked over pipes of our own, which nobody keeps."""
    with by_an_editor(trip) as editor:
        while not any(each.pid == editor.pid for each in psutil.Process().children()):
            time.sleep(0.01)
        done = trip.run()
        assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
        assert editor.poll() is None
        assert done.answer["server"]["clients"]
        assert "-m mcp_server --transport stdio" in done.answer["server"]["asked"]
    assert trip.serving is None


@pytest.mark.faults_full
def test_two_installations_side_by_side_never_meet(tmp_path: Path) -> None:
    """Upgrading one restarts its own server and leaves the other's process and answers alone."""
    ours, theirs = (WholeTrip(tmp_path / name, saboteur=False) for name in ("ours", "theirs"))
    try:
        ours.serve()
        other = theirs.serve()
        assert ours.run().exit_code == 0
        assert theirs.serving == other.pid
        assert theirs.is_as_before()
        assert (ours.tools(), theirs.tools()) == (NEW_TOOLS, OLD_TOOLS)
    finally:
        ours.stop()
        theirs.stop()


def test_without_an_environment_the_code_alone_is_upgraded(tmp_path: Path) -> None:
    """Nothing can be started, so nothing is asked; what was laid down is proven all the same."""
    trip = WholeTrip(tmp_path, environment=False)
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
    assert trip.is_as_planned()
    assert trip.call("rollback").exit_code == 0
    assert trip.is_as_before()


@pytest.mark.faults_full
def test_the_product_inside_its_own_source_goes_there_and_back(tmp_path: Path) -> None:
    """Source and project are one checkout; still the installed code answers, not the source's."""
    trip = WholeTrip(tmp_path, saboteur=False, own_source=True)
    try:
        trip.serve()
        assert trip.tools() == OLD_TOOLS
        done = trip.run()
        assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.said
        assert trip.tools() == NEW_TOOLS
        assert trip.run().answer["status"] == "nothing_to_do"
        assert trip.call("rollback").exit_code == 0
        assert trip.is_as_before()
        assert trip.tools() == OLD_TOOLS
    finally:
        trip.stop()
