"""The content upgrade as a user runs it: there, nothing to do, and back."""

import json
import subprocess
from typing import Any

import junitparser
import pytest

from aos_upgrade_plugin.models.plan import RECORD
from aos_upgrade_plugin.sample import variants
from aos_upgrade_plugin.sample.source import git
from tests.journeys.trips import Trip

pytestmark = pytest.mark.usefixtures("unmeasured")


@pytest.mark.measured
def test_what_is_new_arrives_and_what_is_the_users_survives(trip: Trip) -> None:
    """Every upstream change arrives; the user's files, edits and configuration stay."""
    done = trip.run()
    assert done.exit_code == 0, done.said
    assert done.answer["status"] == "completed"
    after = trip.tree()
    brought = {path for paths in done.answer["changes"]["paths"].values() for path in paths}
    for path, entry in trip.before.items():
        if path not in brought:
            assert after[path] == entry, path
    assert (trip.install / "standards/universal/security/secrets.md").is_file()
    assert not (trip.install / variants.REMOVED).exists()
    assert "Our team also" in (trip.install / variants.UNTOUCHED).read_text()
    assert [phase["verdict"] for phase in done.answer["phases"]] == ["open"] * 5


def test_the_same_version_again_changes_not_a_byte(trip: Trip) -> None:
    """An installation that has everything is left alone: nothing to do, exit 0."""
    trip.run()
    before = trip.tree()
    again = trip.run()
    assert (again.exit_code, again.answer["status"]) == (0, "nothing_to_do")
    assert trip.tree() == before


def test_a_fresh_install_of_the_same_commit_has_nothing_to_do(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """A fresh install, without version or manifest, upgraded to its own commit, stays as it is."""
    trip = Trip(tmp_path_factory.mktemp("fresh"), version="1.1.0", saboteur=False)
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (0, "nothing_to_do"), done.said
    assert trip.is_as_before()
    assert not (trip.install / ".upgrades").exists()


@pytest.mark.measured
def test_a_completed_run_can_be_taken_back(trip: Trip) -> None:
    """After completion rollback brings every byte back, and keeps what was made since."""
    trip.run()
    (trip.install / "specs/later.md").write_text("made after the upgrade\n")
    edited = trip.install / variants.CHANGED
    edited.write_text("edited after the upgrade\n")
    done = trip.call("rollback")
    assert (done.exit_code, done.answer["status"]) == (0, "rolled_back"), done.said
    assert done.answer["rollback"]["verified"]
    after = dict(trip.tree())
    assert (trip.install / "specs/later.md").read_text() == "made after the upgrade\n"
    del after["specs/later.md"]
    assert after == trip.before
    (kept,) = done.answer["rollback"]["set_aside"]
    assert (trip.install / kept).read_text() == "edited after the upgrade\n"
    assert not (trip.install / RECORD).exists()


@pytest.mark.faults_full
def test_a_rolled_back_upgrade_can_be_run_again(trip: Trip) -> None:
    """Going back leaves nothing that a second run would stumble over; here by the workflow tool."""
    name = trip.run().answer["session_id"]
    back = trip.call("workflow", "rollback", "--session-id", name, "--to-phase", "0")
    assert back.answer["status"] == "success"
    assert back.answer["session_status"] == "rolled_back"
    assert trip.is_as_before()
    assert trip.run().answer["status"] == "completed"


@pytest.mark.measured
def test_an_undecided_conflict_stops_before_anything_changes(trip: Trip) -> None:
    """A file that both sides changed: exit 3, named with the flags that decide it."""
    variants.edit(trip.install, variants.CHANGED)
    trip.before = trip.tree()
    done = trip.run()
    assert (done.exit_code, done.answer["status"]) == (3, "needs_decision")
    (reason,) = done.answer["reasons"]
    assert variants.CHANGED in reason
    assert "--on-conflict keep" in reason
    assert trip.is_as_before()


@pytest.mark.parametrize(("policy", "survives"), [("keep", True), ("take", False)])
def test_a_policy_decides_conflicts(trip: Trip, policy: str, survives: bool) -> None:
    """``keep`` leaves the user's version, ``take`` brings the new one; the backup has the other."""
    variants.edit(trip.install, variants.CHANGED)
    done = trip.run("--on-conflict", policy)
    assert done.answer["status"] == "completed", done.said
    stands = (trip.install / variants.CHANGED).read_text()
    assert ("Our team also" in stands) is survives
    backup = trip.install / ".backups" / done.answer["backup"].rpartition("/")[2]
    assert "Our team also" in (backup / variants.CHANGED).read_text()


def test_each_conflict_is_decided_by_its_answer_and_both_sides_stay(trip: Trip) -> None:
    """One merged, one kept: the report names both sides of each, and a command for either."""
    variants.edit(trip.install, variants.CHANGED)
    variants.edit(trip.install, variants.REMOVED)
    mine = {
        path: (trip.install / path).read_bytes() for path in (variants.CHANGED, variants.REMOVED)
    }
    answers = trip.folder / "answers.json"
    assert trip.call("plan", *trip.what, "--write-answers", str(answers)).exit_code == 3
    wanted = {variants.CHANGED: "merge", variants.REMOVED: "take"}
    fields = json.loads(answers.read_text())
    for answer in fields["answers"]:
        answer["decision"] = wanted[answer["path"]]
    answers.write_text(json.dumps(fields))
    done = trip.run("--answers", str(answers))
    assert done.answer["status"] == "completed", done.said
    merged = (trip.install / variants.CHANGED).read_bytes()
    theirs = subprocess.run(
        [
            "git",
            "show",
            f"1.1.0:{variants.CHANGED.replace('standards/universal', 'universal/standards')}",
        ],
        cwd=trip.source,
        check=True,
        capture_output=True,
    ).stdout
    assert b"Our team also" in merged
    assert set(theirs.splitlines()) <= set(merged.splitlines())
    decisions = {one["path"]: one for one in done.answer["decisions"]}
    assert {path: one["choice"] for path, one in decisions.items()} == wanted
    sides = {"yours": mine[variants.CHANGED], "incoming": theirs}
    for name, content in sides.items():
        _in_shell(decisions[variants.CHANGED]["commands"][name])
        assert (trip.install / variants.CHANGED).read_bytes() == content
    _in_shell(decisions[variants.REMOVED]["commands"]["yours"])
    assert (trip.install / variants.REMOVED).read_bytes() == mine[variants.REMOVED]


def _in_shell(command: str) -> None:
    subprocess.run(["bash", "-c", command], check=True)


def test_a_dry_run_and_a_plan_write_nothing(trip: Trip) -> None:
    """Plan and dry run say what would be done, and the installation stays as it is."""
    page = trip.folder / "plan.html"
    planned = trip.call("plan", *trip.what, "--html", str(page))
    assert page.read_text(encoding="utf-8").endswith("</details>\n</body></html>\n")
    dry = trip.run("--dry-run")
    assert (planned.exit_code, dry.exit_code) == (0, 0)
    assert dry.answer["status"] == "planned"
    assert trip.is_as_before()
    assert not (trip.install / ".upgrades").exists()
    assert not (trip.install / ".upgrade-lock").exists()


@pytest.mark.measured
def test_a_saved_plan_is_applied_exactly_or_refused(trip: Trip) -> None:
    """What moved since the plan was made is named, and nothing is changed."""
    saved = str(trip.folder / "plan.json")
    assert trip.call("plan", *trip.what, "--out", saved).exit_code == 0
    intruder = trip.install / "standards/universal/intruder.md"
    intruder.write_text("came later\n")
    refused = trip.call("run", "--plan", saved)
    assert refused.exit_code != 0
    assert "intruder.md" in str(refused.answer)
    intruder.unlink()
    assert trip.is_as_before()
    contradicted = trip.call("run", "--plan", saved, "--on-conflict", "take")
    assert contradicted.exit_code == 2
    assert "made with --on-conflict fail" in contradicted.answer["error"]["message"]
    meanwhile = trip.call(
        "run", "--plan", saved, sabotage="save@gate:pre-flight", SABOTAGE_SAVES="mine.md"
    )
    assert meanwhile.exit_code == 1
    assert "this moved: added: mine.md" in meanwhile.answer["error"]["message"]
    assert trip.backups == []
    (trip.install / "mine.md").unlink()
    assert trip.call("run", "--plan", saved, *trip.what).answer["status"] == "completed"


def test_a_plan_for_another_commit_is_refused(trip: Trip) -> None:
    """A source that was checked out at another version since is noticed."""
    saved = str(trip.folder / "plan.json")
    trip.call("plan", *trip.what, "--out", saved)
    git(trip.source, "checkout", "--quiet", "1.2.0")
    refused = trip.call("run", "--plan", saved)
    assert refused.exit_code == 1
    assert trip.is_as_before()


def test_old_backups_go_and_the_runs_own_stays(trip: Trip) -> None:
    """``--keep-backups`` keeps so many of the newest."""
    for _ in range(3):
        trip.call("backups", "create")
    done = trip.run("--keep-backups", "2")
    assert done.answer["status"] == "completed", done.said
    names = sorted(path.name for path in (trip.install / ".backups").iterdir())
    assert len(names) == 2
    assert done.answer["backup"].endswith(names[-1])


@pytest.mark.measured
def test_git_commit_commits_the_upgrade_and_nothing_else(trip: Trip) -> None:
    """With ``--git-commit`` the project's repository gets one commit of what changed."""
    git(trip.project, "init", "--quiet")
    git(trip.project, "add", "--all")
    for key, value in (("user.name", "A User"), ("user.email", "user@example.org")):
        git(trip.project, "config", key, value)
    git(trip.project, "commit", "--quiet", "-m", "before")
    (trip.project / "mine.txt").write_text("staged by the user\n")
    git(trip.project, "add", "mine.txt")
    done = trip.run("--git-commit")
    assert done.answer["status"] == "completed", done.said
    committed = git(trip.project, "show", "--name-only", "--format=%s", "HEAD").decode()
    assert ".praxis-os/standards/universal/security/secrets.md" in committed
    assert "mine.txt" not in committed
    assert b"A  mine.txt" in git(trip.project, "status", "--porcelain")


def test_a_completed_run_is_not_taken_back_from_a_damaged_backup(trip: Trip) -> None:
    """A backup that is not what was written is named file by file, and nothing is changed."""
    done = trip.run()
    upgraded = trip.tree()
    damaged = trip.install / ".backups" / done.answer["backup"].rpartition("/")[2]
    (damaged / variants.CHANGED).write_text("not what was written\n")
    refused = trip.call("rollback")
    assert refused.exit_code == 1
    assert variants.CHANGED in str(refused.answer)
    assert trip.tree() == upgraded
    assert trip.call("report").answer["status"] == "completed"


def test_an_older_run_is_not_taken_back_under_a_newer_one(trip: Trip) -> None:
    """Versions are never mixed: the newer run that stands on it is named, and goes first."""
    older = trip.run().answer["session_id"]
    git(trip.source, "checkout", "--quiet", "1.2.0")
    newer = trip.run().answer["session_id"]
    standing = trip.tree()
    refused = trip.call("rollback", older)
    assert refused.exit_code == 1
    assert newer in refused.answer["error"]["cure"]
    assert trip.tree() == standing
    assert trip.call("rollback", newer).answer["status"] == "rolled_back"
    assert trip.call("rollback", older).answer["status"] == "rolled_back"
    assert trip.is_as_before()


def test_every_phase_leaves_the_evidence_of_the_design_document(trip: Trip) -> None:
    """Each phase's evidence is complete, and one JUnit file tells of all gates of the run."""
    done = trip.run()
    session = done.answer["session_id"]
    kept = trip.call("sessions", "show", session).answer["session"]["phase_artifacts"]
    for phase in ("0", "1", "2", "4", "5"):
        assert kept[phase]["evidence"], phase
        assert "incomplete" not in kept[phase]["evidence"], kept[phase]["evidence"]
    assert kept["1"]["evidence"]["files_backed_up"] > 0
    assert kept["2"]["evidence"]["dry_run_preview"]["new_files"] == 5
    suites = junitparser.JUnitXml.fromfile(f"{done.answer['evidence_dir']}/junit.xml")
    assert [suite.name for suite in suites] == [
        f"aos-upgrade {gate}"
        for gate in ("pre-flight", "backup", "content", "validation", "cleanup")
    ]
    assert (suites.failures, suites.errors) == (0, 0)


@pytest.mark.measured
def test_evidence_is_copied_to_where_it_is_wanted(trip: Trip) -> None:
    """``--evidence-dir`` gets the evidence of the run, also of one that never began."""
    (trip.source / "dirt.txt").write_text("uncommitted\n")
    wanted = trip.folder / "evidence-of-ci"
    done = trip.run("--evidence-dir", str(wanted))
    assert (done.exit_code, done.answer["status"]) == (1, "blocked")
    assert (wanted / done.answer["session_id"] / "evidence/junit/pre-flight.xml").is_file()
    assert trip.is_as_before()


def test_evidence_that_cannot_be_copied_does_not_spoil_the_upgrade(trip: Trip) -> None:
    """Seen beforehand it is a wrong argument; later it is a warning, and the run is done."""
    wanted = trip.folder / "wanted"
    command = ("run", *trip.what, "--evidence-dir", str(wanted))
    with trip.paused("pause@gate:validation", *command) as (process, _):
        wanted.write_text("a file now\n")
        done = trip.go_on(process)
    assert (done.exit_code, done.answer["status"]) == (0, "completed"), done.answer
    assert "copying the evidence" in done.answer["warnings"][0]
    for unfit in (wanted, trip.install / "evidence"):
        refused = trip.call("rollback", "--evidence-dir", str(unfit))
        assert (refused.exit_code, refused.answer["error"]["code"]) == (2, "AOS-E001")
    assert trip.session().session_status == "completed"


def test_a_report_is_what_was_reported(trip: Trip) -> None:
    """``report`` says again what the run said, also how it went back."""
    for command in (("run", *trip.what), ("rollback",)):
        said = trip.call(*command).answer
        assert trip.call("report").answer == said


def test_what_was_interrupted_is_told_by_the_next_command(trip: Trip) -> None:
    """In the answer, and at once to whoever looks on; what was kept of the user's as well."""
    trip.run(sabotage="kill_runner@gate:content")
    name = trip.session().session_id
    assert trip.call("report").answer["status"] == "interrupted"
    with (trip.install / variants.CHANGED).open("a") as file:
        file.write("saved after the kill\n")
    done = trip.call("rollback")
    (recovered,) = done.answer["recovered"]
    told = {"owner": name, "purpose": "content", "move": "leave"}
    assert told.items() <= recovered.items()
    (kept,) = done.answer["rollback"]["set_aside"]
    assert (trip.install / kept).read_text().endswith("saved after the kill\n")


@pytest.mark.parametrize(
    ("then", "status"),
    [
        ("resume", "completed"),
        pytest.param("rollback", "rolled_back", marks=pytest.mark.faults_full),
    ],
)
def test_a_killed_run_is_finished_or_taken_back_by_a_new_process(
    trip: Trip, then: str, status: str
) -> None:
    """Killed while the gate of its content measures, a run goes on or back, as one wants.

    It goes on by the workflow tool: an agent does so, too.
    """
    with trip.paused("hang@gate:content") as (process, _):
        process.kill()
        process.wait()
    by_tool = ("workflow", "resume", "--session-id", trip.session().session_id)
    done = trip.call(*(by_tool if then == "resume" else ("rollback",)))
    report = done.answer["report"] if then == "resume" else done.answer
    assert (done.exit_code, report["status"]) == (0, status), done.said
    assert trip.is_as_before() is (then == "rollback")
    assert [*(trip.install / ".upgrades").glob("*/transactions/*")] == []


def test_a_session_goes_on_when_upstream_renames_its_workflow(trip: Trip) -> None:
    """Asked for, it follows twice, whatever has its old name then; and back when taken back."""
    begun = _begun(trip)
    session = ("--session-id", begun["session_id"])

    _rename(trip, "release_notes_v1", "notes_v2")
    refused = trip.run()
    assert refused.exit_code == 1
    assert "which this upgrade renames to notes_v2" in str(refused.answer["phases"])
    (offered,) = refused.answer["migrations"]
    assert offered.startswith("offered: ")
    assert "--migrate workflow-sessions" in offered
    check = ("check", "pre-flight", *trip.what)
    assert trip.call(*check).exit_code == 1
    assert trip.call(*check, "--migrate", "workflow-sessions").exit_code == 0
    _rename(trip, "change_review_v1", "release_notes_v1")
    first = trip.run("--migrate", "workflow-sessions")
    assert first.exit_code == 0, first.said

    _rename(trip, "notes_v2", "notes_v3")
    second = trip.run("--migrate", "workflow-sessions")
    assert second.exit_code == 0, second.said
    for done in (second, first):
        phase = trip.call("workflow", "get_phase", *session)
        assert phase.answer["phase_content"] == begun["phase_content"]
        assert trip.call("rollback", done.answer["session_id"]).exit_code == 0
    assert not (trip.install / "workflows/notes_v2").exists()
    phase = trip.call("workflow", "get_phase", *session)
    assert phase.answer["phase_content"] == begun["phase_content"]


def test_a_session_that_nobody_let_follow_says_so(trip: Trip) -> None:
    """Its workflow is gone under that name: one line with what to do."""
    begun = _begun(trip)
    _rename(trip, "release_notes_v1", "notes_v2")
    waivers = trip.folder / "waivers.toml"
    waivers.write_text(
        '[[waiver]]\ncheck = "AOS-P009"\napprover = "Ann"\nreason = "nobody walks it"\n'
        "expires = 2999-01-01\n"
    )
    assert trip.run("--waivers", str(waivers)).exit_code == 0
    answer = trip.call("workflow", "get_phase", "--session-id", begun["session_id"]).answer
    assert "'release_notes_v1' of this session is not there any more" in answer["error"]
    assert "list_workflows" in answer["remediation"]
    (trip.install / RECORD).write_text("{")
    answer = trip.call("workflow", "get_phase", "--session-id", begun["session_id"]).answer
    assert f"{RECORD} cannot be read" in answer["error"]


def _begun(trip: Trip) -> dict[str, Any]:
    what = ("--workflow-type", "release_notes_v1", "--target-file", "NOTES.md")
    return trip.call("workflow", "start", *what).answer


def _rename(trip: Trip, old: str, new: str) -> None:
    """Let upstream give a workflow another name, everywhere."""
    workflows = trip.source / "universal/workflows"
    git(trip.source, "mv", f"universal/workflows/{old}", f"universal/workflows/{new}")
    metadata = workflows / new / "metadata.json"
    metadata.write_text(metadata.read_text().replace(old, new))
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    git(trip.source, *who, "commit", "--quiet", "-am", f"Call {old} {new}")
