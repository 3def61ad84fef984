"""``aos-upgrade workflow verify``: the tool shown to work, and the report of that."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from aos_upgrade_plugin.cli import options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.verification import Verification


def verify(
    given: list[str],
    *,
    report: Path | None,
    source: Path | None,
    target: str | None,
    as_json: bool,
) -> None:
    """Verify the tool, write the report, and end with 1 where anything did not hold."""
    from aos_upgrade_plugin.actions import workflow_verification as action
    from aos_upgrade_plugin.cli.mcp import executable
    from aos_upgrade_plugin.errors import ExitCode, UsageError
    from aos_upgrade_plugin.reporters import verification

    if given:
        raise UsageError(
            f"verify does not take {', '.join(given)}", cure="it may take --report FILE, --source"
        )
    found = options.installation(target)
    where = verification.places(report, install=found.path)
    with output.working("verifying the workflow tool"):
        verified = action.verify(
            found, command=[executable(), "serve"], source=source and source.absolute()
        )
    verification.write(verified, where)
    if as_json:
        output.answer({"holds": verified.holds, **verified.model_dump(mode="json")})
    else:
        _show(verified, where)
    if not verified.holds:
        raise typer.Exit(ExitCode.GATE_SHUT)


def _show(verified: "Verification", where: tuple[Path, Path]) -> None:
    for problem in verified.problems:
        output.say(f"failed: {problem}")
    for walk in verified.walks:
        if walk.left_out is not None:
            output.say(f"left out: {walk.workflow_type}: {walk.left_out}")
    actions = {each.action for each in verified.calls} & {
        each.action for each in verified.latencies
    }
    walked = [each for each in verified.walks if each.completed]
    output.say(f"actions    {len(actions)} of 14, in {len(verified.calls)} calls")
    output.say(
        f"workflows  {len(walked)} walked to their end: "
        f"{sum(each.phases for each in walked)} phases, {sum(each.tasks for each in walked)} tasks"
    )
    slow = [each for each in verified.latencies if not each.within]
    for each in slow:
        output.say(f"slow       {each.action}: {each.median_ms:g} ms, promised {each.target_ms:g}")
    output.say(f"verdict    {'everything held' if verified.holds else 'it does not hold'}")
    output.say(f"report     {where[1]}")
