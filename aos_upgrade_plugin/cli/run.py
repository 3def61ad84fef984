"""``aos-upgrade run``, ``resume``, ``rollback`` and ``report``: runs and how they end."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aos_upgrade_plugin.cli import answering, asking, flags, options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.plan import UpgradePlan
    from aos_upgrade_plugin.models.report import RunReport
    from aos_upgrade_plugin.models.settings import Settings
    from aos_upgrade_plugin.models.waiver import Waiver

Session = Annotated[
    str | None, typer.Argument(metavar="[SESSION]", help="Default: the one used last.")
]


def run(  # noqa: PLR0913  a flag each
    *,
    source: options.Source = None,
    target: options.Target = None,
    only: options.Only = None,
    on_conflict: options.OnConflict = None,
    migrate: options.Migrate = None,
    answers: options.Answers = None,
    write_answers: options.WriteAnswers = None,
    keep_backups: flags.KeepBackups = None,
    auto_restart: flags.AutoRestart = None,
    restart_timeout: flags.RestartTimeout = None,
    skip_tests: flags.SkipTests = None,
    git_commit: flags.GitCommit = None,
    jobs: flags.Jobs = None,
    dry_run: flags.DryRun = None,
    plan: flags.PlanFile = None,
    waivers: flags.Waivers = None,
    evidence_dir: flags.EvidenceDir = None,
    as_json: options.AsJson = False,
) -> None:
    """Upgrade an installation. If anything fails, it goes back by itself."""
    given = _given(
        source_path=source,
        only=only,
        on_conflict=on_conflict,
        migrate=tuple(migrate) if migrate else None,
        keep_backups=keep_backups,
        auto_restart=auto_restart,
        restart_timeout_s=restart_timeout,
        skip_tests=skip_tests,
        git_commit_after=git_commit,
        jobs=jobs,
        dry_run=dry_run,
    )
    accepted = () if waivers is None else _accepted(waivers)
    upgrade = options.upgrade(target, as_json=as_json)
    if plan is None:
        settings = options.settings(target, given, may_ask=not (as_json or dry_run))
        upgrade.refuse_at_once(evidence_dir)
        agree = None if as_json else asking.about_migrations()
        settings, saved = answering.settled(
            upgrade, settings, agree=agree, read=answers, write=write_answers
        )
    else:
        answering.refuse_beside_plan(answers, write_answers)
        settings, saved = _of_plan(plan, target, given)
    report = upgrade.run(settings, plan=saved, waivers=accepted, evidence_dir=evidence_dir)
    _end(report, as_json=as_json)


def resume(
    session: Session = None,
    *,
    target: options.Target = None,
    evidence_dir: flags.EvidenceDir = None,
    through: Annotated[int | None, typer.Option("--through", hidden=True)] = None,
    as_json: options.AsJson = False,
) -> None:
    """Go on with a run that was interrupted or paused."""
    upgrade = options.upgrade(target, as_json=as_json)
    if through is None or session is None:
        report = upgrade.resume(session, evidence_dir=evidence_dir)
    else:  # the workflow tool drives it, phase by phase
        report = upgrade.advance(session, through=through)
    _end(report, as_json=as_json)


def rollback(
    session: Session = None,
    *,
    target: options.Target = None,
    evidence_dir: flags.EvidenceDir = None,
    as_json: options.AsJson = False,
) -> None:
    """Take a run back, also a completed one while its backup is kept."""
    from aos_upgrade_plugin.errors import ExitCode
    from aos_upgrade_plugin.models.report import Status

    report = options.upgrade(target, as_json=as_json).roll_back(session, evidence_dir=evidence_dir)
    asked_for = report.status is Status.ROLLED_BACK
    _end(report, as_json=as_json, exit_code=ExitCode.DONE if asked_for else report.exit_code)


def report(
    session: Session = None,
    *,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how a run ended, or where it stands. Changes nothing."""
    from aos_upgrade_plugin.errors import ExitCode

    _end(
        options.upgrade(target, as_json=True).report(session),
        as_json=as_json,
        exit_code=ExitCode.DONE,
    )


def _given(**every: object) -> dict[str, object]:
    """Return the flags that somebody gave."""
    return {name: value for name, value in every.items() if value is not None}


def _accepted(waivers: Path) -> tuple["Waiver", ...]:
    from aos_upgrade_plugin.effects.gate.waiver_file import read_waivers

    return read_waivers(waivers)


def _of_plan(
    file: Path, target: str | None, given: Mapping[str, object]
) -> tuple["Settings", "UpgradePlan"]:
    """Return the settings that a saved plan was made with, and the plan."""
    from aos_upgrade_plugin.effects.session.run_folder import load_plan

    saved = load_plan(file)
    return options.settings(target, _as_planned(saved, given)), saved


def _as_planned(saved: "UpgradePlan", given: Mapping[str, object]) -> dict[str, object]:
    """Return the flags with what the plan was made with; one that contradicts it is refused."""
    from aos_upgrade_plugin.errors import UsageError
    from aos_upgrade_plugin.models.tree import unescape

    source = Path(os.fsdecode(unescape(saved.source.path)))
    planned: dict[str, object] = {"source_path": source, **dict(saved.options)}
    for name, value in given.items():
        same = Path(str(value)).absolute() if name == "source_path" else value
        if name in planned and same != planned[name]:
            flag = "--source" if name == "source_path" else f"--{name.replace('_', '-')}"
            raise UsageError(
                f"the plan was made with {flag} {planned[name]}, not {value}",
                cure=f"leave {flag} out, or make a new plan",
            )
    return {**planned, **given}


def _end(report: "RunReport", *, as_json: bool, exit_code: int | None = None) -> None:
    """Print the report and end with the exit status that it says."""
    from aos_upgrade_plugin.decide.run.screen import screen

    if as_json:
        output.answer(report.model_dump(mode="json", by_alias=True))
    else:
        for line in screen(report):
            output.say(line)
    raise typer.Exit(report.exit_code if exit_code is None else exit_code)
