"""A client's file with one server more, and every other byte as it was."""

import json
import tomllib

import pytest

from aos_upgrade_plugin.decide.service.client_files import CLIENTS, with_server
from aos_upgrade_plugin.errors import InvalidError

ENTRY = {"command": "/opt/aos-upgrade", "args": ["serve", "--target", "/home/mé/project"]}


def _with(text: str, client: str = "claude", *, name: str = "aos-upgrade") -> str:
    return with_server(
        text, client=CLIENTS[client], name=name, entry=ENTRY, is_toml=client == "codex"
    )


@pytest.mark.parametrize("client", ["claude", "cursor", "vscode", "cline"])
@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        '{"KEY": {}}',
        '{"KEY": {"other": {"command": "x", "args": []}}, "more": [1, 2]}',
        '{\n    "more": {"a": "}"},\n    "KEY": {\n        "other": {}\n    }\n}\n',
        '{\t"KEY" : { "other":{} }  ,\r\n "last":1.50 }\n\n',
        '{"a\\"b": 1}',
    ],
)
def test_one_server_more(client: str, text: str) -> None:
    """What was there is there, as it was written; a second time changes nothing."""
    key = CLIENTS[client].key
    text = text.replace("KEY", key)
    after = _with(text, client)
    found, before = json.loads(after), json.loads(text or "{}")
    assert found[key].pop("aos-upgrade").items() >= ENTRY.items()
    assert found == {**before, key: before.get(key, {})}
    assert "mé" in after
    rest = iter(after)
    assert all(character in rest for character in "".join(text.split()))
    assert _with(after, client) == after


def test_an_older_entry_is_replaced_in_its_place() -> None:
    """Whatever it said; the others keep their places."""
    text = '{"mcpServers": {"a": 1, "aos-upgrade": {"command": "old"}, "b": 2}}'
    after = _with(text)
    assert list(json.loads(after)["mcpServers"]) == ["a", "aos-upgrade", "b"]
    assert "old" not in after


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{", '{"mcpServers": []}', "// a comment\n{}", '{"a": 1,}', "[" * 100_000),
        '{"mcpServers": {}, "mcpServers": {"a": 1}}',
    ],
)
def test_what_is_no_plain_json_is_refused(text: str) -> None:
    """Nothing of it is guessed at."""
    with pytest.raises(InvalidError):
        _with(text)


@pytest.mark.parametrize(
    "text", ["", 'model = "m"\n# a word\n[mcp_servers.other]\ncommand = "x"\n', "a = 1"]
)
def test_toml(text: str) -> None:
    """A table at the end; what stands before stays, with its comments."""
    after = _with(text, "codex")
    assert after.startswith(text.rstrip())
    assert tomllib.loads(after)["mcp_servers"]["aos-upgrade"] == ENTRY
    assert _with(after, "codex") == after


@pytest.mark.parametrize(
    "text",
    ["a =", "mcp_servers = 1", "mcp_servers = {}", '[mcp_servers.aos-upgrade]\ncommand = "x"'],
)
def test_toml_that_is_refused(text: str) -> None:
    """What cannot be added to without changing something else."""
    with pytest.raises(InvalidError):
        _with(text, "codex")
