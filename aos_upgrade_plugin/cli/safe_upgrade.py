"""``aos-upgrade safe-upgrade``: the content alone, as the product's own script is called."""

from typing import Annotated

import typer

from aos_upgrade_plugin.cli import answering, asking, options, output

_YES = (
    "note: --yes: new files are added without asking in any case, and nothing of yours is "
    "overwritten by it; conflicts are decided by --on-conflict keep, take or merge"
)


def safe_upgrade(  # noqa: PLR0913  a flag each
    *,
    source: options.Source = None,
    target: options.Target = None,
    dry_run: Annotated[
        bool | None, typer.Option("--dry-run", help="Stop before anything changes.")
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Accepted; it decides no conflict: --on-conflict does.")
    ] = False,
    on_conflict: options.OnConflict = None,
    migrate: options.Migrate = None,
    as_json: options.AsJson = False,
) -> None:
    """Upgrade the content only: run --only content, for who knows safe-upgrade.py."""
    from aos_upgrade_plugin.decide.content.safe_upgrade import safe_upgrade_lines

    if yes:
        output.note(_YES)
    flags = {
        "source_path": source,
        "only": "content",
        "on_conflict": on_conflict,
        "migrate": tuple(migrate) if migrate else None,
        "dry_run": dry_run,
    }
    settings = options.settings(target, flags)
    agree = None if as_json or settings.dry_run else asking.about_migrations()
    upgrade = options.upgrade(target, as_json=as_json)
    upgrade.refuse_at_once()
    settings, plan = answering.settled(upgrade, settings, agree=agree)
    report = upgrade.run(settings, plan=plan)
    if as_json:
        output.answer(report.model_dump(mode="json", by_alias=True))
    else:
        for line in safe_upgrade_lines(report):
            output.say(line)
    raise typer.Exit(report.exit_code)
