"""Who is measured: this project, the pattern of the implementation guide, and known tools.

Each does four things with a tree: back it up, verify that, back it up again, and bring it back.
What a tool cannot do it says by None.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.backup.backup_check import verify
from aos_upgrade_plugin.phases.backing_up import back_up
from aos_upgrade_plugin.phases.installation import find
from aos_upgrade_plugin.phases.restore import restore

Step = Callable[[], object]


class Contender(NamedTuple):
    """One way to do the four things, on a tree and a place for backups of its own."""

    backup: Step
    verify: Step | None
    second: Step | None
    """Nothing but what changed, where the tool can."""
    restore: Step


def ours(live: Path, store: Path) -> Contender:
    """Do it as the command does: the restore verifies first and compares afterwards."""
    del store  # the backups lie in the installation
    installation, made = find(live), []

    def backup(*, full: bool) -> None:
        made.append(back_up(installation, now=datetime.now(UTC), full=full).path)

    def check() -> None:
        _must(not verify(made[-1]))

    return Contender(
        backup=lambda: backup(full=True),
        verify=check,
        second=lambda: backup(full=False),
        restore=lambda: restore(live, made[-1].name, now=datetime.now(UTC)),
    )


def naive(live: Path, store: Path) -> Contender:
    """Copy, count, sum up, then read everything again; bring back by deleting first."""

    def backup(name: str) -> None:
        shutil.copytree(live, store / name, symlinks=True, ignore=shutil.ignore_patterns(".*"))
        sum(1 for path in (store / name).rglob("*") if path.is_file())
        sum(path.stat().st_size for path in (store / name).rglob("*") if path.is_file())
        sums = {
            str(path.relative_to(store / name)): _sum_in_small_pieces(path)
            for path in (store / name).rglob("*")
            if path.is_file()
        }
        (store / f"{name}.json").write_text(json.dumps({"files": sums}, indent=2))

    def check() -> None:
        sums: Mapping[str, str] = json.loads((store / "first.json").read_text())["files"]
        for name, expected in sums.items():
            path = store / "first" / name
            _must(path.exists() and _sum_in_small_pieces(path) == expected)

    def bring_back() -> None:
        for folder in (store / "first").iterdir():
            shutil.rmtree(live / folder.name)
            shutil.copytree(folder, live / folder.name, symlinks=True)

    return Contender(
        backup=lambda: backup("first"),
        verify=check,
        second=lambda: backup("second"),
        restore=bring_back,
    )


def _sum_in_small_pieces(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(8192):
            digest.update(piece)
    return digest.hexdigest()


def cp(live: Path, store: Path) -> Contender:
    """Copy everything, each time; there is nothing to verify with."""
    return Contender(
        backup=lambda: _run("cp", "-a", live, store / "first"),
        verify=None,
        second=None,
        restore=lambda: _run("cp", "-a", f"{store / 'first'}/.", live),
    )


def rsync(live: Path, store: Path) -> Contender:
    """Copy what changed, and link the rest; verify by reading both sides."""
    first, second = store / "first", store / "second"
    here = f"{live}/"
    return Contender(
        backup=lambda: _run("rsync", "-a", here, first),
        verify=lambda: _run("rsync", "-anc", "--delete", here, first),
        second=lambda: _run("rsync", "-a", f"--link-dest={first}", here, second),
        restore=lambda: _run("rsync", "-a", "--delete", f"{second}/", live),
    )


def restic(live: Path, store: Path) -> Contender:
    """Encrypt and pack; it brings everything back into an empty folder."""
    settings = {
        "RESTIC_PASSWORD": "benchmark",
        "RESTIC_REPOSITORY": str(store / "repository"),
        "RESTIC_CACHE_DIR": str(store / "cache"),
    }

    def call(*words: str | Path) -> None:
        _run("restic", "--quiet", *words, settings=settings)

    call("init")
    return Contender(
        backup=lambda: call("backup", live),
        verify=lambda: call("check", "--read-data"),
        second=lambda: call("backup", live),
        restore=lambda: call("restore", "latest", "--target", store / "restored"),
    )


CONTENDERS: Mapping[str, tuple[str | None, Callable[[Path, Path], Contender]]] = {
    "ours": (None, ours),
    "naive": (None, naive),
    "cp -a": ("cp", cp),
    "rsync": ("rsync", rsync),
    "restic": ("restic", restic),
}
"""Each with the program that it needs."""


def _run(*command: str | Path, settings: Mapping[str, str] | None = None) -> None:
    environment = {**os.environ, **(settings or {})}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def _must(well: bool) -> None:  # noqa: FBT001 - it reads as an assertion
    if not well:
        message = "a backup that was just made is not whole"
        raise SystemExit(message)
