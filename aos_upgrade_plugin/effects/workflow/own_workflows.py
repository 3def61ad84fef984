"""Small workflows of our own, written where the tool is tried out: the forms that there are."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.effects.tree import durable

GATED = "aos_verify_gated_v1"
"""Two phases, a task in the first, and a gate there that wants evidence."""
EVIDENCE: Mapping[str, Any] = {"seen": True, "found": 2}
FLAT, DYNAMIC = "aos_verify_flat_v1", "aos_verify_dynamic_v1"

_GATE = """\
checkpoint: {strict: true}
evidence_schema:
  seen: {type: boolean, required: true, description: It was looked at}
  found: {type: integer, required: true, validator: not_negative}
validators:
  not_negative: "lambda x: x >= 0"
cross_field_validation:
  - rule: "lambda e: e['seen'] or e['found'] == 0"
    error_message: nothing is found without looking
"""
_TASK = "# Task 1: Look\n\n## Steps\n\n### Step 1: Open it\n\n```bash\nless it\n```\n"


def _phase(number: int, name: str, **more: object) -> dict[str, Any]:
    return {"phase_number": number, "phase_name": name, "purpose": name, **more}


_FOLDERS: Mapping[str, Mapping[str, object]] = {
    GATED: {
        "metadata.json": {
            "workflow_type": GATED,
            "version": "1.0.0",
            "total_phases": 2,
            "phases": [
                _phase(0, "Look", tasks=[{"task_number": 1, "name": "look", "file": "task-1.md"}]),
                _phase(1, "Tell", validation_criteria=["it is told"]),
            ],
        },
        "phases/0/phase.md": "# Phase 0: Look\n",
        "phases/0/task-1.md": _TASK,
        "phases/0/gate-definition.yaml": _GATE,
        "phases/1/phase.md": "# Phase 1: Tell\n",
    },
    FLAT: {
        "metadata.json": {
            "name": FLAT,
            "version": "1.0.0",
            "phases": [
                {"number": 0, "name": "Begin", "file": "0-begin.md"},
                {"number": 1, "name": "End", "file": "1-end.md"},
            ],
        },
        "0-begin.md": "# Phase 0: Begin\n",
        "1-end.md": "# Phase 1: End\n",
    },
    DYNAMIC: {
        "metadata.json": {
            "workflow_type": DYNAMIC,
            "version": "1.0.0",
            "total_phases": "dynamic",
            "dynamic_phases": True,
            "phases": [_phase(0, "Split"), _phase(1, "Do a part")],
        },
        "phases/0/phase.md": "# Phase 0: Split\n",
        "phases/1/phase.md": "# Phase 1: Do a part\n",
    },
}
OWN = tuple(_FOLDERS)
"""One for each form: nested with a gate, flat, and with phases that are counted at the start."""


def write_own(place: Path) -> None:
    """Write each of them below a folder of workflows."""
    for name, files in _FOLDERS.items():
        for path, content in files.items():
            location = place / name / path
            durable.make_directories(location.parent)
            text = content if isinstance(content, str) else json.dumps(content, indent=2)
            durable.write_new(os.fsencode(location), text.encode(), mode=0o644)
