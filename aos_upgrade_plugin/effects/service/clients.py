"""How the clients of a project were told to start the server."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from aos_upgrade_plugin.models.commented_json import parse_commented_json
from aos_upgrade_plugin.models.server import ClientEntry, Site

CLIENT_FILES = {
    ".mcp.json": "mcpServers",
    ".cursor/mcp.json": "mcpServers",
    ".vscode/mcp.json": "servers",
    ".codex/config.toml": "mcp_servers",
}
"""The configurations that lie in a project, and the key below which each lists its servers."""
_VARIABLES = re.compile(r"\$\{(workspaceFolder|workspaceRoot|PWD)\}")


class _Told(BaseModel):
    """What all clients call alike; the rest is their own."""

    command: str
    args: list[str] = []
    env: dict[str, str] = {}


_SERVERS = TypeAdapter(dict[str, Any])


def read_clients(site: Site) -> tuple[ClientEntry, ...]:
    """Return the entries that start this installation's server.

    A configuration that cannot be read tells nothing; checking it is somebody else's.
    """
    return tuple(
        entry
        for file, key in CLIENT_FILES.items()
        for name, told in _servers(site.project / file, key)
        if _is_ours(site, entry := _entry(site, file, name, told))
    )


def _servers(path: Path, key: str) -> Iterator[tuple[str, _Told]]:
    """Find the servers that a configuration starts; those behind an address have no command."""
    try:
        text = path.read_text(encoding="utf-8")
        told = _SERVERS.validate_python(
            tomllib.loads(text) if path.suffix == ".toml" else parse_commented_json(text)
        )
        servers = _SERVERS.validate_python(told.get(key, {}))
    except (OSError, ValueError):
        return
    for name, server in servers.items():
        try:
            yield name, _Told.model_validate(server)
        except ValidationError:
            continue


def _entry(site: Site, file: str, name: str, told: _Told) -> ClientEntry:
    """Replace the variables of an entry, and make its command absolute."""

    def replaced(value: str) -> str:
        return _VARIABLES.sub(lambda _: str(site.project), value)

    command = replaced(told.command)
    return ClientEntry(
        file=file,
        name=name,
        arguments=(
            str(site.project / command) if "/" in command else command,
            *map(replaced, told.args),
        ),
        variables={each: replaced(value) for each, value in told.env.items()},
    )


def _is_ours(site: Site, entry: ClientEntry) -> bool:
    """Say whether an entry runs the server of this installation and of no other."""
    started_in = Path(entry.arguments[0]).parent.resolve()
    return site.module in entry.arguments and started_in == site.environment / "bin"
