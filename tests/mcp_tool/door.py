"""Clients that may say anything at all, over the pipes of a server or over HTTP."""

import http.client
import json
import os
import select
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import Any

from aos_upgrade_plugin.models.workflow_call import Action

ERROR_TYPES = {"ValueError", "NotFoundError", "ValidationError", "StateError", "RuntimeError"}
_PATIENCE_S = 120.0


class Door:
    """A server process behind its standard input and output."""

    def __init__(self, command: Sequence[str], *, env: Mapping[str, str]) -> None:
        """Start it and shake hands."""
        pipe = subprocess.PIPE
        self._server = subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        self._left = b""
        self._last = 0
        client = {"name": "door", "version": "1"}
        about = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client}
        assert "result" in self.request("initialize", about)
        self.say(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')

    def say(self, line: bytes) -> None:
        """Send a line, whatever it holds."""
        assert self._server.stdin is not None
        self._server.stdin.write(line + b"\n")
        self._server.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """Return the next answer; one has to come."""
        assert self._server.stdout is not None
        descriptor, until = self._server.stdout.fileno(), time.monotonic() + _PATIENCE_S
        parts = [self._left]
        while b"\n" not in parts[-1]:
            ready, _, _ = select.select([descriptor], [], [], max(0, until - time.monotonic()))
            assert ready, "no answer"
            parts.append(os.read(descriptor, 1 << 20))
            assert parts[-1], "the server went away"
        line, _, self._left = b"".join(parts).partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def request(self, method: str, parameters: object = None) -> dict[str, Any]:
        """Send a request and return what is answered to it."""
        self._last += 1
        about = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": parameters}
        self.say(json.dumps(about).encode())
        answer = self.hear()
        assert answer["id"] == self._last
        return answer

    def call(self, arguments: object) -> dict[str, Any]:
        """Call the tool with any arguments, look at what every answer has, and return it."""
        answer = self.request("tools/call", {"name": "aos_workflow", "arguments": arguments})
        return checked(answer["result"])

    def ask(self, action: str, **arguments: object) -> dict[str, Any]:
        """Call the tool as it is meant to be called."""
        return self.call({"action": action, **arguments})

    def close(self) -> tuple[int, str]:
        """End the input; return the server's status and what it said beside the protocol."""
        out, told = self._server.communicate()
        assert out == b""
        return self._server.returncode, told.decode()


_ACCEPT = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
MODERN = {
    **_ACCEPT,
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "aos_workflow",
}


class HttpDoor:
    """Requests of any shape to a server over HTTP."""

    def __init__(self, url: str) -> None:
        """Know where it serves."""
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

    def call(self, arguments: Mapping[str, object]) -> dict[str, Any]:
        """Call the tool with any arguments, look at what every answer has, and return it."""
        call = {"name": "aos_workflow", "arguments": arguments, "_meta": _META}
        body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
        connection = http.client.HTTPConnection("127.0.0.1", self.port)
        try:
            connection.request("POST", "/mcp", json.dumps(body), MODERN)
            return checked(json.loads(connection.getresponse().read())["result"])
        finally:
            connection.close()

    def works(self) -> bool:
        """Say whether an ordinary call is answered."""
        return bool(self.call({"action": "list_sessions"})["status"] == "success")

    def raw(self, data: bytes) -> socket.socket:
        """Send bytes that need be no request, and return the open connection."""
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.sendall(data)
        return connection


def checked(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer of a result that is as the contract says, in both its forms."""
    answer: dict[str, Any] = result["structuredContent"]
    (content,) = result["content"]
    assert json.loads(content["text"]) == answer
    assert answer["status"] in {"success", "error"}
    assert result["isError"] is (answer["status"] == "error")
    assert answer["next_actions"]
    assert {*answer["next_actions"]} <= {*Action}
    if answer["status"] == "error":
        assert answer["error_type"] in ERROR_TYPES
        for words in (answer["error"], answer["remediation"]):
            assert words.isprintable()
            assert 0 < len(words) <= 1_000
            assert "Traceback" not in words
    return answer
