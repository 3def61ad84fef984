"""A moment that no calendar has, in any file that is read: that file is damaged, no more."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.gate.waiver_file import read_waivers
from aos_upgrade_plugin.errors import UsageError
from tests.cli.conftest import Aos

_ODD = "0001-01-01T00:00:00+23:59"


def test_in_the_record_of_what_was_laid_down(aos: Aos, install: Path) -> None:
    """What does not need the record goes on without it; the doctor says what is wrong with it."""
    (install / ".upgrades").mkdir()
    record = {"schema_version": 1, "recorded_at": _ODD, "parts": {}}
    (install / ".upgrades/base.json").write_text(json.dumps(record))
    ran = aos("status")
    assert (ran.status, "should not have happened" in ran.err) == (0, False)
    assert ".upgrades/base.json cannot be read: " in aos("doctor").out
    assert aos("backups", "create").status == 0


@contextmanager
def _held(path: Path, record: dict[str, object]) -> Iterator[None]:
    with path.open("w") as lock:
        flock(lock, LOCK_EX)
        lock.write(json.dumps(record) + "\n")
        lock.flush()
        yield


def test_in_the_record_of_who_holds_the_lock(aos: Aos, install: Path) -> None:
    """Then it is held by somebody who left no record that can be read."""
    holder = {"pid": 1, "process_started_at": 1.0, "host": "h", "session": None, "command": "c"}
    with _held(install / ".upgrade-lock", {**holder, "since": _ODD}):
        ran = aos("status")
        assert (ran.status, "a process that left no record" in ran.out) == (0, True)
        ran = aos("backups", "create")
        assert "held by a process that left no record" in ran.error
        assert ran.status == 4


def test_in_a_backup(aos: Aos, install: Path) -> None:
    """Its manifest is one that nobody here wrote; the others are listed all the same."""
    made = aos("backups", "create", "--json").json["backup"]["name"]
    manifest = install / ".backups" / made / "MANIFEST.json"
    body, _, _ = manifest.read_bytes().rpartition(b'"digest":"')
    then = json.loads(body.removesuffix(b",\n") + b"}")["created_at"].encode()
    body = body.replace(then, _ODD.encode())
    digest = hashlib.sha256(body).hexdigest().encode()
    manifest.write_bytes(body + b'"digest":"' + digest + b'"\n}\n')
    assert aos("status").status == 0
    assert "of another version of this tool" in aos("backups", "list").err
    for command in ("verify", "restore"):
        assert "of another version of this tool" in aos("backups", command).err


@pytest.mark.parametrize("moment", ["9999-12-31", "0001-01-01T00:00:00+23:59"])
def test_in_a_waiver(tmp_path: Path, moment: str) -> None:
    """The file of waivers is no such file, and which line it is, is said."""
    path = tmp_path / "waivers.toml"
    who = 'check = "AOS-P001"\napprover = "b"\nreason = "c"'
    path.write_text(f"[[waiver]]\n{who}\nexpires = {moment}\n")
    with pytest.raises(UsageError, match=r"waiver\.0\.expires"):
        read_waivers(path)
