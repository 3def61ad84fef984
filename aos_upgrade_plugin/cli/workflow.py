"""``aos-upgrade workflow``: the fourteen actions of the tool, with the same answers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from aos_upgrade_plugin.cli import options, output
from aos_upgrade_plugin.cli.verifying import verify

Number = int | None
Text = str | None


def workflow(  # noqa: PLR0913  one for each parameter of the tool
    action: Annotated[
        str, typer.Argument(metavar="ACTION", help="What to do; list_workflows, …; or verify.")
    ],
    *,
    session_id: Annotated[Text, typer.Option("--session-id", metavar="SESSION")] = None,
    workflow_type: Annotated[Text, typer.Option("--workflow-type", metavar="NAME")] = None,
    target_file: Annotated[
        Text, typer.Option("--target-file", metavar="FILE", help="Relative to the project.")
    ] = None,
    start_options: Annotated[
        Text, typer.Option("--options", metavar="JSON", help="Or @FILE, or - for standard input.")
    ] = None,
    phase: Annotated[Number, typer.Option("--phase", metavar="N")] = None,
    task_number: Annotated[Number, typer.Option("--task-number", metavar="N")] = None,
    evidence: Annotated[
        Text, typer.Option("--evidence", metavar="JSON", help="Or @FILE, or - for standard input.")
    ] = None,
    category: Annotated[Text, typer.Option("--category", metavar="NAME")] = None,
    status: Annotated[Text, typer.Option("--status", metavar="STATE")] = None,
    reason: Annotated[Text, typer.Option("--reason", metavar="TEXT")] = None,
    checkpoint_note: Annotated[Text, typer.Option("--checkpoint-note", metavar="TEXT")] = None,
    reset_evidence: Annotated[bool, typer.Option("--reset-evidence")] = False,
    to_phase: Annotated[Number, typer.Option("--to-phase", metavar="N")] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FILE", help="Only for verify: where the report goes."),
    ] = None,
    source: options.Source = None,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Walk a workflow: one action of the tool, answered with one JSON object; or verify it."""
    arguments = {
        "action": action,
        "session_id": session_id,
        "workflow_type": workflow_type,
        "target_file": target_file,
        "options": _json("options", start_options),
        "phase": phase,
        "task_number": task_number,
        "evidence": _json("evidence", evidence),
        "category": category,
        "status": status,
        "reason": reason,
        "checkpoint_note": checkpoint_note,
        "reset_evidence": reset_evidence,
        "to_phase": to_phase,
    }
    if action == "verify":
        verify(_given(arguments), report=report, source=source, target=target, as_json=as_json)
        return
    from aos_upgrade_plugin.actions.workflow_tool import open_tool
    from aos_upgrade_plugin.errors import UsageError

    if report is not None:
        raise UsageError(f"{action} writes no report", cure="leave --report out, or: verify")
    found = options.installation(target)
    answer = open_tool(found.project / found.layout.folder, source=source).call(arguments)
    output.answer(answer)
    if answer["status"] == "error":
        raise typer.Exit(_exit_code(answer["error_type"]))


def _given(arguments: Mapping[str, object]) -> list[str]:
    """Return the names of the parameters that were given for an action."""
    return [name for name, value in arguments.items() if name != "action" and value]


def _json(name: str, said: str | None) -> Any:  # noqa: ANN401  whatever JSON has
    """Read an object from the command line, a file or standard input."""
    import json
    import sys

    from aos_upgrade_plugin.effects.tree.files import as_disk_error
    from aos_upgrade_plugin.errors import UsageError

    if said is None:
        return None
    text = said
    with as_disk_error(f"reading --{name}"):
        if said == "-":
            text = sys.stdin.read()
        elif said.startswith("@"):
            text = Path(said[1:]).read_text(encoding="utf-8", errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"--{name} is no JSON", cure=f"write it as --{name} '{{\"field\": true}}'"
        ) from error


def _exit_code(error_type: str) -> int:
    from aos_upgrade_plugin.errors import ExitCode

    usage = error_type in {"ValueError", "NotFoundError"}
    return ExitCode.USAGE if usage else ExitCode.GATE_SHUT
