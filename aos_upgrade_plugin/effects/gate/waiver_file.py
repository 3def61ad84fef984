"""Reads a file of waivers."""

import tomllib
from pathlib import Path

from pydantic import ValidationError

from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.tree import shown
from aos_upgrade_plugin.models.waiver import Waiver, Waivers


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """Return the waivers of a TOML file: ``[[waiver]]`` with check, approver, reason, expires."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"the waivers in {shown(path)} cannot be read: {error.strerror}",
            cure="name a file of waivers: --waivers FILE",
        ) from error
    try:
        return Waivers.model_validate(tomllib.loads(content.decode())).waiver
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        wrong = f"{where}: {first['msg']}"
    except ValueError as error:
        wrong = str(error)
    raise UsageError(
        f"{shown(path)} is no file of waivers: {wrong}",
        cure="see docs/how-to/waive-a-check.md",
    )
