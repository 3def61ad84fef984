"""Which decision stands for a conflict: given beforehand, a plugin's, asked for, or for all."""

from collections.abc import Iterable, Iterator, Mapping

from aos_upgrade_plugin.decide.content.merging import has_markers
from aos_upgrade_plugin.errors import RefusedError, StaleError
from aos_upgrade_plugin.models.conflict import (
    Answer,
    Answers,
    ConflictDecision,
    Decided,
    Decisions,
    GivenAnswers,
    OpenConflict,
    OwnContent,
    Settled,
)
from aos_upgrade_plugin.models.plan import Choice, Conflict, SideDigests, UpgradePlan
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Tree, TreePath, unescape

ANSWERS = "answers"
ASKED = "asked"
NOTHING_DECIDED = Decisions({}, {})
_SHOWN = 5


def answered(
    given: GivenAnswers, *, conflicts: Iterable[OpenConflict], tree: Tree
) -> Mapping[TreePath, Decided]:
    """Return the decisions that were given beforehand, for the conflicts that there are.

    One that is not needed is left out. Raises StaleError, with the paths, where one was made for
    other contents; RefusedError where it asks for what cannot be.
    """
    there = {conflict.path: conflict for conflict in conflicts}
    answers = [answer for answer in given.answers.answers if answer.decision is not None]
    stale = [
        f"{answer.path} ({', '.join(_moved(answer.made_for, there[answer.path].sides))})"
        for answer in answers
        if answer.path in there and answer.made_for != there[answer.path].sides
    ]
    if stale:
        more = f" and {len(stale) - _SHOWN} more" if stale[_SHOWN:] else ""
        raise StaleError(
            f"answers that were made for something else: {', '.join(stale[:_SHOWN])}{more}",
            cure="look at them again: aos-upgrade plan --write-answers FILE",
        )
    decided: dict[TreePath, Decided] = {}
    for answer in answers:
        if answer.path in there:
            decision = _decision(answer, given.contents)
            decided[answer.path] = possible(there[answer.path], Decided(decision, ANSWERS))
        elif answer.decision is Choice.KEEP and _stands(answer, tree):
            decided[answer.path] = Decided(ConflictDecision(choice=Choice.KEEP), ANSWERS)
    return decided


def unneeded(given: GivenAnswers, *, conflicts: Iterable[TreePath]) -> tuple[TreePath, ...]:
    """Return the paths of answers to questions that nobody asks."""
    asked = frozenset(conflicts)
    return tuple(
        answer.path
        for answer in given.answers.answers
        if answer.decision is not None and answer.path not in asked
    )


def possible(conflict: OpenConflict, decided: Decided) -> Decided:
    """Return a decision that can be made true; raise RefusedError for any other.

    A content of one's own that stands there already is kept.
    """
    decision, by = decided
    if decision.choice not in conflict.choices:
        why = f": {conflict.merge.about[0]}" if _wants_merge(conflict, decision) else ""
        raise RefusedError(
            f"{conflict.path} cannot be decided by {decision.choice} ({by}){why}",
            cure=f"choose one of: {', '.join(conflict.choices)}",
        )
    if decision.content is None:
        return decided
    if has_markers(decision.content):
        raise RefusedError(
            f"the content for {conflict.path} ({by}) has markers of an unfinished merge",
            cure="finish the merge, or choose keep or take",
        )
    if conflict.local is not None and decision.content == conflict.local.content:
        return Decided(ConflictDecision(choice=Choice.KEEP), by)
    return decided


def for_all(conflict: OpenConflict, on_conflict: OnConflict) -> Decided | None:
    """Return what an option for all says beyond keep and take, which say it of themselves."""
    if on_conflict is OnConflict.MERGE and conflict.merge.content is not None:
        return Decided(ConflictDecision(choice=Choice.MERGE), f"--on-conflict {on_conflict}")
    return None


def settled(decisions: Decisions) -> Mapping[TreePath, Settled]:
    """Return what was decided for each path, with the content that shall stand there."""
    found = {path: Settled(decided.decision.choice) for path, decided in decisions.kept.items()}
    for path, (conflict, decided) in decisions.examined.items():
        if decided is not None:
            choice, content = decided.decision.choice, decided.decision.content
            if choice is Choice.MERGE:
                content = conflict.merge.content
            found[path] = Settled(choice, content)
    return found


def explained(conflict: Conflict, decisions: Decisions, on_conflict: OnConflict) -> Conflict:
    """Add to a conflict what it is about, and who decided it."""
    examined = decisions.examined.get(conflict.path)
    decided = examined.decided if examined else decisions.kept.get(conflict.path)
    by = decided.by if decided else f"--on-conflict {on_conflict}"
    update: dict[str, object] = {"decided_by": by if conflict.choice else None}
    if examined is not None and conflict.relation is examined.conflict.relation:
        looked = examined.conflict
        update |= {
            "sides": looked.sides,
            "choices": looked.choices,
            "about": looked.merge.about,
        }
    return conflict.model_copy(update=update)


def as_answers(plan: UpgradePlan) -> tuple[Answers, Mapping[TreePath, bytes]]:
    """Return a plan's conflicts as answers, decided or not, and the contents of their own."""
    contents = {
        one.change.path: unescape(one.text)
        for one in plan.changes
        if one.choice is Choice.OWN and one.text is not None
    }
    return Answers(answers=tuple(_as_answers(plan))), contents


def _as_answers(plan: UpgradePlan) -> Iterator[Answer]:
    own = {one.change.path: one.change.after for one in plan.changes}
    for conflict in plan.conflicts:
        after = own.get(conflict.path) if conflict.choice is Choice.OWN else None
        content = (
            OwnContent(file=after.digest, sha256=after.digest) if after and after.digest else None
        )
        yield Answer(
            path=conflict.path,
            relation=conflict.relation,
            choices=conflict.choices,
            decision=conflict.choice,
            made_for=conflict.sides,
            content=content,
        )


def _wants_merge(conflict: OpenConflict, decision: ConflictDecision) -> bool:
    return decision.choice is Choice.MERGE and bool(conflict.merge.about)


def _decision(answer: Answer, contents: Mapping[TreePath, bytes]) -> ConflictDecision:
    if answer.decision is None:
        raise AssertionError("only answers that decide something come here")
    return ConflictDecision(choice=answer.decision, content=contents.get(answer.path))


def _stands(answer: Answer, tree: Tree) -> bool:
    """Say whether what is to be kept is what the answer was made for."""
    entry = tree.get(answer.path)
    in_the_way = answer.relation in {None, Relation.IN_THE_WAY}
    return in_the_way and (entry is None or entry.digest in {None, answer.made_for.local})


def _moved(made_for: SideDigests, there: SideDigests) -> Iterator[str]:
    """Name the sides that are not what an answer was made for."""
    names = {"base": "laid down", "local": "yours", "incoming": "incoming"}
    for field, name in names.items():
        if getattr(made_for, field) != getattr(there, field):
            yield f"{name} moved"
