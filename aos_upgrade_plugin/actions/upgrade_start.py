"""An upgrade begun by the tool: planned, with everything decided; nothing is changed yet."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from aos_upgrade_plugin.actions import runs
from aos_upgrade_plugin.actions.upgrade_planning import Planning
from aos_upgrade_plugin.actions.workflow_desk import Answer, Desk, going_on
from aos_upgrade_plugin.decide.run.settings import settled
from aos_upgrade_plugin.decide.workflow.driven_answers import undecided
from aos_upgrade_plugin.decide.workflow.driving import answers_of, driven, plan_summary, replanned
from aos_upgrade_plugin.decide.workflow.workflow_call import path_in_project
from aos_upgrade_plugin.effects.answers_file import given_answers
from aos_upgrade_plugin.effects.project import settings_table
from aos_upgrade_plugin.effects.session import run_folder, sessions
from aos_upgrade_plugin.effects.session.lock import refuse_held
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.plan import UpgradePlan
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.models.workflow_call import Start
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.plugins import installed_plugins

_ANSWERS = "answers"
_SERVER = "mcp_server"
_WHERE = "options"


def start_upgrade(desk: Desk, asked: Start) -> Answer:
    """Begin an upgrade that is driven from phase to phase, or say what has to be decided first.

    Nothing is written to the installation: the session is with the user until phase 1.
    """
    at = desk.installation
    _refuse_other_target(at, asked.target_file)
    settings = _settings(at, asked.options)
    answers = asked.options.get(_ANSWERS)
    settings, plan = _plan(at, settings, answers)
    if plan.undecided or plan.unasked:
        return undecided(plan)
    run = runs.new(at, settings, plan)
    begun = driven(run.session, answers=answers)
    session = sessions.save(run_folder.with_user(at.path), begun)
    workflow = desk.workflow(session)
    return {
        **going_on(session),
        "workflow_type": session.workflow_type,
        "target_file": session.target_file,
        "dry_run": settings.dry_run,
        "plan": plan_summary(plan),
        "phase_content": desk.phase_content(session, workflow, session.current_phase),
    }


def begin_again(desk: Desk, run: Run) -> WorkflowSession | Answer:
    """Return the session of a run that has not begun, planned anew; or what has to be decided."""
    settings, plan = _plan(desk.installation, run.settings, answers_of(run.session))
    if plan.undecided or plan.unasked:
        return {**going_on(run.session), **undecided(plan)}
    run_folder.save_plan(run.folder, plan)
    return replanned(run.session, plan, settings=settings)


def questions(desk: Desk, asked: Start) -> Answer | None:
    """Return what ``start`` would ask to be decided; nothing where it would begin."""
    at = desk.installation
    _refuse_other_target(at, asked.target_file)
    _, plan = _plan(at, _settings(at, asked.options), asked.options.get(_ANSWERS))
    return undecided(plan) if plan.undecided or plan.unasked else None


def _plan(at: Installation, settings: Settings, answers: JsonValue) -> tuple[Settings, UpgradePlan]:
    refuse_held(at.path)
    given = None if answers is None else given_answers(answers)
    return Planning(at, installed_plugins()).settled(settings, answers=given)


def _refuse_other_target(at: Installation, target_file: str) -> None:
    fit = (_SERVER, at.layout.folder, at.path.name)
    if path_in_project(target_file) not in fit:
        raise UsageError(
            "an upgrade works on the installation",
            cure=f"name it as target_file: {_SERVER} or {at.layout.folder}",
        )


def _settings(at: Installation, options: Mapping[str, JsonValue]) -> Settings:
    said: dict[str, Any] = {name: each for name, each in options.items() if name != _ANSWERS}
    project = settings_table(at.project)
    settings = settled(flags=said, environment=os.environ, project=project, flags_are=_WHERE)
    return settings.model_copy(update={"source_path": _source(at, settings.source_path)})


def _source(at: Installation, path: Path) -> Path:
    """Return the path of a source; one that is not absolute begins at the project."""
    return (at.project / path.expanduser()).resolve()
