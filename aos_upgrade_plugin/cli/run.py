"""``aos-upgrade run``, ``resume``, ``rollback`` and ``report``: runs and how they end."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aos_upgrade_plugin.cli import answering, asking, options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.plan import UpgradePlan
    from aos_upgrade_plugin.models.report import RunReport

Session = Annotated[
    str | None, typer.Argument(metavar="[SESSION]", help="Default: the one used last.")
]
EvidenceDir = Annotated[
    Path | None,
    typer.Option("--evidence-dir", metavar="DIR", help="Copy the evidence there, too."),
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
    keep_backups: Annotated[
        int | None, typer.Option("--keep-backups", metavar="N", help="Default: 3.")
    ] = None,
    auto_restart: Annotated[
        bool | None,
        typer.Option(
            "--auto-restart/--no-auto-restart",
            help="Restart the server (default), or pause until you did.",
            show_default=False,
        ),
    ] = None,
    restart_timeout: Annotated[
        float | None,
        typer.Option(
            "--restart-timeout", metavar="SECONDS", help="How long a start may take. Default: 30."
        ),
    ] = None,
    skip_tests: Annotated[
        bool | None,
        typer.Option(
            "--skip-tests/--no-skip-tests",
            help="Leave out the unit tests of the installation (default), or run them.",
            show_default=False,
        ),
    ] = None,
    git_commit: Annotated[
        bool | None,
        typer.Option("--git-commit", help="Commit what changed to the project's own repository."),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", metavar="N", help="Run so many checks at once.")
    ] = None,
    dry_run: Annotated[
        bool | None, typer.Option("--dry-run", help="Stop before anything changes.")
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option("--plan", metavar="FILE", help="Apply exactly this saved plan, or refuse."),
    ] = None,
    waivers: Annotated[
        Path | None,
        typer.Option("--waivers", metavar="FILE", help="Checks that somebody answers for."),
    ] = None,
    evidence_dir: EvidenceDir = None,
    as_json: options.AsJson = False,
) -> None:
    """Upgrade an installation. If anything fails, it goes back by itself."""
    from aos_upgrade_plugin.effects.run_folder import load_plan
    from aos_upgrade_plugin.effects.waiver_file import read_waivers

    flags = {
        "source_path": source,
        "only": only,
        "on_conflict": on_conflict,
        "migrate": tuple(migrate) if migrate else None,
        "keep_backups": keep_backups,
        "auto_restart": auto_restart,
        "restart_timeout_s": restart_timeout,
        "skip_tests": skip_tests,
        "git_commit_after": git_commit,
        "jobs": jobs,
        "dry_run": dry_run,
    }
    given = {name: value for name, value in flags.items() if value is not None}
    saved = None if plan is None else load_plan(plan)
    if saved is None:
        settings = options.settings(target, given, may_ask=not (as_json or dry_run))
    else:
        answering.refuse_beside_plan(answers, write_answers)
        settings = options.settings(target, _as_planned(saved, given))
    accepted = () if waivers is None else read_waivers(waivers)
    upgrade = options.upgrade(target, as_json=as_json)
    if saved is None:
        upgrade.refuse_at_once(evidence_dir)
        agree = None if as_json else asking.about_migrations()
        settings, saved = answering.settled(
            upgrade, settings, agree=agree, read=answers, write=write_answers
        )
    report = upgrade.run(settings, plan=saved, waivers=accepted, evidence_dir=evidence_dir)
    _end(report, as_json=as_json)


def resume(
    session: Session = None,
    *,
    target: options.Target = None,
    evidence_dir: EvidenceDir = None,
    as_json: options.AsJson = False,
) -> None:
    """Go on with a run that was interrupted or paused."""
    report = options.upgrade(target, as_json=as_json).resume(session, evidence_dir=evidence_dir)
    _end(report, as_json=as_json)


def rollback(
    session: Session = None,
    *,
    target: options.Target = None,
    evidence_dir: EvidenceDir = None,
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
    from aos_upgrade_plugin.decide.screen import screen

    if as_json:
        output.answer(report.model_dump(mode="json", by_alias=True))
    else:
        for line in screen(report):
            output.say(line)
    raise typer.Exit(report.exit_code if exit_code is None else exit_code)
