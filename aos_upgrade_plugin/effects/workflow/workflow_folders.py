"""What comes with this package: workflow definitions, and the page of the tool's actions."""

from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import ValidationError

import aos_upgrade_plugin
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.workflow import Workflow


def read_workflow(folder: Traversable) -> Workflow:
    """Read a workflow's definition; raise DamagedError that names what is wrong with it."""
    metadata = folder / "metadata.json"
    try:
        return Workflow.model_validate_json(metadata.read_bytes())
    except (OSError, ValidationError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else error.strerror
        raise DamagedError(
            f"the workflow {folder.name} has no usable metadata.json: {problem}",
            cure="correct the file, or install the workflow again",
        ) from error


def bundled_workflows() -> Traversable:
    """Return the folder of the workflows that come with this package."""
    return _bundled("workflows", checkout="workflows")


def bundled_page(name: str) -> str:
    """Return a page of the reference that comes with this package; raise DamagedError."""
    page = _bundled("reference", checkout="docs/reference") / name
    try:
        return page.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise DamagedError(
            f"the page {name} cannot be read", cure="install this package again"
        ) from error


def _bundled(folder: str, *, checkout: str) -> Traversable:
    package = package_files(aos_upgrade_plugin)
    bundled = package / "_bundled" / folder
    if bundled.is_dir():
        return bundled
    return Path(str(package)).parent / checkout  # a checkout, installed editable
