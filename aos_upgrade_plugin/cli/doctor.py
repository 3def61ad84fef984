"""``aos-upgrade doctor``: everything about an installation on one screen, and how to mend it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from aos_upgrade_plugin.cli import options, output, words

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.diagnosis import Diagnosis


def doctor(
    *,
    target: options.Target = None,
    as_json: options.AsJson = False,
) -> None:
    """Look at everything of the installation, and name a fix for each problem. Changes nothing."""
    from aos_upgrade_plugin.decide.run.diagnosis import diagnosed
    from aos_upgrade_plugin.errors import ExitCode
    from aos_upgrade_plugin.phases.examination import examine

    installation = options.installation(target)
    with output.working("looking at the installation and asking its server"):
        found = diagnosed(examine(installation))
    if as_json:
        output.answer(found.model_dump(mode="json", exclude={"schema_version"}))
    else:
        _show(found)
    raise typer.Exit(ExitCode.GATE_SHUT if found.problems else ExitCode.DONE)


def _show(found: "Diagnosis") -> None:
    for name, text in _rows(found):
        output.say(f"{name:<14}{text}")
    output.say()
    for kind, steps in (("problem", found.problems), ("hint", found.hints)):
        for step in steps:
            output.say(f"{kind:<14}{step.why}")
            if step.command:
                output.say(f"{'':<14}fix: {step.command}")
    if not found.problems:
        output.say("healthy       nothing has to be mended")


def _rows(found: "Diagnosis") -> Iterator[tuple[str, str]]:
    status, content, backup = found.status, found.content, found.status.last_backup
    installed = status.installed
    yield "installation", f"{status.install} ({status.layout})"
    commit = f", commit {installed.commit[:12]}" if installed.commit else ""
    yield "version", f"{installed.version or 'unknown'}{commit}"
    if installed.commit:
        yield "your edits", f"{len(content.edited)} edited, {len(content.removed)} removed"
    yield "environment", _environment(found)
    yield from _server(found)
    clients = (f"{each.file} ({each.name})" for each in found.clients)
    yield "clients", ", ".join(clients) or "none"
    yield "lock", f"held by {status.lock}" if status.lock else "free"
    yield "sessions", f"{len(status.sessions)}, {len(status.transactions)} changes left open"
    age = f", the newest {words.age(backup.age_s)} old" if backup else ""
    damaged = f", {len(found.damaged)} damaged" if found.damaged else ""
    yield "backups", f"{found.backups}{age}{damaged}"
    free, needed = (words.size(each) for each in (found.disk.free_bytes, found.disk.needed_bytes))
    yield "disk", f"{free} free, an upgrade wants {needed}"
    yield "git", _git(found)


def _environment(found: "Diagnosis") -> str:
    if found.environment is None:
        return "none that can be used"
    return f"Python {found.environment.python}, {found.environment.packages} packages"


def _server(found: "Diagnosis") -> Iterator[tuple[str, str]]:
    for each in found.servers.running:
        owner = f", of {each.client}" if each.client else ""
        yield "server", f"process {each.pid}, {each.transport}{owner}"
    if not found.servers.running:
        yield "server", "none runs"
    if found.url and found.measured:
        probe = found.measured.probe
        if probe.reached:
            tools = f"{len(probe.tools)} tools, answers in {probe.connected_s * 1000:.0f} ms"
            yield "", f"{found.url}: {probe.name} {probe.version}, {tools}"
            yield "search", "works" if found.measured.search_problem is None else "does not work"
        else:
            yield "", f"{found.url}: no answer"
    for doubtful in found.servers.doubtful:
        yield "doubtful", f"process {doubtful.pid}"


def _git(found: "Diagnosis") -> str:
    if found.git is None:
        return "the project is not under git"
    if found.git.ignored:
        return "ignores the install folder"
    return f"{found.git.uncommitted} paths in the install folder are not committed"
