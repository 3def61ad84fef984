"""Decisions that were given beforehand: reusable, and refused where they no longer fit."""

import pytest
from pydantic import ValidationError

from aos_upgrade_plugin.decide.content.answering import answered, for_all, possible, unneeded
from aos_upgrade_plugin.errors import RefusedError, StaleError
from aos_upgrade_plugin.models.conflict import (
    Answer,
    Answers,
    ConflictDecision,
    Decided,
    GivenAnswers,
    Merge,
    OpenConflict,
)
from aos_upgrade_plugin.models.plan import Choice, SideDigests
from aos_upgrade_plugin.models.settings import OnConflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Tree
from tests.decide.conflicts import conflict
from tests.decide.three_sides import entry

OPEN = conflict(b"base", b"local", b"incoming")
MERGED = conflict(b"base", b"local", b"incoming", merge=Merge(content=b"both"))
NO_TREE: Tree = {}


def _given(decision: Choice, made_for: SideDigests, *, path: str = "a.md") -> GivenAnswers:
    answer = Answer(path=path, decision=decision, made_for=made_for)
    return GivenAnswers(Answers(answers=(answer,)), {})


@pytest.mark.parametrize("choice", [Choice.KEEP, Choice.TAKE])
def test_an_answer_that_fits_decides(choice: Choice) -> None:
    """It says whose it is; one file serves wherever the same three texts meet."""
    found = answered(_given(choice, OPEN.sides), conflicts=[OPEN], tree=NO_TREE)
    assert found == {"a.md": Decided(ConflictDecision(choice=choice), "answers")}


@pytest.mark.parametrize(
    ("side", "name"), [("base", "laid down"), ("local", "yours"), ("incoming", "incoming")]
)
def test_an_answer_for_something_else_is_refused_with_its_path(side: str, name: str) -> None:
    """Whichever of the three moved, it is named, and nothing is decided."""
    moved = OPEN.sides.model_copy(update={side: "0" * 64})
    with pytest.raises(StaleError, match=rf"a\.md \({name} moved\)"):
        answered(_given(Choice.KEEP, moved), conflicts=[OPEN], tree=NO_TREE)


def test_an_answer_that_decides_nothing_is_no_answer() -> None:
    """A template may be given back as it came; it does not even get stale."""
    template = GivenAnswers(Answers(answers=(Answer(path="a.md"),)), {})
    assert answered(template, conflicts=[OPEN], tree=NO_TREE) == {}
    assert unneeded(template, conflicts=[]) == ()


def test_an_answer_that_nobody_asks_for_is_told() -> None:
    """It does no harm: upstream caught up, or it is another installation's."""
    given = _given(Choice.TAKE, OPEN.sides, path="b.md")
    assert answered(given, conflicts=[OPEN], tree=NO_TREE) == {}
    assert unneeded(given, conflicts=["a.md"]) == ("b.md",)


def test_what_turns_out_to_be_in_the_way_may_have_an_answer() -> None:
    """Another decision brings it about, so it is no conflict yet when answers are read."""
    local = SideDigests(local=entry(1).digest)
    given = _given(Choice.KEEP, local, path="b")
    assert [*answered(given, conflicts=[], tree={"b": entry(1)})] == ["b"]
    assert answered(given, conflicts=[], tree={"b": entry(2)}) == {}


@pytest.mark.parametrize(
    ("open_", "decision", "why"),
    [
        pytest.param(OPEN, ConflictDecision(choice=Choice.MERGE), "by merge", id="no-merge"),
        pytest.param(
            conflict(None, b"x", None, relation=Relation.IN_THE_WAY),
            ConflictDecision(choice=Choice.TAKE),
            "by take",
            id="only-the-user-has-it",
        ),
        pytest.param(
            conflict(b"x", None, b"y", relation=Relation.DELETE_EDIT),
            ConflictDecision(choice=Choice.OWN, content=b"z"),
            "by own",
            id="no-file-to-write-into",
        ),
        pytest.param(
            OPEN,
            ConflictDecision(choice=Choice.OWN, content=b"<<<<<<< yours\n"),
            "markers",
            id="markers",
        ),
    ],
)
def test_what_cannot_be_is_refused(
    open_: OpenConflict, decision: ConflictDecision, why: str
) -> None:
    """With the path, whose decision it was, and what could be chosen."""
    with pytest.raises(RefusedError, match=why) as refused:
        possible(open_, Decided(decision, "acme 1"))
    assert "acme 1" in str(refused.value)


def test_a_content_of_ones_own_that_stands_there_is_kept() -> None:
    """Nothing would change, so nothing is written."""
    own = ConflictDecision(choice=Choice.OWN, content=b"local")
    assert possible(OPEN, Decided(own, "asked")).decision.choice is Choice.KEEP


@pytest.mark.parametrize("policy", [*OnConflict])
def test_the_option_for_all_merges_what_merges(policy: OnConflict) -> None:
    """And only that; keep and take need no text, the others decide nothing."""
    found = for_all(MERGED, policy)
    assert (found is not None) is (policy is OnConflict.MERGE)
    assert for_all(OPEN, policy) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"answers": [{"path": "a"}, {"path": "a"}]},
        {"answers": [{"path": "a", "decision": "own"}]},
        {"answers": [{"path": "a", "content": {"file": "b", "sha256": "0" * 64}}]},
        {"answers": [{"path": "../a"}]},
        {"answers": [{"path": "a", "decision": "both"}]},
        {"schema_version": 2},
    ],
)
def test_nonsense_is_no_file_of_answers(wrong: object) -> None:
    """Two answers for a path, a content without the decision for it, a path that leads out."""
    with pytest.raises(ValidationError):
        Answers.model_validate(wrong)


def test_a_decision_names_its_content_or_has_none() -> None:
    """Only a content of one's own is brought along."""
    with pytest.raises(ValidationError):
        ConflictDecision(choice=Choice.KEEP, content=b"x")
    with pytest.raises(ValidationError):
        ConflictDecision(choice=Choice.OWN)
