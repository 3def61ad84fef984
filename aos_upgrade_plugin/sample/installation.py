"""An installation of the sample, laid down as the product's own instructions say."""

import io
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.sample.environment import Environment, make_environment
from aos_upgrade_plugin.sample.source import Source, git

# What is copied from a source, and where to; usage/ only in the older generation.
_COPIED = {
    "universal/standards": "standards/universal",
    "universal/usage": "usage",
    "universal/workflows": "workflows",
    "mcp_server": "mcp_server",
    "scripts": "scripts",
}
_PRAXIS_OS, _AGENT_OS = ".praxis-os", ".agent-os"
_OWN_FOLDERS = {
    _PRAXIS_OS: ("standards/development", "specs/approved", "specs/review", "workspace"),
    _AGENT_OS: ("standards/development", "specs"),
}
_TITLES = {_PRAXIS_OS: "prAxIs OS", _AGENT_OS: "Agent OS"}
_IGNORED = (".cache/", "venv/", ".mcp_server_state.json")


def lay_down(
    source: Source, version: str, project: Path, *, environment: Environment = Environment.NONE
) -> Path:
    """Install a version into a project and return the install folder.

    As after the product's instructions there is no configuration, version, log or manifest. Git
    ignores what can be made again, and two clients are told how to start the server.
    """
    files = dict(_files(source, version))
    folder = _PRAXIS_OS if "scripts/install-praxis-os.py" in files else _AGENT_OS
    install = project / folder
    for path, (content, mode) in files.items():
        for place, target in _COPIED.items():
            if path.startswith(f"{place}/"):
                put(install / (target + path.removeprefix(place)), content, mode=mode)
    for own in (*_OWN_FOLDERS[folder], ".cache/vector_index"):
        durable.make_directories(install / own)
    put(install / "standards/.rebuild_index", b"")
    _ignore(project, folder)
    _tell_clients(project, folder)
    make_environment(install, environment)
    return install


def put(path: Path, content: bytes | str, *, mode: int = 0o644) -> None:
    """Write a file with the folders above it, over whatever file stood there."""
    data = content.encode() if isinstance(content, str) else content
    durable.make_directories(path.parent)
    durable.write_durably(path, data, mode=mode)


def _files(source: Source, version: str) -> Iterator[tuple[str, tuple[bytes, int]]]:
    """Read every file of a version with its mode from the repository, not the working tree."""
    packed = git(source.folder, "archive", "--format=tar", source.commit(version))
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        for member in archive:
            if content := archive.extractfile(member):
                yield member.name, (content.read(), 0o755 if member.mode & 0o100 else 0o644)


def _ignore(project: Path, folder: str) -> None:
    """Extend the project's ``.gitignore``, whatever it says already."""
    path = project / ".gitignore"
    before = path.read_bytes() if path.exists() else b""
    lines = ("", f"# {_TITLES[folder]}", *(f"{folder}/{name}" for name in _IGNORED), "")
    put(path, before + "\n".join(lines).encode())


def _tell_clients(project: Path, folder: str) -> None:
    """Write the configurations of two clients: one with relative paths, one with a variable."""
    for path, above in ((".mcp.json", ""), (".cursor/mcp.json", "${workspaceFolder}/")):
        server = {
            "command": f"{above}{folder}/venv/bin/python",
            "args": ["-m", "mcp_server", "--transport", "dual"],
            "env": {"PYTHONPATH": f"{above}{folder}"},
        }
        told = {"mcpServers": {folder.lstrip("."): server}}
        put(project / path, json.dumps(told, indent=2) + "\n")
