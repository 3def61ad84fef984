"""The dialogue about conflicts, on the terminal: standard input and standard error."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from aos_upgrade_plugin.cli import output
from aos_upgrade_plugin.errors import RefusedError, UsageError

if TYPE_CHECKING:
    from aos_upgrade_plugin.models.conflict import ConflictDecision, OpenConflict
    from aos_upgrade_plugin.models.plan import Choice
    from aos_upgrade_plugin.models.tree import TreePath

_QUIT = "q"


def can_ask() -> bool:
    """Say whether somebody sits at a terminal."""
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def refuse_without_terminal() -> None:
    """Raise UsageError where nobody can be asked."""
    if not can_ask():
        raise UsageError(
            "--on-conflict ask needs a terminal, and there is none to ask on",
            cure="decide otherwise: --answers FILE, or --on-conflict keep, take or merge",
        )


def ask(conflicts: "Sequence[OpenConflict]") -> "Mapping[TreePath, ConflictDecision]":
    """Ask about one conflict after the other; what was skipped is left out."""
    from aos_upgrade_plugin.models.conflict import ConflictDecision

    decided: dict[TreePath, ConflictDecision] = {}
    for_all: Choice | None = None
    for number, conflict in enumerate(conflicts, start=1):
        if for_all is not None and for_all in conflict.choices:
            decided[conflict.path] = ConflictDecision(choice=for_all)
            output.note(f"{conflict.path}: {for_all}")
            continue
        letter, decision = _about(conflict, number, len(conflicts))
        if letter == _QUIT:
            break
        if decision is not None:
            decided[conflict.path] = decision
            for_all = decision.choice if letter.isupper() else for_all
    return decided


def _about(conflict: "OpenConflict", number: int, of: int) -> "tuple[str, ConflictDecision | None]":
    """Ask until a letter is typed that ends it; return it with what it decides."""
    from aos_upgrade_plugin.decide.content.dialogue import introduction, letters

    _show(introduction(conflict, number=number, of=of))
    offered = letters(conflict)
    while True:
        letter = _typed(offered.prompt)
        if letter in {"s", _QUIT}:
            return letter, None
        choice = offered.choices.get(letter.lower() if letter != "E" else "")
        if choice is None:
            _show(_shown(conflict, letter))
        elif (decision := _decision(conflict, choice)) is not None:
            return letter, decision


def _decision(conflict: "OpenConflict", choice: "Choice") -> "ConflictDecision | None":
    """Return the decision; nothing where what was edited cannot stand."""
    from aos_upgrade_plugin.decide.content.answering import ASKED, possible
    from aos_upgrade_plugin.decide.content.dialogue import to_edit
    from aos_upgrade_plugin.effects.editor import edited
    from aos_upgrade_plugin.models.conflict import ConflictDecision, Decided
    from aos_upgrade_plugin.models.plan import Choice

    if choice is not Choice.OWN:
        return ConflictDecision(choice=choice)
    try:
        content = edited(to_edit(conflict), name=conflict.path, terminal=sys.stderr.fileno())
        decision = ConflictDecision(choice=Choice.OWN, content=content)
        return possible(conflict, Decided(decision, ASKED)).decision
    except RefusedError as error:
        _show((f"error: {error}", f"fix: {error.cure}"))
        return None


def _shown(conflict: "OpenConflict", letter: str) -> Iterator[str]:
    from aos_upgrade_plugin.decide.content.dialogue import changes_of, help_lines, side_lines

    match letter:
        case "d":
            yield from changes_of(conflict)
        case "b" | "y" | "i":
            yield from side_lines(conflict, letter)
        case _:
            yield from help_lines()


def _typed(prompt: str) -> str:
    """Return the letter that was typed; the end of the input is the end of the dialogue."""
    output.draw(prompt)
    line = sys.stdin.readline()
    return line.strip()[:1] if line else _QUIT


def _show(lines: Iterable[str]) -> None:
    for line in lines:
        output.note(line)
