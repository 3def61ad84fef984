"""``aos-upgrade status``: how an installation stands, on one screen."""

from typing import TYPE_CHECKING

from aos_upgrade_plugin.cli import options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.status import Status

_FEW = 5


def status(
    *,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Say how the installation stands and what to do next. Changes nothing."""
    from aos_upgrade_plugin.phases.overview import status_of

    found = status_of(options.installation(target))
    if as_json:
        output.answer(found.model_dump(mode="json", exclude={"schema_version"}))
        return
    _show(found)


def _version(found: "Status") -> str:
    version, commit = found.installed.version, found.installed.commit
    return f"{version or 'unknown'}{f', commit {commit[:12]}' if commit else ''}"


def _show(found: "Status") -> None:
    from aos_upgrade_plugin.cli import words
    from aos_upgrade_plugin.decide.run.sessions import over

    backup = found.last_backup
    unfinished = [each for each in found.sessions if each.session is None or not over(each.session)]
    output.say(f"installation  {found.install} ({found.layout})")
    output.say(f"version       {_version(found)}")
    output.say(f"lock          {f'held by {found.lock}' if found.lock else 'free'}")
    output.say(
        f"last backup   {f'{backup.name}, {words.age(backup.age_s)} old' if backup else 'none'}"
    )
    for damaged in found.damaged_backups:
        output.say(f"damaged       {damaged.name}, newer than that")
    output.say(f"sessions      {len(found.sessions)}, {len(unfinished)} unfinished")
    for view in unfinished[:_FEW]:
        output.say(f"  {view.session_id} {words.state(view)}")
    for each in found.transactions:
        state = each.state.value if each.state else "not begun, or over"
        output.say(f"open change   {each.purpose} of {each.owner}: {state}")
    output.say()
    for step in found.next_steps[:_FEW]:
        output.say(f"next          {step.why}")
        if step.command:
            output.say(f"              {step.command}")
    if not found.next_steps:
        output.say("next          nothing: all is well")
