"""What a project says about its upgrades, in its own ``pyproject.toml``."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aos_upgrade_plugin.effects.files import as_disk_error
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
