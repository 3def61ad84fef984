"""What a cut-over changed, kept in the installation for the way back."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error, read_bytes
from aos_upgrade_plugin.effects.tree.transaction import UPGRADES
from aos_upgrade_plugin.errors import DamagedError
from aos_upgrade_plugin.models.cut_over import CutOverRecord

_RECORD, _BEFORE = "cut-over.json", "before"
_PREFIX = "cut_over_"
_MOST_BYTES = 16 << 20


def keep(install: Path, record: CutOverRecord, before: Mapping[int, bytes]) -> None:
    """Keep a record and what stood before, by the number of the change; the record comes last."""
    folder = _folder(install, record.name)
    with as_disk_error("keeping the way back"):
        durable.make_directories(folder / _BEFORE, mode=0o700)
        for number, content in before.items():
            durable.write_durably(folder / _BEFORE / str(number), content)
        durable.write_durably(folder / _RECORD, record.model_dump_json(indent=1).encode())


def newest(install: Path) -> CutOverRecord | None:
    """Return the record of the last cut-over; nothing where none is kept. Raises DamagedError."""
    found = sorted((install / UPGRADES).glob(f"{_PREFIX}*/{_RECORD}"))
    if not found:
        return None
    with as_disk_error("reading the record of the cut-over"):
        try:
            record = CutOverRecord.model_validate_json(
                read_bytes(found[-1], most_bytes=_MOST_BYTES)
            )
        except ValidationError as error:
            raise _damaged(found[-1], install) from error
    if record.name != found[-1].parent.name:
        raise _damaged(found[-1], install)
    return record


def kept_at(install: Path, record: CutOverRecord, number: int) -> Path:
    """Return the file that holds what stood at the place of a change."""
    return _folder(install, record.name) / _BEFORE / str(number)


def forget(install: Path, record: CutOverRecord) -> None:
    """Remove a record: its cut-over was taken back, or never made."""
    folder = _folder(install, record.name)
    with as_disk_error("removing the record of the cut-over"):
        durable.remove_tree(folder / _RECORD)
        durable.remove_tree(folder / _BEFORE)
        for each in (folder, folder.parent):
            if each.is_dir() and not any(each.iterdir()):
                durable.remove_tree(each)


def _folder(install: Path, name: str) -> Path:
    return install / UPGRADES / name


def _damaged(path: Path, install: Path) -> DamagedError:
    where = os.path.relpath(path, install)
    return DamagedError(
        f"{where} is no record of a cut-over", cure=f"look at {where}, and move it away"
    )
