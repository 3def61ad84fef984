"""What must never work, tried on real server processes: by clients, by files of others, by pages.

Each test ends with the same two looks: the server still answers, and nothing changed in or beside
the project but the sessions of its installation.
"""

import http.client
import json
import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.workflow.checkpoint import DEEPEST, MOST_EVIDENCE_BYTES
from aos_upgrade_plugin.models.session import SessionStatus
from aos_upgrade_plugin.models.workflow_call import REQUESTS, Action
from tests.actions.workflow_places import EVIDENCE, METADATA, lay_workflow
from tests.mcp_tool.conftest import lay_project, serving_http
from tests.mcp_tool.door import Door

WORDS_OF_OTHERS = "not to be read here"
NEEDED = {"phase": 0, "task_number": 1, "evidence": {}, "to_phase": 0}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a project with a neighbour that nobody is to read or change."""
    place = tmp_path_factory.mktemp("security")
    (place / "neighbour").mkdir()
    (place / "neighbour/secret.md").write_text(WORDS_OF_OTHERS)
    install = lay_project(place / "project")
    (place / "project/src").mkdir()
    (install / "state/workflows").mkdir(parents=True)
    return place / "project"


@pytest.fixture
def door(project: Path, open_door: Callable[[Path], Door]) -> Iterator[Door]:
    """Return the door of the module's server, and look at everything afterwards."""
    found = open_door(project)
    before = _state(project)
    yield found
    assert found.ask("list_workflows")["status"] == "success"
    assert _state(project) == before
    for path in (project / ".praxis-os/state/workflows").iterdir():
        assert stat.S_IMODE(path.lstat().st_mode) == 0o600, path


@pytest.fixture
def spare(project: Path) -> Iterator[Path]:
    """Lay another installation in the project's place, for a while."""
    install, kept = project / ".praxis-os", project / "kept"
    install.rename(kept)
    yield lay_project(project)
    shutil.rmtree(install, ignore_errors=True)
    kept.rename(install)


def _state(project: Path) -> dict[str, object]:
    """Return everything in and beside the project but what sessions are stored in."""
    stored = project / ".praxis-os/state/workflows"
    return {
        str(path): (path.lstat().st_mode, path.is_file() and path.read_bytes())
        for path in sorted(project.parent.rglob("*"))
        if not path.is_relative_to(stored)
    }


@pytest.fixture
def session(door: Door) -> str:
    """Start a session that takes any evidence."""
    begun = door.ask("start", workflow_type="loose_v1", target_file="src")
    name: str = begun["session_id"]
    return name


def _refused(answer: Mapping[str, Any], kind: str = "ValueError") -> str:
    assert (answer["status"], answer.get("error_type")) == ("error", kind)
    words: str = answer["error"]
    return words


# ---- what a client names --------------------------------------------------------------------


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
    assert "traversal" in _refused(answer)


@pytest.mark.parametrize(
    "target",
    ["/etc/passwd", "//etc", "~", "~root/x", "C:\\x", "c:/x", "\\\\host\\share", "\\x", "/"],
)
def test_a_target_cannot_be_an_absolute_path(door: Door, target: str) -> None:
    """Of this system or of another."""
    answer = door.ask("start", workflow_type="review_v1", target_file=target)
    assert "absolute" in _refused(answer)


@pytest.mark.parametrize("target", ["a\0b", "a\nb", "a\x1b[2Jb", "a\u202eb", "\ufeff", "a\x7f"])
def test_a_target_holds_no_characters_that_hide_something(door: Door, target: str) -> None:
    """Nothing that ends a name, moves a cursor or turns the writing round."""
    answer = door.ask("start", workflow_type="review_v1", target_file=target)
    assert "cannot be printed" in _refused(answer)


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
        assert "through a link" in _refused(answer)
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
        assert "session_id" in _refused(door.ask(action, session_id=name, **needs))


@pytest.mark.parametrize(
    "name", ["../../../neighbour", "/etc", "review_v1/../loose_v1", "workflows/review_v1", ".", "*"]
)
def test_a_workflow_is_one_of_those_listed(door: Door, name: str) -> None:
    """Its name is looked up, and never a path."""
    assert "no workflow" in _refused(
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
        assert _refused(
            door.call(arguments), "NotFoundError" if len(arguments) == 3 else "ValueError"
        )


def test_an_argument_that_nobody_knows_is_refused(door: Door, session: str) -> None:
    """A slip of the pen is told; nothing is done without what was meant."""
    answer = door.ask("delete_session", session_id=session, reson="over")
    assert "does not take reson" in _refused(answer)
    assert "does not take __class__" in _refused(door.ask("list_sessions", __class__="x"))
    assert door.ask("get_state", session_id=session)["status"] == "success"


# ---- how much of it, and how deep -----------------------------------------------------------


def test_ten_megabytes_and_one_byte_more(door: Door, session: str) -> None:
    """The limit is allowed and not a byte more."""
    most = {"x": "a" * (MOST_EVIDENCE_BYTES - len('{"x":""}'))}
    more = {"x": most["x"] + "a"}
    words = _refused(door.ask("complete_phase", session_id=session, phase=0, evidence=more))
    assert (
        words
        == f"evidence is too large: {MOST_EVIDENCE_BYTES + 1} bytes, and 10485760 are the limit"
    )
    done = door.ask("complete_phase", session_id=session, phase=0, evidence=most)
    assert done["checkpoint_passed"] is True
    assert len(json.dumps(door.ask("get_state", session_id=session))) < 10_000


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("options", {"x": "a" * 100_001}),
        ("target_file", "a" * 1_001),
        ("workflow_type", "a" * 81),
    ],
)
def test_other_parameters_have_limits(door: Door, name: str, value: object) -> None:
    """Nothing that a session keeps can be made large by them."""
    given = {"workflow_type": "review_v1", "target_file": "src", name: value}
    assert name in _refused(door.ask("start", **given))


@pytest.mark.parametrize(
    "arguments",
    [
        {"action": "pause", "checkpoint_note": "a" * 10_001},
        {"action": "delete_session", "reason": "a" * 10_001},
        {"action": "retry_phase", "phase": 10_001},
        {"action": "rollback", "to_phase": -1},
        {"action": "get_task", "phase": 0, "task_number": 1.5},
        {"action": "get_task", "phase": True, "task_number": 1},
    ],
)
def test_notes_and_numbers_have_limits(door: Door, session: str, arguments: dict[str, Any]) -> None:
    """Too long, too large, below nothing, or no whole number."""
    _refused(door.call({**arguments, "session_id": session}))


def _nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels):
        value = [value]
    return value


def test_nesting_has_a_limit(door: Door, session: str) -> None:
    """What is deeper than a session may be is refused before anything looks at it."""
    ask = {"session_id": session, "phase": 0}
    deep = {"x": _nested(DEEPEST - 1)}
    assert "levels deep" in _refused(door.ask("complete_phase", **ask, evidence=deep))
    kept = {"x": _nested(DEEPEST - 2)}
    assert door.ask("complete_phase", **ask, evidence=kept)["checkpoint_passed"] is True


@pytest.mark.parametrize("levels", [300, 100_000])
@pytest.mark.parametrize("order", ["first", "last"])
def test_nesting_that_no_reader_follows_is_answered(door: Door, levels: int, order: str) -> None:
    """The call that carries it fails at once, whichever way its client writes a request."""
    value = "[" * levels + "]" * levels
    carried = f'{{"name":"aos_workflow","arguments":{{"id":1,"x":{value}}}}}'
    call = f'"method":"tools/call","params":{carried}'
    told = '"jsonrpc":"2.0","id":4711'
    door.say(f"{{{told},{call}}}".encode() if order == "first" else f"{{{call},{told}}}".encode())
    answer = door.hear()
    assert (answer["id"], answer["error"]["code"]) == (4711, -32700)


def test_wide_evidence(door: Door, session: str) -> None:
    """Very many fields, and names that mean something elsewhere, are only data."""
    odd = dict.fromkeys(
        ("__proto__", "__class__", "constructor", "", "a\0b", "../x", "é" * 1_000), 1
    )
    wide = {**odd, **{f"field {number}": number for number in range(10_000)}}
    done = door.ask("complete_phase", session_id=session, phase=0, evidence=wide)
    assert done["checkpoint_passed"] is True


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 400])
def test_numbers_that_are_none(door: Door, session: str, number: str) -> None:
    """They could not be kept, so they are refused."""
    call = {
        "name": "aos_workflow",
        "arguments": {"action": "complete_phase", "session_id": session},
    }
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call})
    door.say(line.replace('"action"', f'"phase":0,"evidence":{{"x":{number}}},"action"').encode())
    answer = door.hear()
    assert answer["result"]["structuredContent"]["error_type"] == "ValueError"


# ---- files of others ------------------------------------------------------------------------


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
def test_an_expression_that_does_more_than_compare_is_refused(
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
    _refused(door.ask("start", workflow_type="hostile_v1", target_file="src"), "RuntimeError")
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
        assert "refused" in _refused(begun, "RuntimeError")
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
    folder = lay_workflow(project / ".praxis-os/workflows", "outside_v1", metadata=metadata)
    for name, to in (("link.md", "neighbour/secret.md"), ("dir", "neighbour")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(project.parent / to)
    door = open_door(project)
    begun = door.ask("start", workflow_type="outside_v1", target_file="src")
    assert WORDS_OF_OTHERS not in json.dumps(begun)
    assert "outside_v1" in _refused(begun, "RuntimeError")


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
        assert _refused(shown, "RuntimeError")
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
    assert "is a link" in _refused(answer, "RuntimeError")
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


# ---- lines and requests that are none -------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        *(
            b"garbage",
            b"\xff\xfe\x00\x01",
            b"{}",
            b"[]",
            b"null",
            b"1",
            b'"x"',
            b"{",
            b"\x00" * 1_000,
        ),
        *(b'{"jsonrpc":"1.0","id":1,"method":"ping"}', b'{"jsonrpc":"2.0","id":null,"method":7}'),
        *(b'[{"jsonrpc":"2.0","id":1,"method":"ping"}]', b'{"x":"' + b"a" * (8 << 20) + b'"}'),
    ],
)
def test_a_line_that_is_no_message_is_answered(door: Door, line: bytes) -> None:
    """As JSON-RPC wants it: without an id, because nobody can tell whose it was."""
    door.say(line)
    answer = door.hear()
    assert answer["id"] is None
    assert answer["error"]["code"] in {-32700, -32600}
    assert len(answer["error"]["message"]) < 500


def test_an_id_in_the_middle_is_nobodys(door: Door) -> None:
    """A request that cannot be read never ends another one; nor does an answer."""
    deep = b"[" * 500
    for line in (
        b'{"method":"tools/call","params":{"jsonrpc":"2.0","id":7,"x":' + deep + b"}}",
        b'{"jsonrpc":"2.0","id":7,"result":{"x":' + deep + b"}}",
        b'{"result":{"x":' + deep + b'},"jsonrpc":"2.0","id":7}',
    ):
        door.say(line)
        assert door.hear()["id"] is None


def test_empty_lines_and_halves(door: Door) -> None:
    """Nothing is said to nothing; a request in two parts is one request."""
    for line in (b"", b"  ", b"\r"):
        door.say(line)
    assert door._server.stdin is not None
    for part in (b'{"jsonrpc":"2.0","id":"two', b' parts","method":"ping"}\n'):
        door._server.stdin.write(part)
        door._server.stdin.flush()
    assert door.hear() == {"jsonrpc": "2.0", "id": "two parts", "result": {}}


@pytest.mark.parametrize("arguments", [[], "x", 1, [{"action": "list_workflows"}]])
def test_arguments_that_are_no_object(door: Door, arguments: object) -> None:
    """They are an error of the protocol."""
    answer = door.request("tools/call", {"name": "aos_workflow", "arguments": arguments})
    assert answer["error"]["code"] == -32602


_ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
_MODERN = {
    **_ACCEPT,
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "aos_workflow",
}


class _Http:
    """Requests of any shape to a server over HTTP."""

    def __init__(self, url: str) -> None:
        self.port = int(url.rpartition(":")[2].partition("/")[0])

    def post(
        self, body: bytes | None, *, path: str = "/mcp", method: str = "POST", **headers: str
    ) -> int:
        """Return the status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            more = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body, {**_ACCEPT, **more})
            return connection.getresponse().status
        finally:
            connection.close()

    def works(self) -> bool:
        """Say whether an ordinary call is answered."""
        call = {"name": "aos_workflow", "arguments": {"action": "list_sessions"}, "_meta": _META}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        connection.request("POST", "/mcp", json.dumps(body), _MODERN)
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return bool(answer["result"]["structuredContent"]["status"] == "success")

    def raw(self, data: bytes) -> socket.socket:
        """Send bytes that need be no request, and return the open connection."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(data)
        return connection


@pytest.fixture(scope="module")
def over_http(project: Path) -> Iterator[_Http]:
    """Serve the module's project over HTTP, too."""
    with serving_http(project) as url:
        yield _Http(url)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:80", "127.0.0.1.evil.example:80", "localhost.evil.example"),
        *(
            "127.0.0.1",
            "localhost",
            "0.0.0.0:80",
            "169.254.169.254",
            "[::]:80",
            "x@127.0.0.1:80",
            "",
        ),
    ],
)
def test_a_name_that_was_rebound_is_refused(over_http: _Http, host: str) -> None:
    """Only this machine's own names, with the port, are served."""
    assert over_http.post(b"{}", Host=host) in {400, 421}
    assert over_http.works()


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "https://127.0.0.1",
        "http://127.0.0.1.evil.example:80",
        "file://",
    ],
)
def test_a_page_of_another_origin_is_refused(over_http: _Http, origin: str) -> None:
    """Its browser says where it comes from."""
    assert over_http.post(b"{}", Origin=origin) == 403
    assert over_http.works()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"garbage", b"\xff\xfe", b"{}", b"[]", b"[" * 100_000, b"null", b'"\\ud800"'),
        *(b'{"jsonrpc":"2.0","id":1,"method":"ping"', b'{"jsonrpc":"2.0","id":{},"method":[]}'),
    ],
)
def test_a_body_that_is_no_message_is_a_bad_request(over_http: _Http, body: bytes) -> None:
    """In either era of the protocol."""
    assert over_http.post(body) == 400
    modern = {name.replace("-", "_"): value for name, value in _MODERN.items()}
    assert over_http.post(body, **modern) == 400
    assert over_http.works()


def test_requests_of_the_wrong_kind(over_http: _Http) -> None:
    """Other paths, methods and types of content, and sessions of nobody."""
    assert over_http.post(b"{}", path="/../etc/passwd") == 404
    assert over_http.post(b"{}", path="/") == 404
    assert over_http.post(None, method="GET") == 400
    assert over_http.post(None, method="OPTIONS") == 405
    assert over_http.post(b"{}", Content_Type="text/plain") == 400
    assert over_http.post(b"{}", Mcp_Session_Id="../../x") == 404
    assert over_http.works()


def test_bytes_that_are_no_request(over_http: _Http) -> None:
    """Noise is told so; half a request keeps its own connection waiting and nobody else's."""
    half = over_http.raw(b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{")
    twice = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:1\r\nHost: evil.example\r\n\r\n"
    for noise in (b"\x00\xff" * 100 + b"\r\n\r\n", b"A" * 200_000, twice):
        with over_http.raw(noise) as connection:
            assert connection.recv(12) == b"HTTP/1.1 400"
    assert over_http.works()
    half.close()
    assert over_http.works()


def test_a_request_that_is_too_large_is_not_read(over_http: _Http) -> None:
    """Ten megabytes fit however they are escaped; more is refused by what it says of itself."""
    declared = b"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nContent-Length: %d\r\n\r\n"
    with over_http.raw(declared % (over_http.port, (64 << 20) + 1)) as connection:
        assert connection.recv(12) == b"HTTP/1.1 413"
    assert over_http.works()


# ---- anything at all ------------------------------------------------------------------------

_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec="utf-8"), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
_LIKELY: Mapping[str, st.SearchStrategy[Any]] = {
    "session_id": st.sampled_from(["x", "not_there", "../x", "SESSION"]),
    "workflow_type": st.sampled_from(["review_v1", "loose_v1", "../x", "null", "hostile_v1"]),
    "target_file": st.sampled_from(["src", "../x", "/x", "null", "[1]", "a/../b", "."]),
    "options": st.just({}) | st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
    "phase": st.integers(-1, 3),
    "task_number": st.integers(-1, 3),
    "evidence": st.just({}) | st.just(EVIDENCE) | st.just("{}"),
    "category": st.sampled_from(["review", "null", ""]),
    "status": st.sampled_from([*SessionStatus, "asleep"]),
    "reason": st.text(max_size=5),
    "checkpoint_note": st.text(max_size=5),
    "reset_evidence": st.booleans() | st.none(),
    "to_phase": st.integers(-1, 3),
}
_CALLS = st.tuples(
    st.sampled_from([*Action]) | _JSON,
    st.fixed_dictionaries({}, optional={name: each | _JSON for name, each in _LIKELY.items()}),
    st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), _JSON, max_size=1),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(call=_CALLS)
def test_any_arguments_at_all(door: Door, session: str, call: tuple[Any, Any, Any]) -> None:
    """Every call is answered as the contract says, and nothing but sessions changes."""
    action, arguments, more = call
    if arguments.get("session_id") == "SESSION":
        arguments = {**arguments, "session_id": session}
    answer = door.call({**more, **arguments, "action": action})
    assert "failed: " not in answer.get("error", ""), answer


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(action=st.sampled_from([*Action]), data=st.data())
def test_calls_that_are_nearly_right(
    door: Door, session: str, action: Action, data: st.DataObject
) -> None:
    """With just the parameters that an action takes, each likely or anything."""
    fields = REQUESTS[action].model_fields
    known = {"session_id": st.just(session)}
    likely = {name: known.get(name, _LIKELY[name]) | _JSON for name in fields}
    answer = door.call({**data.draw(st.fixed_dictionaries(likely)), "action": action})
    assert "failed: " not in answer.get("error", ""), answer
