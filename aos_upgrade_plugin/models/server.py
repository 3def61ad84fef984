"""The server of an installation: its processes, how it is started, what it answers."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple, Self

from pydantic import ConfigDict, Field, JsonValue

from aos_upgrade_plugin.models.base import Frozen, Utc
from aos_upgrade_plugin.models.layout import Layout
from aos_upgrade_plugin.models.moment import Moment

Pid = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(ge=0)]
Port = Annotated[int, Field(gt=0, lt=1 << 16)]


class Transport(StrEnum):
    """How a server talks."""

    STDIO = "stdio"
    """Over the pipes of the client that started it, and only to that client."""
    HTTP = "http"
    DUAL = "dual"
    """Both: one client over its pipes, others over HTTP."""


class Site(NamedTuple):
    """Where an installation and what belongs to its server lie; absolute, no link on the way."""

    install: Path
    project: Path
    module: str
    """The name under which Python runs the server."""
    environment: Path
    state_file: Path
    index_folder: Path

    @classmethod
    def of(cls, *, install: Path, project: Path, layout: Layout) -> Self:
        """Return the places of one installation. Both paths have to be resolved already."""
        return cls(
            install=install,
            project=project,
            module=layout.server.replace("/", "."),
            environment=install / layout.environment,
            state_file=install / layout.server_state,
            index_folder=install / layout.index,
        )


class ServerState(Frozen):
    """What a server wrote about itself. It may be long dead: a killed one leaves this behind."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    transport: Transport
    pid: Pid
    port: Port | None = None
    url: str | None = None
    started_at: Utc | None = None


class ProcessFacts(NamedTuple):
    """What the system tells about one process, its paths resolved; nothing where it refuses."""

    pid: int
    born: Moment
    arguments: tuple[str, ...]
    interpreter_folder: Path | None
    """The folder of the Python it was started as, not of what that links to."""
    code_folders: frozenset[Path]
    """Where it takes modules from: its working directory and ``PYTHONPATH``."""
    folders: frozenset[Path]
    """What it takes for its project: its working directory and ``AGENT_OS_BASE_PATH``."""
    variables: Mapping[str, str]
    client: str | None
    """The process that started it and still runs, by name and id."""


class Proof(StrEnum):
    """What has to agree before a process is taken for an installation's server. All of it."""

    MODULE = "its command line runs the server's module"
    INTERPRETER = "its Python is the installation's"
    CODE = "it takes its code from the install folder"
    FOLDER = "it works in the project"


class ServerProcess(Frozen):
    """A process proven to be this installation's server."""

    pid: Pid
    born: Moment
    """With the process id the identity of a process: ids are used again."""
    transport: Transport
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = {}
    """Those of its environment that the product documents."""
    client: str | None = None
    named_by_state: bool = False
    """The server's state file names this process."""

    @property
    def may_be_stopped(self) -> bool:
        """Others can reach it, so it is ours to restart; one over stdio is its client's."""
        return self.transport is not Transport.STDIO

    def is_among(self, others: "Iterable[ServerProcess]") -> bool:
        """Say whether it is one of some that were seen at other times."""
        return any(self.pid == each.pid and self.born.is_same(each.born) for each in others)


class Doubtful(Frozen):
    """A process that could be this installation's server, but not everything agrees."""

    pid: Pid
    arguments: tuple[str, ...]
    missing: tuple[Proof, ...]


class Servers(Frozen):
    """The server processes of one installation."""

    running: tuple[ServerProcess, ...] = ()
    doubtful: tuple[Doubtful, ...] = ()
    """Never touched; somebody has to look."""


class ClientEntry(Frozen):
    """How one client was told to start the server; its variables replaced, its paths absolute."""

    file: str
    """The client's configuration, relative to the project."""
    name: str
    arguments: tuple[str, ...]
    variables: Mapping[str, str] = {}


class StartCommand(Frozen):
    """How to start the server."""

    arguments: tuple[str, ...]
    folder: str
    """The working directory."""
    variables: Mapping[str, str]
    """Added to our own environment, from which all that steers Python is taken out."""
    transport: Transport
    recorded_in: str
    """Where the command was found, in words."""


class HowStopped(StrEnum):
    """How a process ended."""

    GONE = "gone"
    """It was not there any more."""
    ASKED = "asked"
    KILLED = "killed"


class Stopped(Frozen):
    """A server that does not run any more, nor any of its children."""

    pid: Pid
    how: HowStopped
    took_s: Seconds


class ToolCall(Frozen):
    """A question to one tool."""

    tool: str
    arguments: Mapping[str, JsonValue] = {}


class ToolAnswer(Frozen):
    """What a tool said."""

    tool: str
    took_s: Seconds = 0.0
    content: JsonValue = None
    """Structured content, else the text parsed as JSON, else the text."""
    problem: str | None = None
    absent: bool = False
    """The server has no such tool: asking again is in vain."""


class Probe(Frozen):
    """What a server answered to a real client, or why it did not."""

    endpoint: str
    problem: str | None = None
    name: str | None = None
    version: str | None = None
    protocol: str | None = None
    tools: tuple[str, ...] = ()
    connected_s: Seconds = 0.0
    """From nothing to the end of the handshake; over stdio the server's start is in it."""
    listed_s: Seconds = 0.0
    answers: tuple[ToolAnswer, ...] = ()

    @property
    def reached(self) -> bool:
        """The handshake succeeded and the tools were listed."""
        return self.problem is None


class Started(Frozen):
    """A server that we started and that answers."""

    pid: Pid
    url: str
    command: StartCommand
    handshake_s: Seconds
    """From its start to the answer."""
    probe: Probe


class KnownAnswer(NamedTuple):
    """A sentence of the installation's own standards that a search for it has to find."""

    file: str
    """Relative to the install folder."""
    sentence: str
