"""``aos-upgrade backups``: the way back after a completed run, and after anything else."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aos_upgrade_plugin.cli import options, output
from aos_upgrade_plugin.errors import DamagedError

if TYPE_CHECKING:
    from pathlib import Path

    from aos_upgrade_plugin.effects.backup.backups import Backup
    from aos_upgrade_plugin.models.backup import Problem

app = typer.Typer(help="Backups of an installation: create, list, verify, restore.")

Name = Annotated[
    str | None,
    typer.Argument(metavar="BACKUP", help="As list shows it; the newest if none is named."),
]


@app.command("create")
def create(
    *,
    target: options.Target = None,
    full: Annotated[
        bool, typer.Option("--full", help="Share no unchanged file with an earlier backup.")
    ] = False,
    with_environment: Annotated[
        bool, typer.Option("--with-environment", help="Hold the Python environment, too.")
    ] = False,
    as_json: options.AsJson = False,
) -> None:
    """Back up the installation, without what can be made again, and verify the backup."""
    from datetime import UTC, datetime

    from aos_upgrade_plugin.cli import recovered
    from aos_upgrade_plugin.phases.backing_up import back_up_verified
    from aos_upgrade_plugin.phases.holding import holding
    from aos_upgrade_plugin.phases.installation import find

    install = options.installation(target).path
    command = options.command_line()
    with (
        holding(install, session=None, command=command) as held,
        output.working("backing up and verifying"),
    ):
        made, damaged = back_up_verified(
            find(held.install),
            now=datetime.now(UTC),
            full=full,
            include_environment=with_environment,
        )
    if as_json:
        done = recovered.as_json(held.recovered)
        before = [each.model_dump(mode="json") for each in damaged]
        answer = {"backup": _described(made), "damaged_before": before, "recovered": done}
        output.answer(answer)
        return
    recovered.note(held.recovered)
    output.say(f"made and verified {made.name}: {_holds(made)}")
    _say_left_out(made)
    if damaged:
        output.note(
            f"an earlier backup is damaged, so this one shares nothing: {_few(damaged)}; look at "
            "each: aos-upgrade backups verify NAME"
        )


@app.command("list")
def list_backups(*, target: options.Target = None, as_json: options.AsJson = False) -> None:
    """List the backups, the newest first. Changes nothing."""
    from aos_upgrade_plugin.cli import recovered, words
    from aos_upgrade_plugin.effects.backup.backups import listed

    install = options.folder_to_restore(target)
    found = listed(install)
    cut_off = recovered.interrupted(install)
    if as_json:
        shown = [_described(each) for each in found]
        waiting = [each.model_dump(mode="json") for each in cut_off]
        output.answer({"backups": shown, "count": len(found), "interrupted": waiting})
        return
    if found:
        rows = [
            [
                each.name,
                words.since(each.manifest.created_at) if each.manifest else "",
                _holds(each) if each.manifest else "damaged",
            ]
            for each in found
        ]
        output.table(["backup", "age", "holds"], rows)
    else:
        output.say("no backups")
    for each in found:
        if each.problem:
            output.note(f"damaged: {each.problem}")
    recovered.note_interrupted(cut_off)


@app.command("verify")
def verify_backup(
    backup: Name = None,
    *,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Read a backup again and compare every file with its manifest. Changes nothing."""
    from aos_upgrade_plugin.cli import recovered
    from aos_upgrade_plugin.effects.backup.backup_check import verify
    from aos_upgrade_plugin.phases.backup_choice import chosen

    install = options.folder_to_restore(target)
    path = chosen(install, backup)
    cut_off = recovered.interrupted(install)
    with output.working("verifying"):
        problems = verify(path)
        error = _damaged(install, path, problems) if problems else None
    if as_json:
        said: dict[str, Any] = {
            "backup": path.name,
            "whole": not problems,
            "problems": [each.model_dump(mode="json") for each in problems],
            "interrupted": [each.model_dump(mode="json") for each in cut_off],
        }
        output.answer(said if error is None else {**said, **output.error_fields(error)})
        raise typer.Exit(0 if error is None else int(error.exit_code))
    for each in problems:
        output.say(str(each))
    recovered.note_interrupted(cut_off)
    if error is not None:
        raise error
    output.say(f"{path.name} is whole")


@app.command("restore")
def restore_backup(
    backup: Name = None,
    *,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Bring a backup back, verified before and after. What you made since stays or is set aside."""
    from datetime import UTC, datetime

    from aos_upgrade_plugin.cli import recovered
    from aos_upgrade_plugin.phases.holding import holding
    from aos_upgrade_plugin.phases.restore import restore

    install = options.folder_to_restore(target)
    command = options.command_line()
    with holding(install, session=None, command=command, over_damage=True) as held:
        _refuse_waiting(held.install)
        with output.working("restoring"):
            done = restore(held.install, backup, now=datetime.now(UTC))
    if as_json:
        output.answer(
            {
                "backup": done.backup,
                "install": output.printable(str(done.install)),
                "changed": list(done.changed),
                "stays": list(done.stays),
                "set_aside": [each.model_dump(mode="json") for each in done.set_aside],
                "recovered": recovered.as_json(held.recovered),
            }
        )
        return
    recovered.note(held.recovered)
    count = len(done.changed)
    again = "1 path is again as it was" if count == 1 else f"{count} paths are again as they were"
    output.say(
        f"restored {done.backup}: {again} then"
        if count
        else f"nothing had to be restored: all is as {done.backup} holds it"
    )
    if done.stays:
        output.say(f"made since and still there: {len(done.stays)}")
    for aside in done.set_aside:
        output.say(f"set aside: your {aside.path} is kept at {aside.kept_at}")


def _refuse_waiting(install: "Path") -> None:
    from aos_upgrade_plugin.errors import StateError
    from aos_upgrade_plugin.phases.overview import open_transactions

    for each in open_transactions(install):
        raise StateError(
            f"{each.purpose} of {each.owner} is in place and waits to be resumed or rolled back",
            cure=f"roll it back first: aos-upgrade rollback {each.owner}",
        )


def _damaged(install: "Path", backup: "Path", problems: "tuple[Problem, ...]") -> DamagedError:
    from aos_upgrade_plugin.phases.backup_choice import newest_whole

    older = newest_whole(install, older_than=backup)
    go_back = f"; the newest older one that is whole: aos-upgrade backups restore {older}"
    return DamagedError(
        f"the backup {backup.name} is not what was written: {_few(problems)}",
        cure="make a new one: aos-upgrade backups create --full" + (go_back if older else ""),
    )


def _few(problems: "tuple[Problem, ...]") -> str:
    few = "; ".join(str(each) for each in problems[:3])
    return few + (f" and {len(problems) - 3} more" if len(problems) > 3 else "")  # noqa: PLR2004  few


def _described(backup: "Backup") -> dict[str, Any]:
    manifest = backup.manifest
    return {
        "name": backup.name,
        "path": output.printable(str(backup.path)),
        "created_at": manifest and manifest.created_at.isoformat(),
        "layout": manifest and manifest.layout,
        "session": manifest and manifest.session,
        "files": manifest and manifest.file_count,
        "size_bytes": manifest and manifest.size_bytes,
        "includes_environment": manifest and manifest.includes_environment,
        "left_out": [each.model_dump(mode="json") for each in manifest.left_out]
        if manifest
        else [],
        "problem": backup.problem,
    }


def _holds(backup: "Backup") -> str:
    from aos_upgrade_plugin.cli import words

    manifest = backup.manifest
    if manifest is None:
        return "nothing that can be told"
    environment = ", with the environment" if manifest.includes_environment else ""
    return f"{manifest.file_count} files, {words.size(manifest.size_bytes)}{environment}"


def _say_left_out(backup: "Backup") -> None:
    for each in backup.manifest.left_out if backup.manifest else ():
        output.say(f"left out: {each.path} ({each.reason})")
