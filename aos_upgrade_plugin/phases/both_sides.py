"""Both sides of every decision stay: yours in the backup, what did not come with the evidence."""

import os
import shlex
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.source.repository import Repository
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.models.plan import Choice, Conflict
from aos_upgrade_plugin.models.report import DecisionReport
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.source import LaidDown
from aos_upgrade_plugin.models.tree import Kind, TreePath, unescape

NOT_TAKEN = "not-taken"
"""The folder, beside the evidence of a run, of what it might have laid down and did not."""

_PLAIN_IN_QUOTES = frozenset(string.printable.encode()) - frozenset(b"'\\\t\n\r\x0b\x0c")


def keep_what_is_not_taken(run: Run) -> None:
    """Copy what comes and does not get its place, durably; may be repeated."""
    dropped = tuple(_not_taken(run))
    if not dropped:
        return
    source = Path(os.fsdecode(unescape(run.plan.source.path)))
    with Repository(source).blobs() as read:
        for path, laid in dropped:
            place = files.locate(run.folder / NOT_TAKEN, path)
            durable.make_directories(Path(os.fsdecode(place)).parent, mode=0o700)
            durable.remove_tree(Path(os.fsdecode(place)))
            if laid.entry.kind is Kind.LINK:
                disk.make_link(read(laid.blob), place)
            else:
                durable.write_new(place, read(laid.blob), mode=laid.entry.mode)
    durable.sync_tree(run.folder / NOT_TAKEN)


def decision_reports(run: Run) -> tuple[DecisionReport, ...]:
    """Say of each decided conflict where both sides are, and what brings them back."""
    if run.backup is None:
        return ()
    not_taken = dict(_not_taken(run))
    return tuple(
        _report(run, conflict, run.backup, not_taken=conflict.path in not_taken)
        for conflict in run.plan.conflicts
        if conflict.choice is not None
    )


def _report(run: Run, conflict: Conflict, backup: Path, *, not_taken: bool) -> DecisionReport:
    path, plainly = conflict.path, _is_file_throughout(run, conflict)
    stood = conflict.renamed_from or path
    places: dict[str, TreePath] = {"yours": stood, "incoming": path}
    kept: dict[Literal["yours", "incoming"], Path] = {}
    if stood in run.plan.target and conflict.choice is not Choice.KEEP:
        kept["yours"] = backup
    if not_taken:
        kept["incoming"] = run.folder / NOT_TAKEN
    return DecisionReport(
        path=path,
        relation=conflict.relation,
        choice=conflict.choice or "",
        decided_by=conflict.decided_by or "",
        yours=f"{kept['yours']}/{stood}" if "yours" in kept else None,
        incoming=f"{kept['incoming']}/{path}" if "incoming" in kept else None,
        commands={
            name: _command(
                files.locate(folder, places[name]), files.locate(run.install, path), plainly=plainly
            )
            for name, folder in kept.items()
        },
    )


def _is_file_throughout(run: Run, conflict: Conflict) -> bool:
    """Say whether a file stood there, and a file comes: then it stands there now."""
    before = run.plan.target.get(conflict.renamed_from or conflict.path)
    incoming = dict(_incoming(run)).get(conflict.path)
    if before is None or incoming is None:
        return False
    return before.kind is incoming.entry.kind is Kind.FILE


def _command(kept: bytes, stands: bytes, *, plainly: bool) -> str:
    """Return what copies one thing back, links as links, whatever its name holds."""
    source, target = map(os.fsdecode, (kept, stands))
    copy = f"cp -pP -- {_in_shell(source)} {_in_shell(target)}"
    if plainly:
        return copy
    folder = _in_shell(str(Path(target).parent))
    return f"mkdir -p -- {folder} && rm -f -- {_in_shell(target)} && {copy}"


def _in_shell(name: str) -> str:
    if name.isprintable():
        return shlex.quote(name)
    raw = "".join(
        chr(byte) if byte in _PLAIN_IN_QUOTES else f"\\x{byte:02x}" for byte in os.fsencode(name)
    )
    return f"$'{raw}'"  # bash, zsh and ksh know it


def _not_taken(run: Run) -> Iterator[tuple[TreePath, LaidDown]]:
    """Find what comes and does not get its place, with what it blocks in vain."""
    incoming = dict(_incoming(run))
    for conflict in run.plan.conflicts:
        if conflict.choice in {Choice.KEEP, Choice.MERGE, Choice.OWN}:
            for path in dict.fromkeys((conflict.path, *conflict.blocks)):
                if path in incoming:
                    yield path, incoming[path]


def _incoming(run: Run) -> Iterator[tuple[TreePath, LaidDown]]:
    """Yield all that the run might lay down."""
    record = run.plan.record
    for part in record.parts.values() if record else ():
        yield from part.paths.items()
