"""The gate of phase 0: every installation that may be upgraded, and what stands against it."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.effects.session.lock import hold
from aos_upgrade_plugin.effects.tree.files import free_bytes
from aos_upgrade_plugin.models.gate import Gate, GateContext
from aos_upgrade_plugin.models.packages import EnvironmentPlan
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.settings import Scope
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.sample import Source, lay_down, variants
from tests.checks import gates
from tests.checks.upgrades import Ready
from tests.mounts import mounted

ALL = {f"AOS-P{number:03}" for number in range(1, 15)}
_NOBODY = 65534


def test_parts_that_do_not_fit_together(bad: Ready) -> None:
    """What content would ask for in vain is named; together there is nothing to measure."""
    plan = bad.replan(skews=("the tool new_tool",))
    done = bad.judged("AOS-P014")
    assert not done.opens
    assert done.said["AOS-P014"] == "content would ask in vain for the tool new_tool"
    bad.replan(options=plan.options.model_copy(update={"only": Scope.ALL}))
    assert "together" in bad.judged("AOS-P014", "AOS-P005").not_planned["AOS-P014"]


# ---- what may be upgraded ----------------------------------------------------------------------


def test_an_installation_in_use(good: Ready) -> None:
    """Everything is proven, and the evidence of the phase can be filled from it."""
    done = good.judged()
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(ALL, "passed")
    assert done.not_planned == {}
    proven = {
        "source_path": str(good.source.folder),
        "source_version": "1.2.0",
        "source_commit": good.source.commit("1.2.0"),
        "source_git_clean": True,
        "target_exists": True,
        "target_structure_valid": True,
        "target_layout": "praxis_os",
        "last_backup_age_days": None,
        "no_concurrent_workflows": True,
        "undecided_conflicts": [],
    }
    assert proven.items() <= done.facts.items()
    assert done.facts["config_folders"] == {
        "standards_path": ".praxis-os/standards",
        "workflows_path": ".praxis-os/workflows",
    }
    kept = done.number("installation_size_bytes")
    assert done.number("disk_space_required_bytes") > 2 * kept > 0
    assert done.number("disk_space_available_bytes") > 0


@pytest.mark.parametrize("version", ["0.9.0", "1.1.0"], ids=["agent-os", "praxis-os"])
def test_a_fresh_installation(
    good: Ready, sample_source: Source, tmp_path: Path, version: str
) -> None:
    """It has no configuration, no version and no log, and may lie behind a link."""
    install = lay_down(sample_source, version, tmp_path)
    variants.move_behind_link(install, tmp_path / "elsewhere" / install.name)
    context = GateContext(gate=Gate.PRE_FLIGHT, target=install, source=good.source.folder)
    done = gates.judged(context)
    assert done.opens, done.said
    assert done.not_planned == {
        "AOS-P012": "the installation has no configuration of its own",
        "AOS-P013": "there is no plan yet",
        "AOS-P014": "there is no plan yet",
    }
    assert done.facts["target_parts"] == {
        "server": True,
        "config": False,
        "version": False,
        "environment": False,
    }


def test_what_is_over_or_recent_is_in_nobodys_way(bad: Ready) -> None:
    """A finished workflow, one that was forgotten, an unlocked lock file, a backup of today."""
    now = datetime.now(UTC)
    back_up(find(bad.install), now=now - timedelta(days=6))
    (bad.install / ".upgrade-lock").write_text('{"pid": 1}\n')
    sessions.save(bad.install, _session("over", "a_workflow", SessionStatus.COMPLETED))
    states = bad.install / ".cache/state"
    states.mkdir(parents=True)
    forgotten = states / "forgotten.json"
    forgotten.write_text("{")
    long_ago = (now - timedelta(days=8)).timestamp()
    os.utime(forgotten, (long_ago, long_ago))
    (states / "over.json").write_text(
        json.dumps({"workflow_type": "stock_take_v1", "completed_phases": [0]})
    )
    link = bad.install / "standards/universal/linked.md"
    link.symlink_to("ai-safety/git-safety.md")
    bad.replan()
    done = bad.judged()
    assert done.opens, done.said
    assert {*done.ended.values()} == {"passed"}
    assert done.facts["last_backup_age_days"] == 6


# ---- the target --------------------------------------------------------------------------------


def test_what_is_no_installation(good: Ready, tmp_path: Path) -> None:
    """No folder, a folder of something else, another generation, or not the folder itself."""
    other, unknown = tmp_path / "other", tmp_path / "unknown" / ".praxis-os"
    other.mkdir()
    (unknown / "later").mkdir(parents=True)
    said = [
        good.judged("AOS-P004", target=target).said["AOS-P004"]
        for target in (tmp_path / "none", other, unknown, good.install.parent)
    ]
    assert said[0] == f"there is no folder {tmp_path / 'none'}"
    assert said[1].startswith("there is no .agent-os or .praxis-os in ")
    assert "holds none of config/mcp.yaml, mcp_server, ouroboros, standards" in said[2]
    assert said[3].endswith(f"is not the install folder itself, that is {good.install}")


def test_everything_wrong_with_the_target(bad: Ready) -> None:
    """Each thing that stands against the upgrade is named by the check for it."""
    install, free = bad.install, free_bytes(bad.install)
    back_up(find(install), now=datetime.now(UTC) - timedelta(days=9))
    (install / "standards/universal/outside.md").symlink_to("/etc/hostname")
    (install / "workflows/nowhere").symlink_to("../../no-such-folder")
    (install / "specs/approved/users-own.md").symlink_to("/etc/hostname")
    (install / ".upgrades/an_old_run/transactions/content").mkdir(parents=True)
    states = install / ".cache/state"
    states.mkdir(parents=True)
    (states / "one.json").write_text(
        json.dumps({"workflow_type": "stock_take_v1", "completed_phases": []})
    )
    sessions.save(install, _session("in_flight", "release_notes_v1", SessionStatus.ACTIVE))
    for torn in (states / "torn.json", install / "state/workflows/unreadable.json"):
        torn.write_text("{")
    sessions.save(install, _session("upgrade_1", UPGRADE, SessionStatus.ACTIVE))
    sessions.save(install, _session("upgrade_2", UPGRADE, SessionStatus.INCONSISTENT))
    (install / "config.json").write_text("{'rag': }")
    bad.replan(environment=EnvironmentPlan(size_bytes=free))
    with hold(install, session="another", command="aos-upgrade run"):
        done = bad.judged()
    assert not done.opens
    passed = {name for name, outcome in done.ended.items() if outcome == "passed"}
    assert passed == {*(f"AOS-P{number:03}" for number in range(1, 6)), "AOS-P013", "AOS-P014"}
    assert {*done.ended.values()} == {"passed", "failed"}
    assert done.said["AOS-P006"] == (
        "links that leave the installation: standards/universal/outside.md, workflows/nowhere"
    )
    assert "aos-upgrade run" in done.said["AOS-P008"]
    for name in (
        "release_notes_v1 (0 of unknown phases, active, session in_flight)",
        "session unreadable (cannot be read)",
        "stock_take_v1 (0 of 1 phases, one.json)",
        "torn.json (cannot be read)",
    ):
        assert name in done.said["AOS-P009"]
    assert done.facts["no_concurrent_workflows"] is False
    for name in ("content of an_old_run", "upgrade_1", "upgrade_2"):
        assert name in done.said["AOS-P010"]
    assert done.said["AOS-P011"] == "the newest backup is 9 days old"
    assert done.facts["last_backup_age_days"] == 9
    assert done.said["AOS-P012"].startswith("config.json is no JSON: ")


def test_an_old_backup_alone_is_only_a_warning(bad: Ready) -> None:
    """The gate opens: the run makes a new one."""
    back_up(find(bad.install), now=datetime.now(UTC) - timedelta(days=8))
    done = bad.judged("AOS-P008", "AOS-P011")
    assert done.ended == {"AOS-P008": "passed", "AOS-P011": "failed"}
    assert done.opens


def test_too_little_disk_space(bad: Ready) -> None:
    """Twice of what is written, a new environment included, has to be free; both are named."""
    enough = bad.judged("AOS-P007")
    environment_bytes = free_bytes(bad.install)
    bad.replan(environment=EnvironmentPlan(size_bytes=environment_bytes))
    done = bad.judged("AOS-P007")
    assert enough.opens
    assert not done.opens
    needed, free = (done.number(f"disk_space_{name}_bytes") for name in ("required", "available"))
    assert done.said["AOS-P007"] == f"{needed} bytes are needed and {free} are free"
    assert needed - enough.number("disk_space_required_bytes") == 2 * environment_bytes
    assert free > 0


def test_a_configuration_of_something_else(bad: Ready) -> None:
    """It names folders that are not there, or holds no settings at all."""
    config = bad.install / "config.json"
    rag = {"standards_path": ".praxis-os/standards", "usage_path": "gone", "index_path": "made"}
    config.write_text(json.dumps({"rag": rag}))
    done = bad.judged("AOS-P012")
    assert not done.opens
    missing = "folders that the configuration names are missing: usage_path: gone"
    assert done.said["AOS-P012"] == missing
    config.write_text("[]")
    assert bad.judged("AOS-P012").said["AOS-P012"] == "config.json holds no object"


@pytest.mark.mount
def test_a_file_system_that_is_mounted_read_only(good: Ready, tmp_path: Path) -> None:
    """Nothing can be written there, whoever we are."""
    there = tmp_path / ".praxis-os"
    there.mkdir()
    with mounted("--bind", "-o", "ro", good.install, at=there):
        done = good.judged("AOS-P005", target=there)
    assert not done.opens
    assert done.said["AOS-P005"] == "the file system is mounted read-only"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to somebody else")
def test_folders_of_somebody_else(bad: Ready) -> None:
    """A folder that only its mode closes is opened on the way; one of another's is named."""
    closed = "standards/universal/architecture"
    (bad.install / closed).chmod(0o555)
    assert bad.judged("AOS-P005").opens, "it is ours"
    os.chown(bad.install / closed, _NOBODY, _NOBODY)
    done = subprocess.run(
        [*_WITHOUT_ROOTS_RIGHTS, sys.executable, "-c", _JUDGE, bad.install],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"no right to write in {closed}\n"


_WITHOUT_ROOTS_RIGHTS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search,-fowner")
_JUDGE = """
import sys
from pathlib import Path
from aos_upgrade_plugin.effects.gate.check_list import collect
from aos_upgrade_plugin.effects.gate.gate_run import run_gate
from aos_upgrade_plugin.models.gate import Gate, GateContext

context = GateContext(gate=Gate.PRE_FLIGHT, target=Path(sys.argv[1]))
planned = [check for check in collect(context) if check.id == "AOS-P005"]
print(*(event.message for event in run_gate(context, planned) if event.kind == "ended"))
"""


def _session(name: str, workflow: str, status: SessionStatus) -> WorkflowSession:
    now = datetime.now(UTC)
    return WorkflowSession(
        session_id=name,
        workflow_type=workflow,
        target_file="x",
        session_status=status,
        current_phase=0,
        created_at=now,
        last_updated=now,
    )
