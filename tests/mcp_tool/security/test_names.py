"""What a client names: targets, sessions, workflows, resources, and what there is none of."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.mcp_tool.door import Door
from tests.mcp_tool.security.conftest import refused

NEEDED = {"phase": 0, "task_number": 1, "evidence": {}, "to_phase": 0}


@pytest.mark.parametrize(
    "target",
    [
        *("..", "../neighbour", "../neighbour/secret.md", "src/../../neighbour", "./../neighbour"),
        *("src/..", "..\\neighbour", "src\\..\\..\\neighbour", "a/..\\..\\b", "../" * 40 + "etc"),
    ],
)
def test_a_target_cannot_leave_the_project_by_traversal(door: Door, target: str) -> None:
    """Whatever slashes it is written with."""
    answer = door.ask("start", workflow_type="review_v1", target_file=target)
    assert "traversal" in refused(answer)


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "//etc", "~", "~root/x", "C:\\x", "c:/x", "\\\\host\\share", "\\x", "/"],
)
def test_a_target_cannot_be_an_absolute_path(door: Door, target: str) -> None:
    """Of this system or of another."""
    answer = door.ask("start", workflow_type="review_v1", target_file=target)
    assert "absolute" in refused(answer)


@pytest.mark.parametrize("target", ["a\0b", "a\nb", "a\x1b[2Jb", "a\u202eb", "\ufeff", "a\x7f"])
def test_a_target_holds_no_characters_that_hide_something(door: Door, target: str) -> None:
    """Nothing that ends a name, moves a cursor or turns the writing round."""
    answer = door.ask("start", workflow_type="review_v1", target_file=target)
    assert "cannot be printed" in refused(answer)


@pytest.mark.parametrize("target", ["%2e%2e/x", "..%2fx", "....//x", "file:x", "a b", "-rf", "…"])
def test_an_odd_target_is_only_a_name(door: Door, target: str) -> None:
    """It is kept, not read, decoded or run."""
    answer = door.ask("start", workflow_type="review_v1", target_file=target)
    assert answer["target_file"] == target.replace("//", "/")


@pytest.mark.parametrize(
    ("to", "target"),
    [
        ("../neighbour", "out/secret.md"),
        ("../neighbour", "out/not/there/yet"),
        ("/", "out/etc/passwd"),
        ("out", "out"),
        ("src/../..", "out/neighbour"),
        ("../neighbour/secret.md", "out"),
    ],
)
def test_a_target_cannot_leave_the_project_by_a_link(
    open_door: Callable[[Path], Door], project: Path, to: str, target: str
) -> None:
    """However many links it takes; one that ends inside is fine."""
    door = open_door(project)
    (project / "out").symlink_to(to)
    (project / "in").symlink_to("src")
    try:
        answer = door.ask("start", workflow_type="review_v1", target_file=target)
        assert "through a link" in refused(answer)
        inside = door.ask("start", workflow_type="review_v1", target_file="in/x")
        assert inside["status"] == "success"
    finally:
        (project / "out").unlink()
        (project / "in").unlink()


@pytest.mark.parametrize(
    "name",
    [
        *("../../config", "../x", "a/b", ".", "..", "", "A", "a-b", "a.b", "a b", "x\n", "\0", "é"),
        *("a" * 121, "%2e%2e", "*", "history.jsonl", ".lock", 7, True, [], {"a": 1}, ["x"]),
    ],
)
def test_a_session_has_a_plain_name(door: Door, name: object) -> None:
    """Every action about one refuses every other name, ``delete_session`` above all."""
    for action in sorted({*Action} - {"list_workflows", "start", "list_sessions"}):
        needs = {key: NEEDED[key] for key in REQUESTS[Action(action)].model_fields if key in NEEDED}
        assert "session_id" in refused(door.ask(action, session_id=name, **needs))


@pytest.mark.parametrize(
    "name", ["../../../neighbour", "/etc", "review_v1/../loose_v1", "workflows/review_v1", ".", "*"]
)
def test_a_workflow_is_one_of_those_listed(door: Door, name: str) -> None:
    """Its name is looked up, and never a path."""
    assert "no workflow" in refused(
        door.ask("start", workflow_type=name, target_file="src"), "NotFoundError"
    )


@pytest.mark.parametrize(
    "uri",
    [
        *(
            "aos://sessions/..%2F..%2Fneighbour",
            "aos://workflows/..%2Freview_v1",
            "aos://sessions/",
        ),
        *(
            "file:///etc/passwd",
            "aos://sessions/../workflows",
            "aos://workflows/%00",
            "aos://x",
            "",
        ),
    ],
)
def test_a_resource_is_one_of_those_offered(door: Door, project: Path, uri: str) -> None:
    """Nothing else is read, and the error names no path."""
    answer = door.request("resources/read", {"uri": uri})
    assert answer["error"]["code"] in {-32602, -32603}
    assert str(project.parent) not in json.dumps(answer)


@pytest.mark.parametrize(
    "words", ["\x1b[2J", "a\nb", "<b>", "' OR 1=1", "{{7*7}}", "$(id)", "\u202e"]
)
def test_what_is_echoed_is_one_printable_line(door: Door, words: str) -> None:
    """An error shows what was wrong without doing anything with it."""
    for arguments in (
        {"action": words},
        {"action": "start", "workflow_type": words, "target_file": "src"},
        {"action": "list_sessions", words: 1},
    ):
        assert refused(
            door.call(arguments), "NotFoundError" if len(arguments) == 3 else "ValueError"
        )


def test_an_argument_that_nobody_knows_isrefused(door: Door, session: str) -> None:
    """A slip of the pen is told; nothing is done without what was meant."""
    answer = door.ask("delete_session", session_id=session, because="over")
    assert "does not take because" in refused(answer)
    assert "does not take __class__" in refused(door.ask("list_sessions", __class__="x"))
    assert door.ask("get_state", session_id=session)["status"] == "success"
