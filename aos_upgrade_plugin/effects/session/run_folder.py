"""Where a run keeps its plan and evidence: with the user first, in the installation later."""

import hashlib
import json
import os
import secrets
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from platformdirs import user_state_path
from pydantic import ValidationError

from aos_upgrade_plugin.effects.session import sessions
from aos_upgrade_plugin.effects.session.sessions import STATE
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.tree.transaction import UPGRADES
from aos_upgrade_plugin.errors import DamagedError, DiskError, NotFoundError, UsageError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.report import RunReport
from aos_upgrade_plugin.models.run import PLAN, REPORT
from aos_upgrade_plugin.models.tree import Kind, shown

_IN_USE_S = 24 * 60 * 60.0
"""Before it has begun, a run takes minutes; nobody waits a day for a plan to be looked at."""


def before_it_begins(install: Path, session_id: SessionId, *, keep: int) -> Path:
    """Make the folder of a run that has not begun: nothing is written to the target until then.

    Of the folders that earlier runs of the installation left there, the newest ``keep`` stay, and
    those that a command may still be working in.
    """
    runs = with_user(install)
    folder = runs / session_id
    with as_disk_error("making the folder of the evidence"):
        _prune(runs, keep=keep)
        durable.make_directories(folder / "evidence", mode=0o700)
    return folder


def with_user(install: Path) -> Path:
    """Return where runs of an installation are kept that have not begun.

    The sessions of those that are driven from outside are stored below it, as they are below an
    installation.
    """
    return user_state() / "runs" / hashlib.sha256(os.fsencode(install)).hexdigest()[:16]


def _prune(runs: Path, *, keep: int) -> None:
    if not runs.is_dir():
        return
    kept = {STATE, *(each.session_id for each in sessions.stored(runs))}
    used = {each: each.stat().st_mtime for each in runs.iterdir() if each.name not in kept}
    newest_first = sorted(used, key=lambda each: used[each], reverse=True)
    long_ago = time.time() - _IN_USE_S
    for each in newest_first[keep:]:
        if used[each] < long_ago:
            durable.remove_tree(each)


@contextmanager
def for_planning() -> Generator[Path]:
    """Make a folder for the time of a plan; what an error refers to stays there."""
    folder = user_state() / "planning" / secrets.token_hex(8)
    with as_disk_error("making a folder to plan in"):
        durable.make_directories(folder, mode=0o700)
    yield folder
    remove(folder)


def user_state() -> Path:
    """Return the folder of this user's state. Raises DiskError where there is none."""
    state = user_state_path("aos-upgrade")
    if not state.is_absolute():
        raise DiskError(
            "there is no folder for this user's state, because there is no home",
            cure="set HOME or XDG_STATE_HOME",
        )
    return state


def of_session(install: Path, session_id: SessionId) -> Path:
    """Return the folder of a run that has begun."""
    return install / UPGRADES / session_id


def remove(folder: Path) -> None:
    """Remove a folder that nothing needs any more."""
    with as_disk_error("removing the folder that the evidence was in"):
        durable.remove_tree(folder)


@contextmanager
def gone_if_it_fails(folder: Path) -> Generator[None]:
    """Remove a run's folder again where the run cannot begin."""
    try:
        yield
    except BaseException:
        remove(folder)
        raise


def copy(source: Path, target: Path) -> Path:
    """Copy a run's folder with everything in it, durably."""
    with as_disk_error("copying the evidence"):
        durable.make_directories(target, mode=0o700)
        for found in files.scan(source):
            location = files.locate(target, found.path)
            if found.kind is Kind.DIRECTORY:
                durable.make_directories(Path(os.fsdecode(location)), mode=0o700)
            elif found.kind is Kind.FILE:
                durable.remove_tree(Path(os.fsdecode(location)))
                durable.copy_file(found.location, location)
        durable.sync_tree(target)
    return target


def refuse_unfit(evidence_dir: Path | None, install: Path) -> None:
    """Raise UsageError where it can be seen beforehand that the evidence cannot be copied there."""
    if evidence_dir is None:
        return
    named, cure = shown(evidence_dir), "name another folder: --evidence-dir DIR"
    with as_disk_error("looking at the folder for the evidence"):
        folder = evidence_dir.resolve()
        there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
        if not there.is_dir():
            raise UsageError(f"{named}: {shown(there)} is no folder", cure=cure)
        if not os.access(there, os.W_OK | os.X_OK):
            raise UsageError(f"{named} cannot be written", cure=cure)
    if folder.is_relative_to(install):
        raise UsageError(f"{named} lies in the installation itself", cure=cure)


def load_report(folder: Path) -> RunReport:
    """Read a stored report; raise DamagedError where there is none that can be read."""
    try:
        with as_disk_error("reading the report"):
            fields = json.loads((folder / REPORT).read_bytes())
        fields["from_release"], fields["to_release"] = fields.pop("from"), fields.pop("to")
        return RunReport.model_validate(fields)
    except (DiskError, ValueError, TypeError, KeyError) as error:
        raise DamagedError(
            f"{folder / REPORT} cannot be read", cure="look at the session: aos-upgrade status"
        ) from error


def save_plan(folder: Path, plan: UpgradePlan) -> None:
    """Write the plan down, for the checks and for a later resume."""
    with as_disk_error("writing the plan"):
        durable.write_durably(folder / PLAN, plan.model_dump_json(indent=1).encode())


def load_plan(path: Path) -> UpgradePlan:
    """Read a saved plan; raise NotFoundError, or DamagedError where it is none."""
    try:
        with as_disk_error("reading the plan"):
            raw = path.read_bytes()
    except DiskError as error:
        raise NotFoundError(str(error), cure="name a plan that was saved with --out") from error
    try:
        return UpgradePlan.model_validate_json(raw)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"]
        raise DamagedError(
            f"{path} is no plan that this version can read: {reason}",
            cure="make a new one: aos-upgrade plan --out FILE",
        ) from error
