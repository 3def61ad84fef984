"""``aos-upgrade sessions``: the saved states of runs."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from aos_upgrade_plugin.cli import options, output

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
    from aos_upgrade_plugin.models.status import SessionView

app = typer.Typer(help="The saved states of runs: list, show, delete.")

Name = Annotated[str, typer.Argument(metavar="SESSION", help="As list shows it.")]


@app.command("list")
def list_sessions(
    *,
    target: options.Target = None,
    status: Annotated[
        str | None, typer.Option("--status", metavar="STATE", help="Only those in this state.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """List the sessions, the one that was used last first. Changes nothing."""
    from aos_upgrade_plugin.cli import recovered, words
    from aos_upgrade_plugin.phases.overview import session_views

    install = options.installation(target).path
    views = session_views(install, status=_status(status))
    cut_off = recovered.interrupted(install)
    if as_json:
        listed = [_summary(view) for view in views]
        cut_off_json = [each.model_dump(mode="json") for each in cut_off]
        output.answer({"sessions": listed, "count": len(views), "interrupted": cut_off_json})
        return
    if views:
        rows = [
            [
                view.session_id,
                words.state(view),
                str(view.session.current_phase) if view.session else "",
                words.since(view.session.last_updated) if view.session else "",
            ]
            for view in views
        ]
        output.table(["session", "state", "phase", "used"], rows)
    else:
        output.say("no sessions")
    for view in views:
        _note(view)
    recovered.note_interrupted(cut_off)


@app.command("show")
def show(
    session: Name,
    *,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Show one session with its history and errors. Changes nothing."""
    from aos_upgrade_plugin.phases.overview import session_view

    view = session_view(options.installation(target).path, session)
    if as_json:
        state = {key: getattr(view, key) for key in ("interrupted", "stale", "problem")}
        shown = view.session.model_dump(mode="json") if view.session else {}
        output.answer({"session": {**shown, **state}})
        return
    if view.session:
        _show(view.session, view)
    _note(view)


@app.command("delete")
def delete(
    session: Name,
    *,
    target: options.Target = None,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Kept in the history.")
    ] = "",
    as_json: options.AsJson = False,
) -> None:
    """Delete a session that nothing needs any more; evidence and backups stay."""
    from aos_upgrade_plugin.cli import recovered
    from aos_upgrade_plugin.phases.session_deletion import delete_session

    install = options.installation(target).path
    done = delete_session(
        install, session, reason=output.printable(reason), command=options.command_line()
    )
    if as_json:
        output.answer(
            {
                "session_id": output.printable(session),
                "deleted": done.deleted,
                "already_absent": not done.deleted,
                "recovered": recovered.as_json(done.recovered),
            }
        )
        return
    recovered.note(done.recovered)
    output.say(f"deleted {session}" if done.deleted else f"there was no session {session}")


def _status(name: str | None) -> "SessionStatus | None":
    from aos_upgrade_plugin.errors import UsageError
    from aos_upgrade_plugin.models.session import SessionStatus

    if name is None or name in set(SessionStatus):
        return None if name is None else SessionStatus(name)
    raise UsageError(f"there is no state {name!r}", cure=f"name one of: {', '.join(SessionStatus)}")


def _summary(view: "SessionView") -> dict[str, Any]:
    from aos_upgrade_plugin.models.session import WorkflowSession

    known = view.session.summary() if view.session else dict.fromkeys(WorkflowSession.SUMMARY)
    state = {key: getattr(view, key) for key in ("interrupted", "stale", "problem")}
    return {**known, "session_id": view.session_id, **state}


def _progress(session: "WorkflowSession") -> str:
    of = "" if session.total_phases is None else f" of {session.total_phases}"
    return f"{session.current_phase} ({len(session.completed_phases)}{of} done)"


def _show(session: "WorkflowSession", view: "SessionView") -> None:
    from aos_upgrade_plugin.cli import words

    said = {
        "session": session.session_id,
        "workflow": f"{session.workflow_type} on {session.target_file}",
        "state": words.state(view)
        + (f": {session.status_reason}" if session.status_reason else ""),
        "phase": _progress(session),
        "created": words.moment(session.created_at),
        "last used": f"{words.moment(session.last_updated)} ({words.since(session.last_updated)})",
        "backup": session.backup or "none",
        "paused": session.checkpoint and session.checkpoint.note,
    }
    for name, value in said.items():
        if value:
            output.say(f"{name:10} {value}")
    if session.phase_history:
        output.say()
        rows = [
            [
                str(each.phase),
                str(each.attempt),
                each.status.value,
                words.moment(each.started_at),
                "" if each.duration_seconds is None else f"{each.duration_seconds:.1f} s",
            ]
            for each in session.phase_history
        ]
        output.table(["phase", "attempt", "state", "began", "took"], rows)
    for error in session.errors:
        output.say()
        output.say(f"phase {error.phase}, {words.moment(error.timestamp)}: {error.message}")
        output.say(f"  fix: {error.remediation}" if error.remediation else "")


def _note(view: "SessionView") -> None:
    if view.problem:
        output.note(f"damaged: {view.session_id}: {view.problem}")
    if view.interrupted:
        output.note(f"interrupted: {view.session_id}; see: aos-upgrade status")
