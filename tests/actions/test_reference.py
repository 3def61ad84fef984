"""The page of the actions is what the tool answers today, and leaves no action out."""

import json
import re

import pytest

from aos_upgrade_plugin.actions.workflow_reference import actions_page, page_of
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.actions.reference import PAGE, page, takes

CHANGING = {"complete_phase", "pause", "resume", "retry_phase", "rollback"}


def test_the_page_is_what_the_tool_answers() -> None:
    """Every call of it is made again. To write it anew: ``python -m tests.actions.reference``."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_comes_with_the_package() -> None:
    """It is one file: what agents read is what people read."""
    assert actions_page() == PAGE.read_text(encoding="utf-8")
    with pytest.raises(NotFoundError, match="'fly'"):
        page_of("fly")


@pytest.mark.parametrize("action", Action)
def test_each_action_has_its_calls_and_its_errors(action: Action) -> None:
    """What it takes, a call that succeeds with its answer, and a line for whatever it refuses."""
    section = page_of(action)
    assert takes(action) in section
    shown = [json.loads(each) for each in re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)]
    calls, answers = shown[::2], shown[1::2]
    assert {each["action"] for each in shown} == {action}
    assert answers[0]["status"] == "success"
    fields = REQUESTS[action].model_fields
    assert {name for call in calls for name in call} <= {"action", *fields}
    rows = re.findall(r"^\| (.+?) \| (\w+Error) \| (.+) \| (.+) \|$", section, re.MULTILINE)
    assert all(error and remediation for _, _, error, remediation in rows)
    when = {row[0]: row[1] for row in rows}
    for name, field in fields.items():
        assert when[f"`{name}` is of another type"] == "ValueError"
        assert (f"`{name}` is missing" in when) is field.is_required()
    if "session_id" in fields and action is not Action.DELETE_SESSION:
        assert when["there is no such session"] == "NotFoundError"
    if action in CHANGING:
        assert when["somebody else was faster"] == "RuntimeError"
        assert when["the session is completed"] == "StateError"


def test_upgrades_have_what_is_theirs_alone() -> None:
    """Decisions, claims that are refused with both values, and a walk to the end."""
    section = page_of("upgrades")
    shown = [json.loads(each) for each in re.findall(r"```json\n(.*?)\n```", section, re.DOTALL)]
    answers = shown[1::2]
    assert any(each.get("conflicts") for each in answers)
    (refused,) = (each["contradictions"] for each in answers if "contradictions" in each)
    assert refused == [{"field": "source_git_clean", "claimed": False, "measured": True}]
    assert answers[-1]["session_status"] == "completed"
    assert "/tmp" not in section  # noqa: S108  no path of the machine that wrote the page
