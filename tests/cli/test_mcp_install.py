"""``aos-upgrade mcp install``: a client's file, and a server that was really started."""

import json
import stat
from pathlib import Path

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
    (install.parent / ".mcp.json").symlink_to(file)
    before = file.read_bytes()
    assert aos("mcp", "install", "--client", "claude").status == 1
    assert file.read_bytes() == before
