"""The runs of an installation: a new one for a plan, or one that its session tells of."""

import secrets
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter

from aos_upgrade_plugin.decide.run.run_state import session_of_run
from aos_upgrade_plugin.decide.run.sessions import at_rest, is_driven, is_upgrade, moved
from aos_upgrade_plugin.decide.workflow.driving import refused_to_begin
from aos_upgrade_plugin.effects.session import run_folder, sessions
from aos_upgrade_plugin.engine import Ended
from aos_upgrade_plugin.errors import (
    DamagedError,
    NotFoundError,
    StaleError,
    StateError,
    StoppedError,
    UpgradeError,
)
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.gate import PlannedCheck
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.report import Status
from aos_upgrade_plugin.models.run import PLAN, Run
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.models.waiver import Waiver
from aos_upgrade_plugin.models.workflow import CONTENT, SERVER
from aos_upgrade_plugin.phases import source
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.rollback import server_is_down

OPEN = frozenset({SessionStatus.ACTIVE, SessionStatus.PAUSED})
"""The states in which a run can go on."""

_CHECKS: TypeAdapter[tuple[PlannedCheck, ...]] = TypeAdapter(tuple[PlannedCheck, ...])
_WAIVERS: TypeAdapter[tuple[Waiver, ...]] = TypeAdapter(tuple[Waiver, ...])


def with_checks(plan: UpgradePlan, checks: Sequence[PlannedCheck]) -> UpgradePlan:
    """Return the plan with the checks of every gate fixed in it."""
    fixed = _CHECKS.dump_python(tuple(checks), mode="json")
    return plan.model_copy(update={"checks": tuple(fixed)})


def new(
    at: Installation, settings: Settings, plan: UpgradePlan, waivers: Sequence[Waiver] = ()
) -> Run:
    """Make a run that has not begun: what there is of it is with the user."""
    session = session_of_run(
        target_file=at.path.name,
        plan=plan,
        settings=settings,
        now=datetime.now(UTC),
        random=secrets.token_hex(4),
    )
    accepted = {"waivers": _WAIVERS.dump_python(tuple(waivers), mode="json")}
    session = session.model_copy(update={"metadata": accepted})
    folder = run_folder.before_it_begins(at.path, session.session_id, keep=settings.keep_backups)
    run_folder.save_plan(folder, plan)
    return _run_of(at, session, plan, folder)


def keep_unbegun(at: Installation, ended: Ended) -> Ended:
    """Keep where a driven run stands that has not begun: it is with the user until then."""
    session, now = ended.run.session, datetime.now(UTC)
    status = ended.status or Status.AT_REST
    if status in {Status.BLOCKED, Status.NEEDS_DECISION}:
        session = refused_to_begin(session, reasons=ended.reasons, cure=ended.cure, now=now)
    elif status is Status.NOTHING_TO_DO:
        reason = "the installation has all that the source brings"
        session = moved(session=session, to=SessionStatus.COMPLETED, reason=reason)
    saved = sessions.save(run_folder.with_user(at.path), session)
    return ended._replace(run=ended.run.at(saved), status=status)


def find_unbegun(at: Installation, name: SessionId) -> Run | None:
    """Return a driven run that has not begun; nothing where it has, or there is none.

    Raises DamagedError where its session or its plan cannot be read.
    """
    place = run_folder.with_user(at.path)
    if sessions.there(at.path, name) or not sessions.there(place, name):
        return None
    session, folder = sessions.load(place, name).session, place / name
    if session is None:
        return None
    try:
        plan = run_folder.load_plan(folder / PLAN)
    except (NotFoundError, DamagedError) as error:
        raise DamagedError(
            f"the plan of {name} cannot be read: {error}",
            cure="delete the session, and start another one",
        ) from error
    return _run_of(at, session, plan, folder)


def forget_unbegun(at: Installation, name: SessionId) -> None:
    """Forget with the user what the installation keeps from now on."""
    place = run_folder.with_user(at.path)
    if sessions.there(place, name):
        sessions.delete(place, name, reason="it began")
        run_folder.remove(place / name)


def find(at: Installation, name: SessionId | None, *, open_only: bool = False) -> Run:
    """Return the run that is meant: the one named, else the one that was used last.

    Raises NotFoundError; StateError where the session named is no upgrade that began;
    DamagedError where its session or its plan cannot be read.
    """
    name = name or _newest(at, open_only=open_only)
    session = sessions.load(at.path, name).session
    folder = run_folder.of_session(at.path, name)
    if session is None or not is_upgrade(session) or not (folder / PLAN).is_file():
        raise StateError(
            f"the session {name} is no upgrade that began",
            cure="look which there are: aos-upgrade sessions list",
        )
    return _run_of(at, session, run_folder.load_plan(folder / PLAN), folder)


def latest(run: Run) -> Run:
    """Return a run as its session was saved last; as it is where that cannot be read."""
    with suppress(UpgradeError):
        session = sessions.load(run.install, run.session.session_id).session
        return run if session is None else run.at(session)
    return run


def refuse_unless_open(run: Run) -> None:
    """Raise StateError for a run that has come to an end."""
    session = run.session
    if session.session_status not in OPEN:
        raise StateError(
            f"the session {session.session_id} is {session.session_status}: there is nothing to "
            "resume",
            cure="look at what can be done: aos-upgrade status",
        )


def refuse_put_aside(run: Run) -> None:
    """Raise StateError for a driven run that somebody paused before its next phase began."""
    session = run.session
    if session.session_status is SessionStatus.PAUSED and at_rest(session):
        raise StateError(
            f"the session {session.session_id} was paused before phase {session.current_phase}",
            cure="take it up again with resume",
        )


def refuse_rolled_back(run: Run) -> None:
    """Raise StateError for a run that needs not go back any more."""
    if run.session.session_status is SessionStatus.ROLLED_BACK:
        raise StateError(
            f"the session {run.session.session_id} is rolled back already",
            cure="nothing needs to be done; to see it: aos-upgrade report",
        )


def refuse_beside_an_open_one(install: Path) -> None:
    """Raise StateError where a driven upgrade has begun, and is neither at its end nor back.

    Asked under the lock: since pre-flight looked, one may have begun and let go of it again. Any
    other keeps the lock until something has changed, which makes the plan of this one stale.
    """
    for each in _upgrades(install):
        if is_driven(each) and each.session_status in OPEN:
            raise StateError(
                f"the upgrade {each.session_id} has begun and is {each.session_status}",
                cure=f"finish it, or take it back: aos-upgrade rollback {each.session_id}",
            )


def refuse_under_a_later_one(run: Run) -> None:
    """Raise StateError where another upgrade stands on what this one laid down."""
    session = run.session
    later = [
        each
        for each in _upgrades(run.install)
        if each.created_at > session.created_at
        and any(attempt.phase in {CONTENT, SERVER} for attempt in each.phase_history)
        and each.session_status is not SessionStatus.ROLLED_BACK
    ]
    if later:
        newest = max(later, key=lambda each: each.created_at).session_id
        raise StateError(
            f"the upgrade {newest} was made after {session.session_id} and stands on it",
            cure=f"take that one back first: aos-upgrade rollback {newest}",
        )


@contextmanager
def stoppable(run: Run, command: str) -> Generator[None]:
    """Tell whoever stops a run that has begun how it goes on."""
    name = run.session.session_id
    try:
        yield
    except KeyboardInterrupt as stop:
        back = "" if command == "rollback" else f"; or take it back: aos-upgrade rollback {name}"
        down = server_is_down(latest(run))
        raise StoppedError(
            f"stopped, with nothing half done{down and f'; {down}'}",
            cure=f"to go on: aos-upgrade {command} {name}{back}",
        ) from stop


def refuse_other_commit(plan: UpgradePlan, settings: Settings) -> None:
    """Raise StaleError where the source is not at the commit that a plan was made for."""
    commit = source.take(settings.source_path).commit
    if commit != plan.source.commit:
        raise StaleError(
            f"the plan was made for the commit {plan.source.commit[:12]}, and the source is at "
            f"{commit[:12]} now",
            cure="check the planned commit out again, or make a new plan",
        )


def _newest(at: Installation, *, open_only: bool) -> SessionId:
    found = [each for each in _upgrades(at.path) if not open_only or each.session_status in OPEN]
    if not found:
        what = "unfinished upgrade" if open_only else "upgrade"
        raise NotFoundError(
            f"there is no {what} of {at.path}",
            cure="begin one: aos-upgrade run --source DIR",
        )
    return max(found, key=lambda each: each.last_updated).session_id


def _upgrades(install: Path) -> list[WorkflowSession]:
    found = (each.session for each in sessions.stored(install))
    return [each for each in found if each is not None and is_upgrade(each)]


def _run_of(at: Installation, session: WorkflowSession, plan: UpgradePlan, folder: Path) -> Run:
    return Run(
        install=at.path,
        project=at.project,
        layout=at.layout,
        settings=Settings.model_validate(dict(session.options)),
        plan=plan,
        checks=_CHECKS.validate_python(plan.checks),
        waivers=_WAIVERS.validate_python(session.metadata.get("waivers", [])),
        session=session,
        folder=folder,
    )
