"""Workflow folders on the disk, and the tool beside them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue
from aos_upgrade_plugin.actions.workflow_tool import WorkflowTool
from aos_upgrade_plugin.plugins import Plugins

GATE = """
checkpoint: {strict: true, allow_override: true}
evidence_schema:
  read: {type: boolean, required: true, description: It was read}
  findings: {type: integer, required: true, validator: not_negative}
validators:
  not_negative: "lambda x: x >= 0"
cross_field_validation:
  - rule: "lambda e: e['read'] or e['findings'] == 0"
    error_message: nothing is found without reading
"""
METADATA: Mapping[str, Any] = {
    "workflow_type": "review_v1",
    "version": "1.0.0",
    "name": "A review",
    "total_phases": 2,
    "phases": [
        {
            "phase_number": 0,
            "phase_name": "Read",
            "purpose": "Know it",
            "tasks": [{"task_number": 1, "name": "read", "file": "task-1-read.md"}],
        },
        {"phase_number": 1, "phase_name": "Judge", "validation_criteria": ["it is judged"]},
    ],
}
TASK = "# Task 1: Read it\n\n## Steps\n\n### Step 1: Open\n\n```bash\nless it\n```\n"
EVIDENCE = {"read": True, "findings": 2}


def lay_workflow(
    place: Path,
    name: str = "review_v1",
    *,
    metadata: object = METADATA,
    files: Mapping[str, str | bytes | None] | None = None,
) -> Path:
    """Write a workflow folder; a file that is nothing is left out."""
    content: dict[str, str | bytes | None] = {
        "metadata.json": metadata if isinstance(metadata, str) else json.dumps(metadata),
        "phases/0/phase.md": "# Phase 0\n",
        "phases/0/task-1-read.md": TASK,
        "phases/0/gate-definition.yaml": GATE,
        "phases/1/phase.md": "# Phase 1\n",
        **(files or {}),
    }
    folder = place / name
    for path, text in content.items():
        if text is not None:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def lay_installation(project: Path) -> Path:
    """Make a small installation with one workflow; return the install folder."""
    install = project / ".praxis-os"
    for name in ("mcp_server", "standards/universal"):
        (install / name).mkdir(parents=True)
    lay_workflow(install / "workflows")
    return install


def tool_at(install: Path, *, source: Path | None = None) -> WorkflowTool:
    """Return the tool for an installation, without any plugin."""
    return WorkflowTool(install, Catalogue(Plugins(), source=source))
