"""What the configurations of clients tell about starting the server."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.service.clients import read_clients
from aos_upgrade_plugin.models.server import ClientEntry, Site

LaySite = Callable[..., Site]


@pytest.fixture
def site(lay_site: LaySite) -> Site:
    """Return an installation that no client knows."""
    site = lay_site()
    (site.project / ".mcp.json").unlink()
    (site.project / ".cursor/mcp.json").unlink()
    return site


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def _server(site: Site, **changes: object) -> dict[str, object]:
    usual = {
        "command": f"{site.install}/venv/bin/python",
        "args": ["-m", "mcp_server"],
        "env": {"PYTHONPATH": str(site.install)},
    }
    return {**usual, **changes}


def test_relative_paths_and_variables_are_replaced(lay_site: LaySite) -> None:
    """The two configurations of a fresh installation say the same thing in two ways."""
    site = lay_site()
    expected = ClientEntry(
        file=".mcp.json",
        name="praxis-os",
        arguments=(f"{site.install}/venv/bin/python", *["-m", "mcp_server", "--transport", "dual"]),
        variables={"PYTHONPATH": ".praxis-os"},
    )
    relative, variable = read_clients(site)
    assert relative == expected
    assert variable == expected.model_copy(
        update={"file": ".cursor/mcp.json", "variables": {"PYTHONPATH": str(site.install)}}
    )


def test_every_clients_own_form_is_read(site: Site) -> None:
    """JSON below two keys, and TOML."""
    servers = json.dumps({"servers": {"os": _server(site)}})
    _write(site.project / ".vscode/mcp.json", servers)
    _write(
        site.project / ".codex/config.toml",
        f'[mcp_servers.os]\ncommand = "{site.install}/venv/bin/python"\n'
        'args = ["-m", "mcp_server"]\n',
    )
    assert [(entry.file, entry.name) for entry in read_clients(site)] == [
        (".vscode/mcp.json", "os"),
        (".codex/config.toml", "os"),
    ]


def test_remarks_are_no_obstacle(site: Site) -> None:
    """An editor writes them into its configuration, and last commas."""
    server = json.dumps(_server(site))
    text = f'// ours\n{{"servers": {{"os": {server}, /* the\nother */ }},}}'
    _write(site.project / ".vscode/mcp.json", text)
    assert [entry.name for entry in read_clients(site)] == ["os"]


@pytest.mark.parametrize(
    "servers",
    [
        pytest.param({"web": {"type": "http", "url": "http://127.0.0.1:4242/mcp"}}, id="address"),
        pytest.param({"uv": {"command": "uvx", "args": ["something"]}}, id="another-server"),
        pytest.param({"odd": {"command": "python", "args": "-m mcp_server"}}, id="args-no-list"),
        pytest.param({"odd": "python -m mcp_server"}, id="text"),
        pytest.param(["odd"], id="list"),
        pytest.param(None, id="null"),
    ],
)
def test_what_does_not_start_our_server_is_passed_over(site: Site, servers: object) -> None:
    """People keep other servers, and other forms, in the same file."""
    _write(site.project / ".mcp.json", json.dumps({"mcpServers": servers}))
    assert read_clients(site) == ()


def test_the_server_of_another_installation_is_passed_over(lay_site: LaySite, site: Site) -> None:
    """Copied configurations name the installation they were copied from."""
    other = lay_site(project="other")
    told = {"mcpServers": {"theirs": _server(other), "ours": _server(site)}}
    _write(site.project / ".mcp.json", json.dumps(told))
    assert [entry.name for entry in read_clients(site)] == ["ours"]


@pytest.mark.parametrize("text", ["", "{", "[]", "// remarks\n{}", "\x00"])
def test_a_configuration_that_cannot_be_read_tells_nothing(site: Site, text: str) -> None:
    """Restarting a server is no occasion to judge an editor's files."""
    _write(site.project / ".mcp.json", text)
    assert read_clients(site) == ()
