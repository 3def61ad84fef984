"""Real clients talk to real servers: good, old, new, silent, dying and lying ones."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.models.server import Servers, Site, StartCommand, ToolCall, Transport
from aos_upgrade_plugin.phases import serving

LONG_S = 120.0
"""Nothing waits that long unless something is broken."""


def _program(folder: Path, code: str) -> StartCommand:
    """Return the command that runs a program as a server over stdio."""
    (folder / "program.py").write_text(code)
    return StartCommand(
        arguments=(sys.executable, str(folder / "program.py")),
        folder=str(folder),
        variables={},
        transport=Transport.STDIO,
        recorded_in="a test",
    )


def _over_stdio(site: Site) -> StartCommand:
    command = serving.recorded_command(site, Servers(), transport=Transport.STDIO)
    assert command is not None
    return command


@pytest.fixture
def url(lay_site: Callable[..., Site]) -> str:
    """Start a server of the sample and return its address."""
    site = lay_site("1.1.0")
    command = serving.recorded_command(site, Servers())
    assert command is not None
    return serving.start(site, command, log=site.install / ".cache/log", limit_s=LONG_S).url


def test_over_http_it_names_itself_and_its_tools(url: str) -> None:
    """A reached server is known by name, version and tools, and each step by its time."""
    answer = probe(url, limit_s=LONG_S, calls=[ToolCall(tool="current_date")])
    assert answer.reached
    assert (answer.endpoint, answer.name, answer.version) == (url, "sample-agent-os", "1.1.0")
    assert "search_standards" in answer.tools
    assert answer.connected_s > 0
    assert answer.listed_s > 0
    (date,) = answer.answers
    assert isinstance(date.content, dict)
    assert {*date.content} == {"iso_date", "iso_datetime"}
    assert date.took_s > 0


def test_over_stdio_it_is_started_and_stopped_again(lay_site: Callable[..., Site]) -> None:
    """The probe leaves no process behind, and no state of one."""
    site = lay_site("1.0.0")
    answer = probe(
        _over_stdio(site),
        limit_s=LONG_S,
        calls=[ToolCall(tool="pos_workflow", arguments={"action": "list_workflows"})],
    )
    assert answer.problem is None
    assert answer.version == "1.0.0"
    assert isinstance(answer.answers[0].content, dict)
    assert answer.answers[0].content["count"] == 2
    assert serving.look(site) == Servers()
    assert not site.state_file.exists()


def test_what_a_tool_gets_wrong_is_the_answer(url: str) -> None:
    """An unknown tool and a refused argument do not hide what the others say."""
    unknown, refused, date = probe(
        url,
        limit_s=LONG_S,
        calls=[
            ToolCall(tool="make_coffee"),
            ToolCall(tool="search_standards", arguments={"question": "?"}),
            ToolCall(tool="current_date"),
        ],
    ).answers
    assert unknown.problem == "the server has no such tool"
    assert "query" in str(refused.problem)
    assert "\n" not in str(refused.problem)
    assert date.problem is None


def test_the_users_proxies_are_not_asked(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server of this machine is reached on this machine."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert probe(url, limit_s=LONG_S).reached


OLD = """
import json, pathlib, sys
TOOLS = [{"name": f"tool_{number}", "inputSchema": {"type": "object"}} for number in range(3)]
HEARD = pathlib.Path("heard.txt")
for line in sys.stdin:
    asked = json.loads(line)
    with HEARD.open("a") as heard:
        heard.write(asked["method"] + "\\n")
    if "id" not in asked:
        continue
    match asked["method"]:
        case "initialize":
            answer = {"result": {
                "protocolVersion": "2024-11-05",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "0.1"},
            }}
        case "tools/list":
            page = int(asked.get("params", {}).get("cursor", "0"))
            more = {"nextCursor": str(page + 1)} if page < 2 else {}
            answer = {"result": {"tools": TOOLS[page:page + 1], **more}}
        case "tools/call":
            answer = {"result": {"content": [{"type": "text", "text": WORDS}]}}
        case other:
            answer = {"error": {"code": -32601, "message": f"unknown: {other}"}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


@pytest.mark.parametrize(
    ("words", "content"),
    [('{"found": [1]}', {"found": [1]}), ("just words", "just words")],
    ids=["json", "text"],
)
def test_a_server_of_the_first_protocol_is_understood(
    tmp_path: Path, words: str, content: object
) -> None:
    """It is asked nothing that it does not know, or its log would fill with our errors."""
    command = _program(tmp_path, f"WORDS = {words!r}\n{OLD}")
    answer = probe(command, limit_s=LONG_S, calls=[ToolCall(tool="tool_2")])
    assert (answer.problem, answer.protocol, answer.version) == (None, "2024-11-05", "0.1")
    assert answer.tools == ("tool_0", "tool_1", "tool_2")
    assert answer.answers[0].content == content
    assert (tmp_path / "heard.txt").read_text().split() == [
        *("initialize", "notifications/initialized"),
        *("tools/list", "tools/list", "tools/list", "tools/call"),
    ]


NEW = """
import json, sys
NEWEST = "2026-07-28"
END = {"resultType": "complete", "ttlMs": 0, "cacheScope": "public"}
for line in sys.stdin:
    asked = json.loads(line)
    if "id" not in asked:
        continue
    match asked["method"]:
        case "server/discover":
            can = {"supportedVersions": [NEWEST], "capabilities": {"tools": {}}}
            answer = {"result": {**can, **END}}
        case "tools/list":
            tools = [{"name": "only", "inputSchema": {"type": "object"}}]
            answer = {"result": {"tools": tools, **END}}
        case _:
            data = {"supported": [NEWEST], "requested": "2025-11-25"}
            answer = {"error": {"code": -32022, "message": "too old", "data": data}}
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], **answer}), flush=True)
"""


def test_a_server_without_the_handshake_is_understood(tmp_path: Path) -> None:
    """One that speaks the newest protocol alone says so, and is asked in it."""
    answer = probe(_program(tmp_path, NEW), limit_s=LONG_S)
    assert (answer.problem, answer.protocol, answer.tools) == (None, "2026-07-28", ("only",))
    assert (answer.name, answer.version) == (None, None)


def test_a_silent_server_is_given_up_and_stopped(tmp_path: Path) -> None:
    """The limit is kept, and nothing of it runs on."""
    code = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(1000)"
    answer = probe(_program(tmp_path, code), limit_s=1)
    assert answer.problem == "no answer within 1 s"
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


def test_a_hanging_tool_is_given_up_alone(tmp_path: Path) -> None:
    """Its own limit passes; what the server did before and does after still counts."""
    hangs = f"import time\nWORDS = ''\n{OLD}".replace(
        'case "tools/call":',
        'case "tools/call" if asked["params"]["name"] == "tool_1": continue\n'
        '        case "tools/call":',
    )
    calls = [ToolCall(tool=f"tool_{number}") for number in range(3)]
    answer = probe(_program(tmp_path, hangs), limit_s=4, calls=calls)
    assert answer.reached
    assert [each.problem for each in answer.answers] == [None, "no answer within 4 s", None]


def test_a_dying_server_is_told_with_its_last_words(tmp_path: Path) -> None:
    """What it said on standard error is why."""
    answer = probe(_program(tmp_path, "raise SystemExit('no config here')"), limit_s=LONG_S)
    assert not answer.reached
    assert str(answer.problem).endswith("its last line: no config here")


def test_a_command_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A missing environment is an answer like any other."""
    command = _program(tmp_path, "").model_copy(update={"arguments": (f"{tmp_path}/venv/python",)})
    assert "No such file" in str(probe(command, limit_s=LONG_S).problem)


def test_a_closed_port_is_told() -> None:
    """Nobody listens: the first thing that anybody wants to know."""
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    answer = probe(f"http://127.0.0.1:{port}/mcp", limit_s=LONG_S)
    assert not answer.reached
    assert answer.problem


def test_a_port_that_takes_and_never_gives_is_given_up() -> None:
    """Listening is not serving."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = probe(f"http://127.0.0.1:{silent.getsockname()[1]}/mcp", limit_s=1)
    assert answer.problem == "no answer within 1 s"


ASK = """
import sys
from aos_upgrade_plugin.effects.service.mcp_probe import probe
print(probe(sys.argv[1], limit_s=120).problem)
"""


@pytest.fixture
def website() -> Iterator[str]:
    """Run something that has come by the port of a server that is gone."""
    page = b'{"welcome": "to my blog"}'
    kind = b"Content-Type: application/json\r\nConnection: close\r\n"
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            visitor, _ = listener.accept()
            with visitor:
                visitor.recv(1 << 16)
                visitor.sendall(b"HTTP/1.1 200 OK\r\n" + kind + b"\r\n" + page)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"


def test_something_else_on_the_port_is_no_server(website: str) -> None:
    """Ports are used again by others; what they say is told in one line, and nothing is printed."""
    said = subprocess.run(
        [sys.executable, "-c", ASK, website], check=True, capture_output=True, text=True
    )
    assert said.stdout.startswith("Failed to parse JSON response")
    assert len(said.stdout.splitlines()) == 1
    assert said.stderr == ""


def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    """A long-lived runner may probe as often as it likes."""
    command = _program(tmp_path, "raise SystemExit(1)")
    probe(command, limit_s=LONG_S)
    before = len(os.listdir("/dev/fd"))
    for _ in range(3):
        probe(command, limit_s=LONG_S)
    assert len(os.listdir("/dev/fd")) == before
