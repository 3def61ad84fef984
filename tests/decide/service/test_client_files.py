"""A client's file with one server more, and every other byte as it was."""

import json
import tomllib
from typing import Any

import pytest

from aos_upgrade_plugin.decide.service.client_files import CLIENTS, with_server
from aos_upgrade_plugin.errors import InvalidError
from aos_upgrade_plugin.models.commented_json import parse_commented_json

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


@pytest.mark.parametrize(
    "text",
    [
        '// mine\n{\n  "servers": {\n    "o": {"command": "x"}, // "last"\n  }, /* } */\n}\n',
        "{\n  // none yet\n}\n",
        '{"servers": { /* none */ }}',
        '{"servers": {"o": {"url": "http://x//y", "a": "/* no */ ,}"},},}',
        '\ufeff{"servers": {}}',
        '{\r\n  "servers": {\r\n    "o": {}\r\n  }\r\n}\r\n',
        "\ufeff",
        '{"a": 1,\r\n"servers": {},\n"b": 2}',
    ],
)
def test_remarks_marks_and_line_ends_stay(text: str) -> None:
    """As editors write such files, and as VS Code wants them."""
    after = _with(text, "vscode")
    rest = iter(after)
    assert all(character in rest for character in text.replace(" ", ""))
    plain = "\r\n" not in text or "\n" in text.replace("\r\n", "")
    assert plain or after.count("\n") == after.count("\r\n")
    found: Any = parse_commented_json(after.removeprefix("\ufeff"))
    before: Any = parse_commented_json(text.removeprefix("\ufeff") or "{}")
    assert found["servers"].pop("aos-upgrade").items() >= ENTRY.items()
    assert found == {**before, "servers": before.get("servers", {})}
    assert _with(after, "vscode") == after


def test_what_else_an_entry_says_stays() -> None:
    """A variable or a switch of the user's is his own; how the server is started is ours."""
    old = {"command": "old", "env": {"TOKEN": "x"}, "disabled": True}
    after = _with(json.dumps({"mcpServers": {"aos-upgrade": old}}))
    assert json.loads(after)["mcpServers"]["aos-upgrade"] == {**old, **ENTRY}


def test_an_older_entry_is_replaced_in_its_place() -> None:
    """Whatever it said; the others keep their places."""
    text = '{"mcpServers": {"a": 1, "aos-upgrade": {"command": "old"}, "b": 2}}'
    after = _with(text)
    assert list(json.loads(after)["mcpServers"]) == ["a", "aos-upgrade", "b"]
    assert "old" not in after


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{", '{"mcpServers": []}', '{"mcpServers": null}', '{"a": 1,,}', "[" * 100_000),
        *('{"mcpServers": {}, "mcpServers": {"a": 1}}', "// {}", "{/*}", "{'a': 1}"),
    ],
)
def test_what_is_no_json_is_refused(text: str) -> None:
    """Nothing of it is guessed at."""
    with pytest.raises(InvalidError):
        _with(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeffa = 1",
        "a = 1\r\n",
        'model = "m"\n# a word\n[mcp_servers.other]\ncommand = "x"\n',
        "a = 1",
    ],
)
def test_toml(text: str) -> None:
    """A table at the end; what stands before stays, with its comments."""
    after = _with(text, "codex")
    assert after.startswith(text.rstrip())
    assert "\r" not in text or after.count("\n") == after.count("\r\n")
    assert tomllib.loads(after.removeprefix("\ufeff"))["mcp_servers"]["aos-upgrade"] == ENTRY
    assert _with(after, "codex") == after


@pytest.mark.parametrize(
    "text",
    ["a =", "mcp_servers = 1", "mcp_servers = {}", '[mcp_servers.aos-upgrade]\ncommand = "x"'],
)
def test_toml_that_is_refused(text: str) -> None:
    """What cannot be added to without changing something else."""
    with pytest.raises(InvalidError):
        _with(text, "codex")
