"""Phase 1: a verified way back exists, and the upgrade lock is ours."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    BackupManifest,
    Gate,
    Severity,
    UpgradePlan,
    check,
    find_installation,
    read_installation_tree,
    read_manifest,
    read_tree,
    status_of,
    verify_backup,
)

RecordFact = Callable[[str, object], None]

_SNAPSHOT = "requirements-snapshot.txt"
_OWN_NAMES = ("MANIFEST.json", _SNAPSHOT)


@pytest.fixture
def manifest(backup: Path) -> BackupManifest:
    """Return what the backup says that it holds."""
    return read_manifest(backup)


@check(
    "AOS-B001",
    gate=Gate.BACKUP,
    severity=Severity.BLOCKER,
    remedy="wait until the other run has ended, then run again",
)
def check_lock_is_ours(target: Path, session: str, record_fact: RecordFact) -> None:
    """The upgrade lock is held by this run."""
    lock = status_of(find_installation(target)).lock
    holder = lock.holder.session if lock and lock.holder else None
    record_fact("lock_acquired", holder == session)
    assert holder == session, f"the lock is held by {lock or 'nobody'}"


@check(
    "AOS-B002",
    gate=Gate.BACKUP,
    severity=Severity.BLOCKER,
    remedy="look at what changes the installation meanwhile, then run again",
)
def check_backup_is_complete(
    backup: Path, manifest: BackupManifest, plan: UpgradePlan, record_fact: RecordFact
) -> None:
    """The backup has everything that stood in the installation when the plan was made."""
    record_fact("backup_path", str(backup))
    record_fact("backup_timestamp", manifest.created_at.isoformat())
    record_fact("backup_manifest", str(backup / "MANIFEST.json"))
    record_fact("files_backed_up", manifest.file_count)
    record_fact("backup_size_bytes", manifest.size_bytes)
    differing = [
        path
        for path in sorted({*plan.target, *manifest.tree})
        if plan.target.get(path) != manifest.tree.get(path)
    ]
    assert not differing, f"not as when the plan was made: {', '.join(differing[:5])}"


@check(
    "AOS-B003",
    gate=Gate.BACKUP,
    severity=Severity.BLOCKER,
    remedy="check the disk, then run again",
)
def check_backup_reads_back(backup: Path, record_fact: RecordFact) -> None:
    """Every file of the backup was read again and is what the manifest says."""
    problems = verify_backup(backup)
    record_fact("integrity_verified", not problems)
    assert not problems, f"damaged: {', '.join(map(str, problems[:5]))}"


@check(
    "AOS-B004",
    gate=Gate.BACKUP,
    severity=Severity.BLOCKER,
    remedy="run again; if it stays so, make a backup by hand: aos-upgrade backups create",
)
def check_requirements_are_kept(backup: Path, record_fact: RecordFact) -> None:
    """What was installed in the environment is written down, to install it again."""
    snapshot = backup / _SNAPSHOT
    assert snapshot.is_file(), f"there is no {_SNAPSHOT} in the backup"
    lines = snapshot.read_text(encoding="utf-8").splitlines()
    record_fact("requirements_kept", sum(not line.startswith("#") for line in lines))
    assert lines, f"{_SNAPSHOT} is empty"


@check(
    "AOS-B005",
    gate=Gate.BACKUP,
    severity=Severity.BLOCKER,
    remedy="look at what changes the installation meanwhile, or check the disk; then run again",
    limit_s=600,
)
def check_trial_restore(
    backup: Path, manifest: BackupManifest, target: Path, tmp_path: Path
) -> None:
    """A copy made from the backup with ordinary tools equals the installation."""
    trial = tmp_path / "trial"
    shutil.copytree(backup, trial, symlinks=True, copy_function=_copy)
    renamed = {each.stored_at: each.path for each in manifest.entries if each.stored_as}
    for name in _OWN_NAMES:
        (trial / name).unlink(missing_ok=True)
    restored = {renamed.get(path, path): entry for path, entry in read_tree(trial).items()}
    installed = read_installation_tree(find_installation(target))
    differing = [
        path
        for path in sorted({*restored, *installed})
        if restored.get(path) != installed.get(path)
    ]
    assert not differing, f"restored, these differ: {', '.join(differing[:5])}"


def _copy(source: str, target: str) -> str:
    """Copy one thing as ``cp -a`` does; a named pipe holds nothing and is made again."""
    status = os.lstat(source)
    if stat.S_ISFIFO(status.st_mode):
        os.mkfifo(target, stat.S_IMODE(status.st_mode))
        Path(target).chmod(stat.S_IMODE(status.st_mode))
        return target
    return shutil.copy2(source, target, follow_symlinks=False)
