"""``aos-upgrade mcp install``: a client's file, and a server that was really started."""

import json
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Aos


def test_a_client_is_told_of_a_server_that_answers(aos: Aos, install: Path) -> None:
    """What else is in its file stays, with its mode; a link is refused and nothing is written."""
    file = install.parent / ".cursor/mcp.json"
    file.parent.mkdir()
    file.write_text('{"mcpServers": {"other": {"command": "x"}}}')
    file.chmod(0o600)
    told = aos("mcp", "install", "--client", "cursor", "--json")
    assert told.status == 0, told
    assert (told.json["changed"], told.json["tools"]) == (True, ["aos_workflow"])
    servers = json.loads(file.read_text())["mcpServers"]
    assert servers["other"] == {"command": "x"}
    assert servers["aos-upgrade"]["args"] == ["serve", "--target", str(install.parent)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "--file" in aos("mcp", "install", "--client", "cline").err
    file.chmod(0o400)
    assert "read-only" in aos("mcp", "install", "--client", "cursor").err
    file.chmod(0o600)
    (install.parent / ".mcp.json").symlink_to(file)
    before = file.read_bytes()
    told = aos("mcp", "install", "--client", "claude")
    assert (told.status, "is a link" in told.err) == (1, True)
    assert file.read_bytes() == before


@pytest.mark.clients_full
def test_the_server_is_tried_as_each_client_will_start_it(aos: Aos, install: Path) -> None:
    """Each client's own file and form; told again, nothing changes and the server still answers."""
    project = install.parent
    files = {
        "claude": (".mcp.json", '"mcpServers"'),
        "vscode": (".vscode/mcp.json", '"servers"'),
        "codex": (".codex/config.toml", '[mcp_servers."aos-upgrade"]'),
        "cline": ("elsewhere/cline.json", '"mcpServers"'),
    }
    for client, (name, key) in files.items():
        where = ("--file", str(project / name)) if client == "cline" else ()
        told = aos("mcp", "install", "--client", client, *where, "--json")
        assert (told.status, told.json["changed"]) == (0, True), told
        assert told.json["tools"] == ["aos_workflow"]
        assert key in (project / name).read_text()
    again = aos("mcp", "install", "--client", "vscode", "--json")
    assert again.json["changed"] is False
    (project / ".mcp.json").write_text("{")
    broken = aos("mcp", "install", "--client", "claude")
    assert "it is no JSON" in broken.err
    assert (project / ".mcp.json").read_text() == "{"
