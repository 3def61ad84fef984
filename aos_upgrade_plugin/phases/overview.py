"""How an installation stands. Nothing is written: everything is as it was found."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.decide.content.version import version_in
from aos_upgrade_plugin.decide.run import sessions as decide
from aos_upgrade_plugin.decide.run.next_steps import next_steps
from aos_upgrade_plugin.decide.run.run_state import turned_back
from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.session import lock_holder, sessions
from aos_upgrade_plugin.effects.source.base_store import read_record
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.transaction import UNUSED, leftovers, unused
from aos_upgrade_plugin.errors import DamagedError, DiskError
from aos_upgrade_plugin.models.backup import BACKUPS, age_order
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.lock import HeldBy
from aos_upgrade_plugin.models.session import BackupName, SessionStatus
from aos_upgrade_plugin.models.status import (
    DamagedBackup,
    Installed,
    LastBackup,
    OpenTransaction,
    SessionView,
    Status,
)
from aos_upgrade_plugin.models.tree import shown
from aos_upgrade_plugin.phases.installation import Installation


def status_of(installation: Installation) -> Status:
    """Gather how everything stands, and what to do next."""
    install = installation.path
    lock = lock_holder.holder(install)
    transactions = open_transactions(install)
    views = session_views(install, status=None)
    last_backup, damaged = _last_backup(install)
    return Status(
        install=shown(install),
        project=shown(installation.project),
        layout=installation.layout.name,
        installed=_installed(installation),
        lock=lock,
        transactions=transactions,
        sessions=views,
        last_backup=last_backup,
        damaged_backups=damaged,
        next_steps=next_steps(
            lock=lock,
            transactions=transactions,
            sessions=views,
            last_backup=last_backup,
            damaged_backups=damaged,
        ),
    )


def _installed(installation: Installation) -> Installed:
    with suppress(OSError):  # what cannot be read says nothing
        record = read_record(installation.path).record
        laid = record.parts.get(Part.CONTENT) if record else None
        if laid is not None:
            return Installed(version=laid.version, commit=laid.commit)
        paper = read_papers(installation.path, [installation.layout.version])
        return Installed(version=next((version_in(each.content) for each in paper.values()), None))
    return Installed()


def session_views(install: Path, *, status: SessionStatus | None) -> tuple[SessionView, ...]:
    """Return every session in a state, or all; the one that was used last comes first."""
    running, kept = _running(lock_holder.holder(install)), backup_names(install)
    found = (_view(each, running, kept) for each in sessions.stored(install))
    return decide.matching(sessions=found, status=status)


def session_view(install: Path, session_id: SessionId) -> SessionView:
    """Return one session. Raises NotFoundError; DamagedError where nothing of it can be read."""
    running = _running(lock_holder.holder(install))
    return _view(sessions.load(install, session_id), running, backup_names(install))


def backup_names(install: Path) -> frozenset[BackupName]:
    """Return the names of all backups, whole or damaged, without looking into them."""
    folder = install / BACKUPS
    with as_disk_error("looking for backups"):
        names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
        return frozenset(filter(age_order, names))


def open_transactions(install: Path) -> tuple[OpenTransaction, ...]:
    """Return every change that is neither given for good nor taken back, and all remains."""
    return tuple(_open(folder) for folder in (*unused(install), *leftovers(install)))


def _open(folder: Path) -> OpenTransaction:
    names = (folder.parts[-3], folder.name.removeprefix(UNUSED))
    owner, purpose = (shown(name) for name in names)
    if folder.name.startswith(UNUSED):
        return OpenTransaction(owner=owner, purpose=purpose, state=None)
    try:
        with as_disk_error("reading a journal"):
            found = journal.read(folder)
    except (DamagedError, DiskError) as error:
        return OpenTransaction(owner=owner, purpose=purpose, state=None, problem=str(error))
    return OpenTransaction(owner=owner, purpose=purpose, state=found[1] if found else None)


def _running(lock: HeldBy | None) -> SessionId | None:
    return lock.holder.session if lock and lock.holder else None


def _view(
    stored: sessions.Stored, running: SessionId | None, kept: frozenset[BackupName]
) -> SessionView:
    session = stored.session
    return SessionView(
        session_id=stored.session_id,
        session=session,
        problem=stored.problem,
        interrupted=session is not None and decide.interrupted(session=session, running=running),
        turned_back=session is not None and turned_back(session=session, running=running),
        stale=session is not None
        and decide.stale(session=session, now=datetime.now(UTC), backups=kept),
    )


def _last_backup(install: Path) -> tuple[LastBackup | None, tuple[DamagedBackup, ...]]:
    """Return the newest backup with a whole manifest, and those that are newer and have none."""
    damaged = []
    for each in backups.newest_first(install):
        if each.manifest is None:
            damaged.append(DamagedBackup(name=each.name, problem=each.problem or "damaged"))
            continue
        age = datetime.now(UTC) - each.manifest.created_at
        last = LastBackup(
            name=each.name,
            created_at=each.manifest.created_at,
            age_s=max(0, int(age.total_seconds())),
        )
        return last, tuple(damaged)
    return None, tuple(damaged)
