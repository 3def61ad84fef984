"""Files of others: definitions that are traps, sessions that are none, links and broken folders."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.actions.workflow_places import METADATA, lay_workflow
from tests.mcp_tool.door import Door
from tests.mcp_tool.security.conftest import WORDS_OF_OTHERS, refused


@pytest.mark.parametrize(
    "expression",
    [
        "__import__('os').system('touch bad')",
        "().__class__.__base__.__subclasses__()",
        "open('/etc/passwd').read()",
        "(lambda: 1)()",
        "x.format(x)",
        "f'{x}'",
        "exec('1')",
        "[y for y in x if (z := y)]",
        "x.__init__.__globals__",
        "getattr(x, 'y')",
        "x; x",
        "a" * 1_001,
        "(" * 300 + "x" + ")" * 300,
    ],
)
def test_an_expression_that_does_more_than_compare_isrefused(
    project: Path, open_door: Callable[[Path], Door], expression: str
) -> None:
    """Its workflow is listed as broken, with the reason, and cannot be started."""
    gate = {"evidence_schema": {"x": {"type": "string"}}, "validators": {"v": expression}}
    files = {"phases/0/gate-definition.yaml": json.dumps(gate)}
    lay_workflow(project / ".praxis-os/workflows", "hostile_v1", files=files)
    door = open_door(project)
    found = [each for each in _listed(door) if each["workflow_type"] == "hostile_v1"]
    assert found[0]["usable"] is False
    assert "refused" in found[0]["problem"]
    refused(door.ask("start", workflow_type="hostile_v1", target_file="src"), "RuntimeError")
    assert not [*project.rglob("bad")]


def _listed(door: Door) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = door.ask("list_workflows")["workflows"]
    return found


@pytest.mark.parametrize(
    "expression",
    [
        "9 ** 9 ** 9 > 0",
        "'a' * 10 ** 9 == x",
        "len([1 for a in x for b in x for c in x for d in x]) > 0",
        "x + x + x == [] or (x * 1000000) == x",
        "max(x) / 0 > 1",
        "sum(x * 100000) > 0",
    ],
)
def test_an_expression_that_does_too_much_is_a_no(
    project: Path, open_door: Callable[[Path], Door], expression: str
) -> None:
    """Whatever would take long, or cannot be told, opens nothing."""
    schema = {"x": {"type": "list", "required": True, "validator": "v"}}
    gate = {"evidence_schema": schema, "validators": {"v": f"lambda x: {expression}"}}
    files = {"phases/0/gate-definition.yaml": json.dumps(gate)}
    lay_workflow(project / ".praxis-os/workflows", "hostile_v1", files=files)
    door = open_door(project)
    begun = door.ask("start", workflow_type="hostile_v1", target_file="src")
    if begun["status"] == "error":
        assert "refused" in refused(begun, "RuntimeError")
        return
    ask = {"session_id": begun["session_id"], "phase": 0, "evidence": {"x": [*range(200)]}}
    assert door.ask("complete_phase", **ask)["checkpoint_passed"] is False


_LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "files",
    [
        {"phases/0/gate-definition.yaml": "!!python/object/apply:os.system ['touch bad']"},
        {"phases/0/gate-definition.yaml": _LAUGHS},
        {"phases/0/gate-definition.yaml": "a: " + "[" * 2_000},
        {"phases/0/gate-definition.yaml": b"\xff\xff"},
        {"phases/0/gate-definition.yaml": "a: 1\n" * 300_000},
        {"metadata.json": "[" * 100_000},
        {"metadata.json": json.dumps({**METADATA, "total_phases": 10**30})},
        {"metadata.json": json.dumps({**METADATA, "phases": [{"phase_number": 0}] * 20_000})},
        {"metadata.json": "9" * 10_000},
        {"metadata.json": b"\x00" * 1_000},
    ],
)
def test_a_definition_that_is_a_trap_is_broken(
    project: Path, open_door: Callable[[Path], Door], files: Mapping[str, str | bytes]
) -> None:
    """It is told so beside the others, which can be used."""
    lay_workflow(project / ".praxis-os/workflows", "hostile_v1", files=files)
    usable = {each["workflow_type"]: each["usable"] for each in _listed(open_door(project))}
    assert usable["hostile_v1"] is False
    assert usable["review_v1"] is True
    assert not [*project.rglob("bad")]


@pytest.mark.parametrize(
    "path", ["../../../../neighbour/secret.md", "/etc/passwd", "link.md", "dir/secret.md"]
)
def test_a_definition_shows_no_file_outside_of_it(
    project: Path, open_door: Callable[[Path], Door], path: str
) -> None:
    """Neither by a path nor by a link: what lies elsewhere is not this workflow's."""
    phase = {**METADATA["phases"][0], "file": path, "tasks": []}
    metadata = {**METADATA, "phases": [phase, METADATA["phases"][1]]}
    folder = lay_workflow(
        project / ".praxis-os/workflows",
        "outside_v1",
        metadata=metadata,
        files={"phases/0/phase.md": None},  # it would stand in for what is refused
    )
    for name, to in (("link.md", "neighbour/secret.md"), ("dir", "neighbour")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(project.parent / to)
    door = open_door(project)
    begun = door.ask("start", workflow_type="outside_v1", target_file="src")
    assert WORDS_OF_OTHERS not in json.dumps(begun)
    assert "outside_v1" in refused(begun, "RuntimeError")


@pytest.mark.parametrize("kind", ["link", "pipe", "folder", "empty", "noise", "huge", "other"])
def test_a_session_file_of_somebody_else_is_a_damaged_session(
    project: Path, open_door: Callable[[Path], Door], kind: str
) -> None:
    """It is listed with its problem; nothing of what it leads to is shown, and nobody waits."""
    path = project / ".praxis-os/state/workflows/strange.json"
    match kind:
        case "link":
            path.symlink_to(project.parent / "neighbour/secret.md")
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "other":
            path.write_text(json.dumps({"sha256": "0" * 64, "session": {"session_id": "x"}}))
        case "huge":
            path.touch()
            os.truncate(path, 1 << 36)
        case _:
            path.write_bytes(b"\xff\0[" * (kind == "noise"))
    door = open_door(project)
    try:
        (found,) = [
            each
            for each in door.ask("list_sessions")["sessions"]
            if each["session_id"] == "strange"
        ]
        assert found["problem"]
        shown = door.ask("get_session", session_id="strange")
        assert refused(shown, "RuntimeError")
        assert WORDS_OF_OTHERS not in json.dumps([found, shown])
    finally:
        path.rmdir() if kind == "folder" else path.unlink()


@pytest.mark.parametrize("which", ["state", "state/workflows"])
def test_sessions_are_not_kept_behind_a_link(
    spare: Path, tmp_path: Path, open_door: Callable[[Path], Door], which: str
) -> None:
    """Where the store is a link, nothing is written to where it leads."""
    (spare / which).parent.mkdir(exist_ok=True)
    (spare / which).symlink_to(tmp_path)
    door = open_door(spare.parent)
    answer = door.ask("start", workflow_type="review_v1", target_file="a")
    assert "is a link" in refused(answer, "RuntimeError")
    assert [*tmp_path.iterdir()] == []


def test_no_error_names_a_place_of_this_machine(
    spare: Path, open_door: Callable[[Path], Door]
) -> None:
    """Whatever is wrong on the disk, names are shown from the installation on."""
    project = spare.parent
    door = open_door(project)
    begin = {"action": "start", "workflow_type": "loose_v1", "target_file": "a"}
    session = {"session_id": door.call(begin)["session_id"]}
    (project / "pyproject.toml").write_text("[")
    answers = [door.call({**begin, "target_file": "../a"}), door.call(begin)]
    (project / "pyproject.toml").unlink()
    lay_workflow(spare / "workflows", "loose_v1", metadata="{")
    answers += [door.ask("get_phase", **session), door.call(begin), door.ask("list_workflows")]
    stored = spare / "state/workflows"
    (stored / f"{session['session_id']}.json").write_text("{")
    answers += [door.ask("get_state", **session), door.ask("list_sessions")]
    shutil.rmtree(stored)
    stored.write_text("")
    begin["workflow_type"] = "review_v1"
    answers += [door.call(begin), door.ask("list_sessions"), door.ask("get_state", **session)]
    shutil.rmtree(spare)
    answers.append(door.ask("list_workflows"))
    assert sum(answer["status"] == "error" for answer in answers) >= 7
    for answer in answers:
        told = json.dumps(answer)
        assert str(project.parent) not in told
        assert ".venv" not in told
