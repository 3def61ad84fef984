"""Workflows of every form, walked to their end with no more than their gates ask for."""

from pathlib import Path
from typing import Any

import pytest

from aos_upgrade_plugin.phases.installation import find
from tests.actions.test_workflow_tool import calling
from tests.actions.walking import Walked, walk
from tests.actions.workflow_places import METADATA, lay_installation, lay_workflow, tool_at

_PHASES = METADATA["phases"]
_FLAT = {
    "name": "Flat",
    "version": "1",
    "total_phases": 2,
    "phases": [
        {"number": 1, "name": "One", "file": "1-one.md", "tasks": [{"number": 1, "name": "first"}]},
        {"number": 2, "name": "Two", "checkpoint": {"required_evidence": ["seen", "said"]}},
    ],
}
_TEXTS = {"phases/1-one.md": "# One\n\n## Task 1: first\n\n```bash\nls\n```\n"}


@pytest.mark.parametrize(
    ("metadata", "files", "met"),
    [
        pytest.param(METADATA, {}, Walked(phases=2, tasks=1, gates=1, fields=2), id="nested"),
        pytest.param(_FLAT, _TEXTS, Walked(phases=2, tasks=1, gates=0, fields=0), id="flat"),
        pytest.param(
            {**METADATA, "total_phases": "dynamic", "phases": _PHASES[:1]},
            {},
            Walked(phases=4, tasks=4, gates=4, fields=8),
            id="dynamic",
        ),
    ],
)
def test_a_workflow_is_walked_to_its_end(
    tmp_path: Path, metadata: dict[str, Any], files: dict[str, str], met: Walked
) -> None:
    """Every task is read, nothing but evidence opens a gate, and what satisfies it does."""
    install = lay_installation(tmp_path / "project")
    lay_workflow(install / "workflows", "walked_v1", metadata=metadata, files=files)
    tool = tool_at(install)
    (found,) = (
        each for each in tool.catalogue.listed(find(install)) if each.workflow_type == "walked_v1"
    )
    assert found.definition is not None, found.problem
    assert walk(calling(tool, install), found.definition, more_phases=3) == met
