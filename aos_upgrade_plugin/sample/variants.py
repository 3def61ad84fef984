"""What users do to an installation. Each function does one thing that people really do."""

import json
import os
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.sample.installation import put

UNTOUCHED = "standards/universal/ai-safety/git-safety.md"
"""No version after 0.8.0 changes it."""
CONTESTED = "standards/universal/failure-modes/retries.md"
"""0.9.0 and 1.1.0 change it."""
CHANGED = "standards/universal/architecture/layers.md"
"""1.1.0 changes it."""
REMOVED = "standards/universal/documentation/comments.md"
"""1.1.0 removes it."""
SERVER_CODE = "mcp_server/index.py"
"""1.1.0 changes it, below the line that :func:`patch_server` changes."""

_MORE = "\nOur team also does this, and wants to keep it.\n"


def move_in(install: Path) -> None:
    """The user has settings, files, a workflow and an edit of their own."""
    configure(install)
    add_user_files(install)
    add_user_workflow(install)
    edit(install, UNTOUCHED)


def configure(install: Path) -> None:
    """The user wrote a ``config.json``, in the words that the product documents."""
    name = install.name
    config = {
        "rag": {
            "standards_path": f"{name}/standards",
            "workflows_path": f"{name}/workflows",
            "index_path": f"{name}/.cache/vector_index",
            "embedding_provider": "local",
        },
        "mcp": {"enabled_tool_groups": ["rag", "workflow"], "max_tools_warning": 20},
    }
    put(install / "config.json", json.dumps(config, indent=2) + "\n")


def add_user_files(install: Path) -> None:
    """The user keeps standards, specifications and notes of their own."""
    put(
        install / "standards/development/naming.md",
        "# Naming\n\nA warehouse is called a warehouse in this project, never a depot.\n",
    )
    specs = "specs/approved" if (install / "specs/approved").is_dir() else "specs"
    put(install / specs / "2025-04-01-search/README.md", "# Search\n\nWhat we want from it.\n")
    if (install / "workspace").is_dir():
        put(install / "workspace/notes.md", "Half a thought.\n", mode=0o600)


def add_user_workflow(install: Path) -> None:
    """The user has a workflow of their own among the product's."""
    metadata = {
        "workflow_type": "stock_take_v1",
        "version": "0.1.0",
        "name": "Stock take",
        "description": "Count what is there",
        "total_phases": 1,
        "estimated_duration": "1 hour",
        "primary_outputs": ["stock.csv"],
        "phases": [
            {
                "phase_number": 0,
                "phase_name": "Count",
                "purpose": "Know what is there",
                "estimated_effort": "1 hour",
                "key_deliverables": ["stock.csv"],
                "validation_criteria": ["Two people counted the same"],
            }
        ],
    }
    folder = install / "workflows/stock_take_v1"
    put(folder / "metadata.json", json.dumps(metadata, indent=2) + "\n")
    put(folder / "phases/0/phase.md", "# Phase 0: Count\n\nEverything, twice.\n")
    put(install / "workflows/change_review_v1/our-notes.md", "Ask Robin about payments.\n")


def edit(install: Path, path: str) -> None:
    """The user added a line to one of the product's files."""
    target = install / path
    put(target, target.read_bytes() + _MORE.encode())


def delete(install: Path, path: str) -> None:
    """The user removed one of the product's files."""
    disk.remove(os.fsencode(install / path))


def patch_server(install: Path) -> None:
    """The user changed the product's server code, and it still runs."""
    target = install / SERVER_CODE
    code = target.read_text(encoding="utf-8")
    put(target, code.replace("{2,}", "{3,}"))


def record_version(install: Path, version: str) -> None:
    """An earlier upgrade left its version and its log, as the product's own upgrades do."""
    put(install / "VERSION.txt", f"{version}\n")
    put(install / "UPDATE_LOG.txt", f"2025-04-08 upgraded to {version}\n")


def move_behind_link(install: Path, elsewhere: Path) -> None:
    """The user moved the installation to another place and left a link."""
    durable.make_directories(elsewhere.parent)
    disk.rename(os.fsencode(install), os.fsencode(elsewhere))
    disk.make_link(os.fsencode(elsewhere), os.fsencode(install))
