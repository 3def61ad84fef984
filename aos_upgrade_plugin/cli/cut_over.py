"""``aos-upgrade mcp cut-over``: from the older separate tools to the one."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aos_upgrade_plugin.cli import options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.actions.cut_over import Done
    from aos_upgrade_plugin.models.cut_over import ChangedFile, FoundUse, ToolCount
    from aos_upgrade_plugin.phases.finding_uses import Uses

_MOST_SHOWN = 20


def cut_over(
    *,
    find: Annotated[
        bool, typer.Option("--find", help="Only find uses in texts; ask no server.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; show it.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the last cut-over back, byte for byte.")
    ] = False,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Leave the older separate workflow tools: find their uses, remove their registrations."""
    from aos_upgrade_plugin.actions import cut_over as action
    from aos_upgrade_plugin.cli.mcp import executable
    from aos_upgrade_plugin.errors import ExitCode, UsageError
    from aos_upgrade_plugin.phases.finding_uses import find_uses

    if find + dry_run + undo > 1:
        raise UsageError(
            "--find, --dry-run and --undo do not go together", cure="leave all but one of them out"
        )
    found = options.installation(target)
    if find:
        _tell_uses(find_uses(found, instead={}), as_json=as_json)
        return
    if undo:
        back = list(action.undo(found))
        if as_json:
            output.answer({"status": "undone", "files": back})
            return
        for path in back:
            output.say(f"as before: {path}")
        output.say("taken back; restart your clients, and a server that runs")
        return
    with output.working("asking the servers"):
        done = action.cut_over(found, executable=executable(), dry_run=dry_run)
    if as_json:
        output.answer(_fields(done, dry_run=dry_run))
    else:
        _show(done, dry_run=dry_run)
    if done.found.by_hand:
        raise typer.Exit(ExitCode.DECISION_NEEDED)


def _tell_uses(uses: "Uses", *, as_json: bool) -> None:
    if as_json:
        told = {
            name: [each.model_dump(mode="json") for each in listed]
            for name, listed in (("uses", uses.found), ("unread", uses.unread))
        }
        output.answer({"status": "found", "files_read": uses.files_read, **told})
        return
    _show_uses(uses.found, uses.files_read)
    for left in uses.unread:
        output.say(f"not read: {left.file}: {left.why}")


def _status(done: "Done", *, dry_run: bool) -> str:
    if not done.found.files:
        return "left_to_you" if done.found.by_hand else "nothing_to_do"
    return "planned" if dry_run else "done"


def _fields(done: "Done", *, dry_run: bool) -> dict[str, Any]:
    found = done.found
    told = found.model_dump(mode="json", include={"uses", "unread", "by_hand", "gone"})
    counts = {
        name: {"count": each.count, **each.model_dump(mode="json")}
        for name, each in (("before", found.before), ("after", found.after))
    }
    files = [
        {
            "file": _where(each, done.folder),
            "removed": list(each.removed),
            "added": each.added,
        }
        for each in found.files
    ]
    return {
        "status": _status(done, dry_run=dry_run),
        "record": done.record,
        "files": files,
        "tools": counts,
        "files_read": found.files_read,
        "restart": [each.pid for each in done.running],
        **told,
    }


def _show(done: "Done", *, dry_run: bool) -> None:
    found = done.found
    _show_uses(found.uses, found.files_read)
    for each in found.files:
        what = "the tool group " if each.change.place.value == "install" else ""
        gone = f"without {what}{', '.join(each.removed)}" if each.removed else ""
        added = f"with the server {each.added}" if each.added else ""
        verb = "would write" if dry_run else "wrote"
        output.say(f"{verb}: {_where(each, done.folder)}: {', '.join(filter(None, (gone, added)))}")
    for left in (*found.by_hand, *found.unread):
        output.say(f"left to you: {left.file}: {left.why}")
    for tool in found.gone:
        output.say(f"gone: {tool.tool} -> {tool.instead}")
    output.say(f"tools before: {found.before.count} ({_names(found.before)})")
    output.say(f"tools after:  {found.after.count} ({_names(found.after)})")
    _show_next(done, dry_run=dry_run)


def _where(file: "ChangedFile", folder: str) -> str:
    """Return a path as the project has it."""
    path = file.change.path
    return f"{folder}/{path}" if file.change.place.value == "install" else path


def _show_uses(uses: "Sequence[FoundUse]", files_read: int) -> None:
    yours = [use for use in uses if not use.of_product]
    for use in yours[:_MOST_SHOWN]:
        output.say(f"{use.file}:{use.line}: {use.written}")
        output.say(f"    write: {use.instead}")
    if len(yours) > _MOST_SHOWN:
        output.say(f"… and {len(yours) - _MOST_SHOWN} more: --json names all of them")
    theirs = [use for use in uses if use.of_product]
    output.say(
        f"uses: {len(yours)} in {_files(yours)} of yours, {len(theirs)} in {_files(theirs)} of the "
        f"product, in {files_read} texts"
    )
    if theirs:
        output.say("    what the product laid down comes anew with an upgrade to a later version")


def _files(uses: "list[FoundUse]") -> str:
    count = len({use.file for use in uses})
    return f"{count} file" if count == 1 else f"{count} files"


def _names(count: "ToolCount") -> str:
    return ", ".join((*count.of_product, *count.of_ours)) or "none"


def _show_next(done: "Done", *, dry_run: bool) -> None:
    if not done.found.files:
        left = done.found.by_hand
        why = "what is left is yours to do" if left else "no older tool is registered"
        output.say(f"{why}: nothing was changed")
        return
    if dry_run:
        output.say("nothing was changed; do it: aos-upgrade mcp cut-over")
        return
    output.say("restart your clients; to take it back: aos-upgrade mcp cut-over --undo")
    for each in done.running:
        output.say(f"process {each.pid} serves the older tools until it is started anew")
