"""The answers of the tool about an upgrade that it drives."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from aos_upgrade_plugin.decide.run.sessions import at_rest
from aos_upgrade_plugin.decide.workflow.claims import Contradiction, told
from aos_upgrade_plugin.decide.workflow.driving import decisions_needed
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.session import SessionError, SessionStatus, WorkflowSession
from aos_upgrade_plugin.models.words import line

Fields = dict[str, Any]

_TOLD_AS: Mapping[SessionStatus, frozenset[str]] = {
    SessionStatus.FAILED: frozenset({"blocked", "needs_decision"}),
    SessionStatus.ROLLED_BACK: frozenset({"rolled_back"}),
    SessionStatus.INCONSISTENT: frozenset({"inconsistent"}),
}
"""What a command answers that brought a session to such an end."""

_CLAIM_AGAIN = "claim what was measured, or nothing, and complete the phase again"


def undecided(plan: UpgradePlan) -> Fields:
    """Return what an upgrade that cannot be begun yet waits for, and how that is said."""
    needed = decisions_needed(plan)
    words = [f"{len(needed[what])} {what}" for what in ("conflicts", "migrations") if needed[what]]
    how = [
        "decide the conflicts: options.on_conflict keep, take or merge for all, or fill in each "
        "decision of answers and send them as options.answers"
        if needed["conflicts"]
        else "",
        "say yes to the migrations: options.migrate with their ids" if needed["migrations"] else "",
    ]
    return {
        "status": "error",
        "error": f"nothing was begun: {' and '.join(words)} have to be decided",
        "error_type": "ValidationError",
        "remediation": f"{'; '.join(filter(None, how))}; then start again",
        **needed,
        "next_actions": ["start"],
    }


def at_work(
    *, command: str, since: datetime, done: int, planned: int, session: WorkflowSession
) -> Fields:
    """Return what is said while something works on an upgrade: a handle to ask again by."""
    return {
        "running": {
            "command": command,
            "phase": session.current_phase,
            "since": since.isoformat(),
            "checks_done": done,
            "checks_planned": planned,
        },
        "phase_running": True,
    }


def waits_for(session: WorkflowSession) -> Fields:
    """Return what is said where somebody has to do something before an upgrade can go on.

    It may be a command to be typed, so it keeps its paths.
    """
    return {
        "paused": True,
        "checkpoint_passed": False,
        "waits_for": session.status_reason,
        "next_actions": ["resume", "rollback", "get_state"],
    }


def stopped(answer: Mapping[str, Any] | None, *, session: WorkflowSession) -> Fields:
    """Return what is said of a command that did not come to the end that it was asked for.

    ``answer`` is the command's own; nothing where it was killed, or is not known any more.
    """
    reasons, cure = _reasons(answer) if answer is not None else _reasons_of(session)
    return {
        "status": "error",
        "error": line(reasons[0]),
        "error_type": "RuntimeError",
        "remediation": line(cure),
        "checkpoint_passed": False,
        "missing_evidence": [],
        "validation_errors": [{"field": "", "error": line(reason)} for reason in reasons],
        "rolled_back": session.session_status is SessionStatus.ROLLED_BACK,
        "rollback": (answer or {}).get("rollback") or {},
    }


def tells_of(answer: Mapping[str, Any], *, session: WorkflowSession) -> bool:
    """Say whether an answer is of the end that a session came to, and not of something before."""
    return answer.get("status") in _TOLD_AS.get(session.session_status, ())


def _reasons_of(session: WorkflowSession) -> tuple[list[str], str]:
    """Return what is known of a stop without the command's own words."""
    if session.session_status is SessionStatus.ACTIVE:
        again = "complete the phase again" if at_rest(session) else "take it up again: resume"
        return ["the command was killed before it could answer"], again
    status, why = session.session_status.value.replace("_", " "), session.status_reason
    cure = session.errors[-1].remediation if session.errors else ""
    return [f"the upgrade is {status}{why and f': {why}'}"], cure or "see get_errors"


def _reasons(answer: Mapping[str, Any]) -> tuple[list[str], str]:
    error = answer.get("error")
    if isinstance(error, Mapping):
        return [str(error["message"])], str(error["cure"])
    reasons = [str(each) for each in answer.get("reasons") or ()]
    status = str(answer.get("status", "stopped")).replace("_", " ")
    return reasons or [f"the upgrade is {status}"], str(answer.get("cure") or "see get_errors")


def report_of(answer: Mapping[str, Any] | None) -> Fields:
    """Return of a run's report what an answer shows."""
    shown = ("status", "reasons", "cure", "phases", "rollback", "warnings")
    return {name: answer[name] for name in shown if answer and name in answer}


def contradicted(found: Collection[Contradiction], *, phase: int) -> Fields:
    """Return what is said of claims that are not what was measured."""
    return {
        "status": "error",
        "error": line(f"claims about phase {phase} are refused: {told(found)}"),
        "error_type": "ValidationError",
        "remediation": _CLAIM_AGAIN,
        "checkpoint_passed": False,
        "phase_measured": True,
        "missing_evidence": [],
        "contradictions": [
            {"field": each.field, "claimed": each.claimed, "measured": each.measured}
            for each in found
        ],
        "validation_errors": [
            {"field": each.field, "error": "it is not what was measured"} for each in found
        ],
        "next_actions": ["complete_phase", "get_state"],
    }


def with_refused_claims(
    session: WorkflowSession, found: Collection[Contradiction], *, now: datetime
) -> WorkflowSession:
    """Return the session with claims that were refused; the phase stays measured."""
    error = SessionError(
        phase=session.current_phase,
        timestamp=now,
        error_type="ValidationError",
        message=line(f"claims were refused: {told(found)}"),
        remediation=_CLAIM_AGAIN,
    )
    return session.model_copy(update={"errors": (*session.errors, error)})
