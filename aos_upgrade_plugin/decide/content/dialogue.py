"""What somebody who has to decide a conflict gets to see, and what their letters mean."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.diff import compared, shown_lines
from aos_upgrade_plugin.models.conflict import OpenConflict, Side
from aos_upgrade_plugin.models.plan import Choice
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind

_LETTERS = {
    "k": (Choice.KEEP, "keep yours"),
    "t": (Choice.TAKE, "take the new one"),
    "m": (Choice.MERGE, "merge both"),
    "e": (Choice.OWN, "edit"),
}
_MEANS = {
    Relation.EDIT_EDIT: "you changed it, and so did the new version",
    Relation.ADD_ADD: "you have it, and the new version brings another",
    Relation.EDIT_DELETE: "you changed it, and the new version removes it",
    Relation.DELETE_EDIT: "you removed it, and the new version changes it",
    Relation.CONFIG: "the new version changes your configuration",
    Relation.IN_THE_WAY: "yours stands where the new version needs the place",
}
_LONG = 60


class Letters(NamedTuple):
    """What can be typed about a conflict."""

    choices: Mapping[str, Choice]
    prompt: str


def letters(conflict: OpenConflict) -> Letters:
    """Return the letters for a conflict; a capital one decides all that follow likewise."""
    offered = {
        letter: (choice, words)
        for letter, (choice, words) in _LETTERS.items()
        if choice in conflict.choices
    }
    named = ", ".join(f"{letter} {words}" for letter, (_, words) in offered.items())
    prompt = f"{named}, s skip, q quit; show: d diff, b laid down, y yours, i incoming, ? help > "
    return Letters({letter: choice for letter, (choice, _) in offered.items()}, prompt)


def help_lines() -> tuple[str, ...]:
    """Say what the letters do."""
    return (
        "k  yours stays; the new one is kept with the evidence of the run",
        "t  the new one comes; yours is kept in the backup",
        "m  both changes; both sides are kept, too",
        "e  your editor, on the text with markers where both changed the same lines",
        "K, T, M  the same for this one and all that follow, where it can be",
        "s  leaves it open: the run stops before anything changes (exit 3)",
        "q  leaves this one and all that follow open",
    )


def introduction(conflict: OpenConflict, *, number: int, of: int) -> Iterator[str]:
    """Say what a conflict is about, with both changes."""
    yield f"[{number}/{of}] {conflict.path}: {_MEANS[conflict.relation]}"
    sides = {"laid down": conflict.base, "yours": conflict.local, "incoming": conflict.incoming}
    yield from (f"  {name:<9}  {_described(side)}" for name, side in sides.items())
    yield from (f"  {line}" for line in conflict.merge.about)
    yield from (f"  blocks {path}" for path in conflict.blocks)
    changes = tuple(changes_of(conflict))
    yield from changes[:_LONG]
    if changes[_LONG:]:
        yield f"... {len(changes) - _LONG} more lines; d shows all"


def changes_of(conflict: OpenConflict) -> Iterator[str]:
    """Show what was changed here and upstream; without a common beginning, how both differ."""
    base, local, incoming = (_text(conflict, side) for side in ("base", "local", "incoming"))
    if conflict.base is None:
        yield from compared(local, incoming, ("yours", "incoming"))
        return
    yield from compared(base, local, ("laid down", "yours"))
    yield from compared(base, incoming, ("laid down", "incoming"))


def side_lines(conflict: OpenConflict, letter: str) -> Iterator[str]:
    """Show one side whole: ``b`` what was laid down, ``y`` yours, ``i`` what comes."""
    name = {"b": "base", "y": "local", "i": "incoming"}[letter]
    if getattr(conflict, name) is None:
        yield "nothing"
        return
    yield from shown_lines(_text(conflict, name))


def to_edit(conflict: OpenConflict) -> bytes:
    """Return the text that editing begins with: merged, with markers, or the user's own."""
    local = conflict.local.content if conflict.local else b""
    return next(
        text for text in (conflict.merge.content, conflict.merge.marked, local) if text is not None
    )


def _text(conflict: OpenConflict, name: str) -> bytes:
    side: Side | None = getattr(conflict, name)
    return side.content if side else b""


def _described(side: Side | None) -> str:
    if side is None:
        return "nothing"
    if side.kind is not Kind.FILE:
        return f"a {side.kind}"
    runs = ", can be run" if side.executable else ""
    return f"{len(side.content)} bytes, sha256 {side.digest[:12]}{runs}"
