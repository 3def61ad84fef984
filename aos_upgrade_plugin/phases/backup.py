"""Phase 1: a verified backup. Afterwards there is a way back, or there is no half-made backup."""

from collections.abc import Iterator
from datetime import UTC, datetime

from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.backup.backup_check import spoils
from aos_upgrade_plugin.effects.backup.backups import Backup
from aos_upgrade_plugin.effects.tree import staging
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.run import Acted, Facts, Run
from aos_upgrade_plugin.phases.backing_up import Verified, back_up_verified
from aos_upgrade_plugin.phases.installation import installation_of
from aos_upgrade_plugin.phases.server_before import look_before


def back_up_run(run: Run) -> Acted:
    """Make the run's backup and read it again; one that an earlier attempt finished will do."""
    whole = next((each for each in _own(run) if not spoils(each.path)), None)
    made = Verified(whole) if whole else _back_up(run)
    name, damaged = made.backup.name, [str(each) for each in made.damaged_before]
    session = run.session.model_copy(update={"backup": name})
    return Acted(session, {"backup": name, "damaged_before": [*damaged], **_server_before(run)})


def _back_up(run: Run) -> Verified:
    session_id = run.session.session_id
    return back_up_verified(installation_of(run), now=datetime.now(UTC), session=session_id)


def _server_before(run: Run) -> Facts:
    """Look at the server while nothing has changed, where the run is about it."""
    if Part.SERVER not in run.settings.only.parts:
        return {}
    return {"server_before": look_before(run).model_dump(mode="json")}


def give_up_backup(run: Run) -> Run:
    """Remove a backup that leads back from nothing, and let the session forget it."""
    staging.release_space(run.folder)
    backups.clean(run.install)
    for backup in _own(run):
        backups.remove(backup.path)
    return run.at(run.session.model_copy(update={"backup": None}))


def _own(run: Run) -> Iterator[Backup]:
    """Find what this run backed up, also where it was stopped before its session knew of it."""
    for backup in backups.listed(run.install):
        if backup.manifest and backup.manifest.session == run.session.session_id:
            yield backup
