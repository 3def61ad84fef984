"""``aos-upgrade plan``: what a run would do. Nothing is written to the installation."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aos_upgrade_plugin.cli import answering, options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.plan import UpgradePlan

_SHOWN = 8


def plan(  # noqa: PLR0913  a flag each
    *,
    source: options.Source = None,
    target: options.Target = None,
    only: options.Only = None,
    on_conflict: options.OnConflict = None,
    migrate: options.Migrate = None,
    answers: options.Answers = None,
    write_answers: options.WriteAnswers = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Save the plan for run --plan.")
    ] = None,
    diff: Annotated[bool, typer.Option("--diff", help="Show every change of content.")] = False,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write it with every change as one page."),
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show what would change, without changing anything."""
    from aos_upgrade_plugin.effects.tree import durable
    from aos_upgrade_plugin.effects.tree.files import as_disk_error
    from aos_upgrade_plugin.errors import ExitCode

    flags = {
        "source_path": source,
        "only": only,
        "on_conflict": on_conflict,
        "migrate": tuple(migrate) if migrate else None,
    }
    settings = options.settings(target, flags)
    _, made = answering.settled(
        options.upgrade(target, as_json=True), settings, read=answers, write=write_answers
    )
    if out is not None:
        with as_disk_error("saving the plan"):
            durable.write_durably(out, made.model_dump_json(indent=1).encode(), mode=0o644)
    if html is not None:
        _write_page(made, target, html)
    if as_json:
        output.answer(made.model_dump(mode="json"))
    else:
        _show(made)
    if diff and not as_json:
        _show_diff(made, target)
    waits = made.undecided or made.unasked
    raise typer.Exit(ExitCode.DECISION_NEEDED if waits else ExitCode.DONE)


def _show(made: "UpgradePlan") -> None:
    from aos_upgrade_plugin.decide.run.reporting import (
        changes_report,
        conflict_line,
        migration_told,
        server_lines,
        server_report,
        told_apart,
    )
    from aos_upgrade_plugin.models.session import Release

    before, after = told_apart(
        Release(version=made.origin.version, commit=made.origin.commit),
        Release(version=made.source.version, commit=made.source.commit),
    )
    output.say(
        f"{before} -> {after}: {len(made.changes)} changes, commit {made.source.commit[:12]}"
    )
    renamed = {
        one.change.path: f" (renamed from {one.renamed_from})"
        for one in made.changes
        if one.renamed_from
    }
    for relation, paths in changes_report(made).paths.items():
        output.say(f"  {relation.replace('_', ' ')}: {len(paths)}")
        for path in paths[:_SHOWN]:
            output.say(f"    {path}{renamed.get(path, '')}")
        if paths[_SHOWN:]:
            output.say(f"    and {len(paths) - _SHOWN} more; --json has them all")
    for line in server_lines(server_report(made)):
        output.say(f"  {line}")
    open_ones = (f"to decide: {conflict_line(conflict)}" for conflict in made.undecided)
    for line in (*map(migration_told, made.migrations), *open_ones):
        output.say(f"  {line}")
    for note in made.notes:
        output.say(f"  note: {note}")
    if made.nothing_to_do:
        output.say("nothing to do")


def _show_diff(made: "UpgradePlan", target: str | None) -> None:
    from aos_upgrade_plugin.phases.plan_diff import diffs

    for text in diffs(made, options.installation(target)):
        output.say_diff(text.splitlines())


def _write_page(made: "UpgradePlan", target: str | None, file: Path) -> None:
    from aos_upgrade_plugin.decide.content.plan_page import page
    from aos_upgrade_plugin.effects.tree import durable
    from aos_upgrade_plugin.effects.tree.files import as_disk_error
    from aos_upgrade_plugin.phases.plan_diff import diffs

    text = page(made, diffs(made, options.installation(target)))
    with as_disk_error("writing the page"):
        durable.write_durably(file, text.encode("utf-8", "backslashreplace"), mode=0o644)
