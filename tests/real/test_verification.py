"""``workflow verify`` with the workflows of the real product, and the upgrade walked whole.

Needs a clone of github.com/honeyhiveai/praxis-os, named by AOS_REAL_PRAXIS_OS.
"""

import sys
from pathlib import Path

import pytest

from aos_upgrade_plugin.actions.workflow_verification import verify
from aos_upgrade_plugin.phases.installation import find
from tests.real.installations import PRAXIS_OS, clone_named_by, lay_down

pytestmark = pytest.mark.real

COMMAND = [str(Path(sys.executable).with_name("aos-upgrade")), "serve"]
# Its text of one task is missing at every commit that has it.
BROKEN = "workflow_creation_v1"


@pytest.mark.parametrize("commit", ["4d4827b", "e8b70c7"])
def test_the_product_and_our_own_workflow(tmp_path: Path, commit: str) -> None:
    """What is whole is walked to its end, our own with its 40 tasks; what is broken is named."""
    project = tmp_path / "project"
    project.mkdir()
    install = lay_down(clone_named_by(PRAXIS_OS), commit, project)
    report = verify(find(install), command=COMMAND)
    (problem,) = report.problems
    assert problem.startswith(f"workflow {BROKEN}: it is broken: ")
    walks = {each.workflow_type: each for each in report.walks if each.completed}
    assert {"spec_creation_v1", "spec_execution_v1", "standards_creation_v1"} <= {*walks}
    upgrade = walks["agent_os_upgrade_v1"]
    assert (upgrade.phases, upgrade.tasks, upgrade.refused) == (6, 40, 1)
