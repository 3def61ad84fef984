"""From conflicts to decisions: answers, then plugins, then whoever is asked, then the option."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from aos_upgrade_plugin.decide.content.answering import ASKED, answered, for_all, possible, unneeded
from aos_upgrade_plugin.decide.content.content_plan import ContentFacts, conflicts_of
from aos_upgrade_plugin.models.conflict import (
    ConflictDecision,
    Decided,
    Decisions,
    Examined,
    GivenAnswers,
    OpenConflict,
)
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases.conflicts import WhereTextsAre, open_conflicts

Ask = Callable[[Sequence[OpenConflict]], Mapping[TreePath, ConflictDecision]]
"""Asks somebody about conflicts; those that they left open are missing from the answer."""


class Said(NamedTuple):
    """Who has a say in conflicts beside the option for all."""

    answers: GivenAnswers | None = None
    plugins: Callable[[OpenConflict], Decided | None] = lambda _: None
    ask: Ask | None = None


NOTHING_SAID = Said()


def decide_conflicts(
    facts: ContentFacts,
    where: WhereTextsAre,
    *,
    on_conflict: OnConflict,
    said: Said,
) -> Decisions:
    """Decide as many conflicts as anybody has a say in; the first who says something counts.

    Raises RefusedError, StaleError for what cannot be done; nothing is changed.
    """
    conflicts = open_conflicts(conflicts_of(facts), facts, where)
    decided: dict[TreePath, Decided] = {}
    notes: tuple[str, ...] = ()
    if said.answers is not None:
        decided |= answered(said.answers, conflicts=conflicts, tree=facts.target.tree)
        notes = _notes(unneeded(said.answers, conflicts=[each.path for each in conflicts]))
    for conflict in conflicts:
        if conflict.path not in decided and (theirs := said.plugins(conflict)):
            decided[conflict.path] = possible(conflict, theirs)
    still_open = [conflict for conflict in conflicts if conflict.path not in decided]
    if on_conflict is OnConflict.ASK and said.ask is not None and still_open:
        for path, decision in said.ask(still_open).items():
            (conflict,) = (each for each in still_open if each.path == path)
            decided[path] = possible(conflict, Decided(decision, ASKED))
    for conflict in still_open:
        if conflict.path not in decided and (theirs := for_all(conflict, on_conflict)):
            decided[conflict.path] = theirs
    examined = {each.path: Examined(each, decided.get(each.path)) for each in conflicts}
    kept = {path: each for path, each in decided.items() if path not in examined}
    return Decisions(examined, kept, notes)


def _notes(not_needed: Sequence[TreePath]) -> tuple[str, ...]:
    if not not_needed:
        return ()
    return (f"answers that nobody asked for: {', '.join(not_needed)}",)
