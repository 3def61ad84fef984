"""A stored plan is what the page says it is."""

import re
from pathlib import Path

import pytest
from pydantic import ValidationError

from aos_upgrade_plugin.models.base import Frozen
from aos_upgrade_plugin.models.plan import Conflict, PlannedChange, UpgradePlan
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import tree_digest

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "plan.md"


@pytest.mark.parametrize("model", [UpgradePlan, PlannedChange, Conflict])
def test_the_page_names_every_field(model: type[Frozen]) -> None:
    """Whoever reads a plan with a program of their own finds each field, in order."""
    section = PAGE.read_text(encoding="utf-8").split(f"## `{model.__name__}`")[1].split("\n## ")[0]
    assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == [*model.model_fields]


def test_a_plan_of_another_version_is_refused() -> None:
    """An unknown key or version might mean a change that we would not make."""
    with pytest.raises(ValidationError, match="schema_version"):
        UpgradePlan.model_validate({"schema_version": 2})
    with pytest.raises(ValidationError, match="Extra inputs"):
        Conflict.model_validate({"path": "a", "relation": "edit_edit", "force": True})


def test_a_plan_that_was_changed_by_hand_is_refused() -> None:
    """What it was made from is one digest, and the tree that it lists has to have it."""
    plan = {
        "created_at": "2025-11-21T12:00:00Z",
        "tool_version": "1",
        "layout": "agent_os",
        "options": {"only": "content", "on_conflict": "fail"},
        "source": {"path": "/source", "commit": "2" * 40},
        "origin": {"known_by": "nothing"},
        "target_digest": tree_digest({}),
        "target": {},
        "project": {},
        "counts": {},
    }
    assert UpgradePlan.model_validate(plan).nothing_to_do
    with pytest.raises(ValidationError, match="not the digest of target"):
        UpgradePlan.model_validate({**plan, "target": {"a": {"kind": "directory", "mode": 0o755}}})


@pytest.mark.parametrize("relation", [each for each in Relation if each.is_conflict])
def test_every_conflict_names_what_decides_it(relation: Relation) -> None:
    """It can always be kept; and taken, unless that would take away what only the user has."""
    flags = Conflict(path="a", relation=relation).flags
    assert flags[0] == "--on-conflict keep"
    assert ("--on-conflict take" in flags) is (relation is not Relation.IN_THE_WAY)


def test_no_relation_is_both_brought_and_asked_about() -> None:
    """What comes without a question is no conflict."""
    assert not any(each.brings and each.is_conflict for each in Relation)
