"""What a project says about its upgrades, in its own ``pyproject.toml``."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import UsageError


def settings_table(project: Path) -> Mapping[str, Any]:
    """Return ``[tool.aos-upgrade]``, empty where there is none; raise UsageError for nonsense."""
    path = project / "pyproject.toml"
    if not path.is_file():
        return {}
    with as_disk_error("reading the project's settings"):
        content = path.read_bytes()
    try:
        tools = tomllib.loads(content.decode()).get("tool", {})
        found = tools.get("aos-upgrade", {})
    except (ValueError, AttributeError) as error:
        raise UsageError(f"{path} is no TOML: {error}", cure="correct the file") from error
    if not isinstance(found, dict):
        raise UsageError(f"tool.aos-upgrade in {path} is no table", cure="correct the file")
    return found


def refuse_link_outside(project: Path, target_file: str) -> None:
    """Raise UsageError where links lead a path of the project out of it; it need not be there."""
    with as_disk_error("looking at the target"):
        try:
            seen = (project / target_file).resolve()
        except RuntimeError:  # links that lead to themselves
            seen = project.parent
        inside = seen.is_relative_to(project.resolve())
    if not inside:
        raise UsageError(
            "target_file leaves the project through a link: directory traversal is refused",
            cure="name a file or folder of the project itself",
        )
