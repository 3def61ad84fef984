"""The gate of phase 1: a whole backup under our own lock, and everything that is none."""

import os
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.models.gate import Gate, GateContext
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.tree import TreePath, tree_digest
from aos_upgrade_plugin.phases.backing_up import back_up_verified
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.sample import Source, variants
from tests.checks import gates, upgrades

ALL = {f"AOS-B{number:03}" for number in range(1, 6)}
SESSION, OTHER = "a_session", "another_session"


class BackedUp(NamedTuple):
    """An installation and its backup, in the middle of a run."""

    install: Path
    backup: Path
    plan: Path

    def judged(self, *checks: str, held_by: str | None = SESSION) -> gates.Judged:
        """Let the gate measure while somebody holds the lock."""
        context = GateContext(
            gate=Gate.BACKUP,
            target=self.install,
            session_id=SESSION,
            plan=self.plan,
            backup=self.backup,
        )
        with hold(self.install, session=held_by, command="run") if held_by else nullcontext():
            return gates.judged(context, *checks)


@pytest.fixture
def backed_up(sample_source: Source, tmp_path: Path) -> BackedUp:
    """Plan, then back up what is oddly named, linked, piped, empty and executable."""
    project = tmp_path / "project"
    project.mkdir()
    install = upgrades.lay_project(sample_source, project)
    own = install / "specs/approved"
    (own / "link").symlink_to("2025-04-01-search")
    os.mkfifo(own / "pipe")
    Path(os.fsdecode(os.fsencode(own) + b"/odd\xff\\")).write_bytes(b"")
    (own / "MANIFEST.json").write_text("a user's own")
    (own / "run").write_text("#!/bin/sh\n")
    (own / "run").chmod(0o750)
    plan = tmp_path / "plan.json"
    plan.write_text(upgrades.plan_of(sample_source, install).model_dump_json())
    made = back_up_verified(find(install), now=datetime.now(UTC), session=SESSION).backup
    return BackedUp(install, made.path, plan)


def test_a_whole_backup(backed_up: BackedUp) -> None:
    """Everything is proven, and the evidence of the phase can be filled from it."""
    done = backed_up.judged()
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(ALL, "passed")
    proven = {
        "lock_acquired": True,
        "backup_path": str(backed_up.backup),
        "backup_manifest": str(backed_up.backup / "MANIFEST.json"),
        "integrity_verified": True,
    }
    assert proven.items() <= done.facts.items()
    for name in ("files_backed_up", "backup_size_bytes"):
        assert done.number(name) > 0


def test_everything_wrong(backed_up: BackedUp) -> None:
    """Another's lock, an incomplete manifest, one wrong digest, no snapshot, another restore."""
    stored = backed_up.backup / upgrades.OWN
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes().swapcase())
    (backed_up.backup / "requirements-snapshot.txt").unlink()
    _plan_with(backed_up, "standards/development/not-backed-up.md")
    done = backed_up.judged(held_by=OTHER)
    assert not done.opens
    assert done.ended == dict.fromkeys(ALL, "failed")
    assert done.said["AOS-B001"].startswith("the lock is held by process ")
    assert done.facts["lock_acquired"] is False
    missing = "not as when the plan was made: standards/development/not-backed-up.md"
    assert done.said["AOS-B002"] == missing
    assert upgrades.OWN in done.said["AOS-B003"]
    assert done.facts["integrity_verified"] is False
    assert done.said["AOS-B004"] == "there is no requirements-snapshot.txt in the backup"
    assert done.said["AOS-B005"] == f"restored, these differ: {upgrades.OWN}"


def test_what_changes_meanwhile(backed_up: BackedUp) -> None:
    """The backup is whole, but no longer of what stands there; and nobody holds the lock."""
    variants.edit(backed_up.install, upgrades.OWN)
    (backed_up.backup / "requirements-snapshot.txt").write_text("")
    done = backed_up.judged(held_by=None)
    assert not done.opens
    assert done.said["AOS-B001"] == "the lock is held by nobody"
    assert done.ended["AOS-B002"] == "passed"
    assert done.said["AOS-B004"] == "requirements-snapshot.txt is empty"
    assert done.said["AOS-B005"] == f"restored, these differ: {upgrades.OWN}"


def test_without_a_manifest_nothing_is_proven(backed_up: BackedUp) -> None:
    """Each check that needs it says so."""
    (backed_up.backup / "MANIFEST.json").write_text("{}")
    done = backed_up.judged("AOS-B002", "AOS-B003", "AOS-B005")
    assert not done.opens
    assert done.ended == {"AOS-B002": "error", "AOS-B003": "failed", "AOS-B005": "error"}
    for said in done.said.values():
        assert "MANIFEST.json" in said


def _plan_with(backed_up: BackedUp, path: TreePath) -> None:
    """Let the plan know of a file that the backup does not have."""
    plan = UpgradePlan.model_validate_json(backed_up.plan.read_bytes())
    target = {**plan.target, path: plan.target[upgrades.OWN]}
    update = {"target": target, "target_digest": tree_digest(target)}
    backed_up.plan.write_text(plan.model_copy(update=update).model_dump_json())
