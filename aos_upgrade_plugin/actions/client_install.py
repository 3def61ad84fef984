"""A client told of our server, in its own file. The server is tried first."""

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from aos_upgrade_plugin.decide.service.client_files import CLIENTS, with_server
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error, read_bytes
from aos_upgrade_plugin.errors import InvalidError, RefusedError, ServerError, UsageError
from aos_upgrade_plugin.models.server import Probe, StartCommand, Transport
from aos_upgrade_plugin.models.tree import shown
from aos_upgrade_plugin.phases.installation import Installation

NAME = "aos-upgrade"
_MOST_BYTES = 16 << 20
_LIMIT_S = 60.0
_NEW_MODE = 0o644
_WRITABLE = 0o222


class Told(NamedTuple):
    """What a client was told, and where."""

    file: Path
    changed: bool
    """No where it knew already."""
    answered: Probe


def tell_client(
    installation: Installation, client: str, *, file: Path | None, executable: str
) -> Told:
    """Write into a client's file how our server is started; all else in it stays as it is.

    The server is started so first and has to answer, else nothing is written. Raises UsageError,
    InvalidError for a file that is not what it should be, ServerError, DiskError.
    """
    if client not in CLIENTS:
        raise UsageError(f"there is no client {client!r}", cure=f"name one: {', '.join(CLIENTS)}")
    known = CLIENTS[client]
    if file is None and known.file is None:
        raise UsageError(
            f"where {client} keeps its servers differs from machine to machine",
            cure="name its file: --file FILE",
        )
    path = file or installation.project / str(known.file)
    entry = how_to_start(executable, installation.project)
    _refuse_kept(path)
    before = _read(path)
    is_toml = path.suffix == ".toml"
    try:
        after = with_server(before, client=known, name=NAME, entry=entry, is_toml=is_toml)
    except InvalidError as error:
        raise InvalidError(f"{shown(path)}: {error}", cure=error.cure) from error
    answered = tried([executable, *entry["args"]], installation.project)
    if after != before:
        _write(path, after)
    return Told(path, after != before, answered)


def _refuse_kept(path: Path) -> None:
    """Raise RefusedError where somebody meant the file to stay as it is, or keeps it elsewhere."""
    with as_disk_error("looking at the client's file"), suppress(FileNotFoundError):
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            raise RefusedError(
                f"{shown(path)} is a link", cure="name the file that it leads to: --file FILE"
            )
        if stat.S_ISREG(mode) and not mode & _WRITABLE:
            raise RefusedError(
                f"{shown(path)} is read-only", cure="make it writable, or add the server by hand"
            )


def _read(path: Path) -> str:
    with as_disk_error("reading the client's file"), suppress(FileNotFoundError):
        try:
            return read_bytes(path, most_bytes=_MOST_BYTES).decode()
        except UnicodeDecodeError as error:
            raise InvalidError(f"{shown(path)} is no UTF-8", cure="correct the file") from error
    return ""


def how_to_start(executable: str, project: Path) -> dict[str, Any]:
    """Return how our server is started for a project."""
    return {"command": executable, "args": ["serve", "--target", str(project)]}


def tried(command: list[str], project: Path) -> Probe:
    """Return what a server answers that is started by a command. Raises ServerError."""
    start = StartCommand(
        arguments=tuple(command),
        folder=str(project),
        variables={},
        transport=Transport.STDIO,
        recorded_in="the client's file",
    )
    answered = probe(start, limit_s=_LIMIT_S)
    if not answered.reached:
        raise ServerError(
            f"the server does not answer, so nothing was written: {answered.problem}",
            cure=f"try it: {' '.join(command)}",
        )
    return answered


def _write(path: Path, text: str) -> None:
    with as_disk_error("writing the client's file"):
        mode = _NEW_MODE
        with suppress(FileNotFoundError):
            mode = stat.S_IMODE(os.lstat(path).st_mode)
        durable.make_directories(path.parent)
        durable.write_durably(path, text.encode(), mode=mode)
