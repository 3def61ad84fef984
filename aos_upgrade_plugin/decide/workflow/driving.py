"""How an upgrade that is driven from outside goes from phase to phase."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from aos_upgrade_plugin.decide.content.answering import as_answers
from aos_upgrade_plugin.decide.run.evidence import evidence_fields
from aos_upgrade_plugin.decide.run.progress import left_out
from aos_upgrade_plugin.decide.run.reporting import changes_report, server_report
from aos_upgrade_plugin.decide.run.run_state import phase_begun, phase_passed
from aos_upgrade_plugin.decide.run.sessions import DRIVEN, moved
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.migration import PlannedMigration
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.session import Release, SessionError, SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.settings import Scope, Settings
from aos_upgrade_plugin.models.workflow import BACKUP, CONTENT, PRE_FLIGHT, SERVER

Fields = dict[str, Any]

_ANSWERS = "answers"


def driven(session: WorkflowSession, *, answers: JsonValue) -> WorkflowSession:
    """Return the session of a run that somebody outside will take from phase to phase."""
    return session.model_copy(
        update={"metadata": {**session.metadata, DRIVEN: True, _ANSWERS: answers}}
    )


def answers_of(session: WorkflowSession) -> JsonValue:
    """Return the answers to conflicts that a driven upgrade was begun with."""
    return session.metadata.get(_ANSWERS)


def replanned(
    session: WorkflowSession, plan: UpgradePlan, *, settings: Settings
) -> WorkflowSession:
    """Return the session of a run that has not begun, for another plan; its errors stay."""
    after = session.model_copy(
        update={
            "options": settings.model_dump(mode="json"),
            "from_release": Release(version=plan.origin.version, commit=plan.origin.commit),
            "to_release": Release(version=plan.source.version, commit=plan.source.commit),
        }
    )
    return at_the_beginning(after)


def at_the_beginning(session: WorkflowSession) -> WorkflowSession:
    """Return the session of a run that has not begun, with nothing behind it."""
    if session.session_status is not SessionStatus.ACTIVE:
        session = moved(session=session, to=SessionStatus.ACTIVE, reason="")
    nothing: Fields = {"current_phase": PRE_FLIGHT, "completed_phases": (), "phase_artifacts": {}}
    return session.model_copy(update=nothing)


def refused_to_begin(
    session: WorkflowSession, *, reasons: tuple[str, ...], cure: str, now: datetime
) -> WorkflowSession:
    """Return the session of a run that pre-flight, or another plan, did not let begin."""
    error = SessionError(
        phase=PRE_FLIGHT,
        timestamp=now,
        error_type="gate",
        message=reasons[0],
        details="\n".join(reasons[1:]),
        remediation=cure,
    )
    update: Fields = {
        "errors": (*session.errors, error),
        "current_phase": PRE_FLIGHT,
        "completed_phases": (),
    }
    return moved(
        session=session.model_copy(update=update), to=SessionStatus.FAILED, reason=reasons[0]
    )


def accepted(session: WorkflowSession, *, phases: Sequence[int]) -> WorkflowSession:
    """Return the session at the phase that follows the one that it has measured.

    A dry run is over after its last phase; any other is ended by its last gate.
    """
    skipped = left_out(only=Scope(str(session.options.get("only", Scope.ALL))))
    behind = {*session.completed_phases, *skipped}
    following = next((number for number in phases if number not in behind), None)
    if following is None:
        reason = "a dry run: nothing was changed"
        return moved(session=session, to=SessionStatus.COMPLETED, reason=reason)
    return session.model_copy(update={"current_phase": following})


def foreseen(session: WorkflowSession, plan: UpgradePlan, *, now: datetime) -> WorkflowSession:
    """Return the session of a dry run with its current phase behind it: nothing was done."""
    number = session.current_phase
    begun = phase_begun(session=session, phase=number, now=now)
    would: dict[str, JsonValue] = {
        "dry_run": True,
        "would": _would(number, plan),
        "evidence_head": session.evidence_head,
    }
    return phase_passed(session=begun, phase=number, artifacts=would, now=now)


def _would(phase: int, plan: UpgradePlan) -> JsonValue:
    checks = [
        str(each["id"])
        for each in plan.checks
        if isinstance(each, Mapping) and each.get("gate") == Gate.named(str(phase)).value
    ]
    parts = [one.part for one in plan.changes]
    done: dict[int, dict[str, JsonValue]] = {
        BACKUP: {"backup": "a verified copy of everything that this run may change"},
        CONTENT: {"changes": parts.count(Part.CONTENT), "of_all": plan_summary(plan)["counts"]},
        SERVER: {"changes": parts.count(Part.SERVER), **_server(plan)},
    }
    return {**done.get(phase, {}), "checks": [*checks]}


def _server(plan: UpgradePlan) -> dict[str, JsonValue]:
    report = server_report(plan)
    return {"packages": [*report.packages], "steps": [*report.steps]} if report else {}


def plan_summary(plan: UpgradePlan) -> Fields:
    """Return what a plan would change, short enough to be read before the first phase."""
    counts = changes_report(plan).counts
    return {
        "from": plan.origin.model_dump(mode="json", exclude={"known_by"}),
        "to": {"commit": plan.source.commit, "version": plan.source.version},
        "counts": counts,
        "migrations": [each.id for each in plan.migrations if each.asked],
        "migrations_offered": [_offer(each) for each in plan.offered],
        "notes": list(plan.notes),
        **_server(plan),
    }


def decisions_needed(plan: UpgradePlan) -> Fields:
    """Return what has to be decided before a plan can be run, in the form that ``start`` takes.

    ``answers`` has the conflicts in the order of ``conflicts``.
    """
    answers, _ = as_answers(plan)
    open_ones = [each for each in answers.answers if each.decision is None]
    return {
        "conflicts": [
            {
                "path": each.path,
                "relation": each.relation,
                "choices": list(each.choices),
                "about": list(each.about),
            }
            for each in plan.undecided
        ],
        "migrations": [_offer(each) for each in plan.unasked],
        "answers": [each.model_dump(mode="json", exclude_none=True) for each in open_ones],
    }


def _offer(migration: PlannedMigration) -> Fields:
    return {"id": migration.id, "title": migration.title, "why": migration.why}


def evidence_measured(phase: int) -> Fields:
    """Return what the gate of a phase measures: none of it has to be claimed."""
    return {
        name: {"type": kind, "required": False, "measured": True}
        for name, kind in evidence_fields(Gate.named(str(phase))).items()
    }


def is_dry(session: WorkflowSession) -> bool:
    """Say whether a run only shows what it would do."""
    return session.options.get("dry_run") is True


def is_over(session: WorkflowSession) -> bool:
    """Say whether no phase is left."""
    return session.session_status is SessionStatus.COMPLETED
