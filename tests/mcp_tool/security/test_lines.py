"""Lines over standard input that are no messages."""

import pytest

from tests.mcp_tool.door import Door


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
