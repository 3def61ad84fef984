"""The gate of phase 5: right on what an upgrade left, wrong on everything that is left over."""

import json
from datetime import UTC, datetime, timedelta

from aos_upgrade_plugin.effects.backup.backups import remove
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.run import EVENTS, REPORT, SUMMARY
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import find
from tests.checks.upgrades import Upgraded

ALL = {f"AOS-L{number:03}" for number in range(1, 6)}


def test_what_an_upgrade_left(upgraded: Upgraded) -> None:
    """Everything is proven, and the evidence of the phase can be filled from it."""
    done = upgraded.judged(Gate.CLEANUP)
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(ALL, "passed")
    run = upgraded.run
    proven = {
        "lock_released": True,
        "backups_kept": [run.session.backup],
        "old_backups_archived": 0,
        "git_changes_committed": False,
        "upgrade_summary": str(run.folder / SUMMARY),
        "installation_summary_updated": True,
        "update_log_appended": True,
    }
    assert proven.items() <= done.facts.items()


def test_everything_wrong(upgraded: Upgraded) -> None:
    """The lock is held, a backup too many, a report without evidence, stages, no history."""
    run, install = upgraded.run, upgraded.install
    earlier = back_up(find(install), now=datetime.now(UTC) - timedelta(days=1))
    report = json.loads((run.folder / REPORT).read_text())
    report["phases"].append({"gate": "server"})
    (run.folder / REPORT).write_text(json.dumps(report))
    (install / ".backups/.partial-2025-11-20-000000").mkdir()
    (install / ".venv-stage").mkdir()
    (run.folder / "reserve").write_text("")
    (install / "UPDATE_LOG.txt").unlink()
    with upgraded.locked():
        done = upgraded.judged(Gate.CLEANUP, keep_backups=1)
    assert not done.opens
    assert done.ended == dict.fromkeys(ALL, "failed")
    assert done.said["AOS-L001"].startswith("the lock is still held by process ")
    assert done.facts["lock_released"] is False
    assert done.said["AOS-L002"] == f"more than 1 backups are kept: {earlier.name}"
    assert done.said["AOS-L003"] == "reported without evidence: server"
    for name in (".partial-2025-11-20-000000", ".venv-stage", "reserve"):
        assert name in done.said["AOS-L004"]
    assert done.said["AOS-L005"].startswith("UPDATE_LOG.txt does not tell of ")


def test_other_wrongs(upgraded: Upgraded) -> None:
    """This run's backup is gone, its events were changed, the installation's summary is."""
    run = upgraded.run
    assert run.backup is not None
    remove(run.backup)
    log = run.evidence / EVENTS
    log.write_bytes(log.read_bytes().replace(b'"failed"', b'"passed"').replace(b"P001", b"P002", 1))
    (upgraded.install / "INSTALLATION_SUMMARY.md").unlink()
    done = upgraded.judged(Gate.CLEANUP)
    assert not done.opens
    assert done.said["AOS-L002"] == f"the backup of this run, {run.backup.name}, is gone"
    assert "is damaged at record " in done.said["AOS-L003"]
    assert done.ended["AOS-L003"] == "failed"
    assert done.said["AOS-L005"].startswith("INSTALLATION_SUMMARY.md does not tell of ")


def test_another_runs_lock_and_backups_are_not_blamed(upgraded: Upgraded) -> None:
    """Somebody else may begin at once; a damaged backup counts for none; a summary must be ours."""
    run, install = upgraded.run, upgraded.install
    damaged = back_up(find(install), now=datetime.now(UTC) - timedelta(days=1))
    (damaged.path / "MANIFEST.json").unlink()
    (run.folder / SUMMARY).write_text("# Another run\n")
    with hold(install, session="another", command="run"):
        done = upgraded.judged(Gate.CLEANUP, keep_backups=1)
    assert done.ended["AOS-L001"] == done.ended["AOS-L002"] == "passed"
    assert done.said["AOS-L003"] == "there is no summary of this run"
