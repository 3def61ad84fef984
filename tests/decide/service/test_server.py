"""Which processes are an installation's server, and how it is started again."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.service.server import (
    patience_ends_s,
    runs_module,
    sort_out,
    start_command,
    surroundings,
    transport_of,
    worth_asking_again,
)
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.server import (
    ClientEntry,
    Probe,
    ProcessFacts,
    Proof,
    ServerProcess,
    ServerState,
    Site,
    StartCommand,
    Transport,
)
from aos_upgrade_plugin.models.service import Measured

PROJECT = Path("/home/robin/shop")
INSTALL = PROJECT / ".praxis-os"
SITE = Site(
    install=INSTALL,
    project=PROJECT,
    module="mcp_server",
    environment=INSTALL / "venv",
    state_file=INSTALL / ".mcp_server_state.json",
    index_folder=INSTALL / ".cache/vector_index",
)
COMMAND = (".praxis-os/venv/bin/python", "-m", "mcp_server", "--transport", "dual")
OURS = ProcessFacts(
    pid=4711,
    born=Moment(at_s=1_000_000.0),
    arguments=COMMAND,
    interpreter_folder=INSTALL / "venv/bin",
    code_folders=frozenset({PROJECT, INSTALL}),
    folders=frozenset({PROJECT}),
    variables={"PYTHONPATH": ".praxis-os", "AWS_SECRET": "x", "PROJECT_ROOT": "/home/robin/shop"},
    client=None,
)
OTHER = Path("/home/robin/other")


def test_a_process_with_every_proof_is_ours() -> None:
    """It is listed with what is needed to start it again, and without the user's secrets."""
    (found,) = sort_out([OURS], site=SITE, state=None).running
    assert (found.pid, found.transport) == (4711, Transport.DUAL)
    assert found.variables == {"PYTHONPATH": ".praxis-os", "PROJECT_ROOT": "/home/robin/shop"}
    assert found.may_be_stopped


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        pytest.param(OURS._replace(interpreter_folder=None), Proof.INTERPRETER, id="unreadable"),
        pytest.param(
            OURS._replace(interpreter_folder=Path("/usr/bin")), Proof.INTERPRETER, id="system"
        ),
        pytest.param(OURS._replace(code_folders=frozenset({OTHER})), Proof.CODE, id="code"),
        pytest.param(OURS._replace(folders=frozenset({OTHER})), Proof.FOLDER, id="elsewhere"),
        pytest.param(OURS._replace(folders=frozenset()), Proof.FOLDER, id="folder-unreadable"),
    ],
)
def test_where_one_proof_is_missing_it_is_named_and_left_alone(
    facts: ProcessFacts, missing: Proof
) -> None:
    """A process that only looks like the server is for a person to judge."""
    found = sort_out([facts], site=SITE, state=None)
    assert found.running == ()
    (doubtful,) = found.doubtful
    assert doubtful.missing == (missing,)


STRANGER = OURS._replace(interpreter_folder=Path("/usr/bin"), code_folders=frozenset({PROJECT}))


def _server_of(project: Path) -> ProcessFacts:
    return OURS._replace(
        interpreter_folder=project / ".praxis-os/venv/bin",
        code_folders=frozenset({project, project / ".praxis-os"}),
        folders=frozenset({project}),
    )


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(STRANGER._replace(arguments=("python", "-m", "http.server")), id="module"),
        pytest.param(STRANGER._replace(arguments=("vim", "mcp_server")), id="an-editor"),
        pytest.param(STRANGER._replace(arguments=("grep", "-m", "mcp_server")), id="grep"),
        pytest.param(OURS._replace(arguments=("uv", "run", *COMMAND)), id="a-wrapper"),
        pytest.param(_server_of(OTHER), id="the-server-of-another-project"),
        pytest.param(_server_of(PROJECT / "sub"), id="the-server-of-a-project-inside-ours"),
    ],
)
def test_others_are_not_even_mentioned(facts: ProcessFacts) -> None:
    """Whoever has only the module's name in common with us is nobody's business here."""
    found = sort_out([facts], site=SITE, state=None)
    assert (found.running, found.doubtful) == ((), ())


@pytest.mark.parametrize(
    "folder", [PROJECT, PROJECT / "src/deep", INSTALL], ids=["project", "below-it", "install"]
)
def test_it_may_work_anywhere_in_the_project(folder: Path) -> None:
    """People and editors start it from where they are."""
    assert sort_out([OURS._replace(folders=frozenset({folder}))], site=SITE, state=None).running


@pytest.mark.parametrize(
    ("pid", "started_at_s", "named"),
    [
        pytest.param(4711, 1_000_001.0, True, id="just-started"),
        pytest.param(4711, None, True, id="an-older-state-without-time"),
        pytest.param(4711, 900_000.0, False, id="the-id-was-used-again"),
        pytest.param(4712, 1_000_001.0, False, id="another-process"),
    ],
)
def test_the_state_file_is_believed_where_the_process_can_have_written_it(
    pid: int, started_at_s: float | None, named: bool
) -> None:
    """A state older than the process was left behind by a dead one."""
    started_at = None if started_at_s is None else datetime.fromtimestamp(started_at_s, UTC)
    state = ServerState(transport=Transport.DUAL, pid=pid, started_at=started_at)
    (found,) = sort_out([OURS], site=SITE, state=state).running
    assert found.named_by_state is named


@pytest.mark.parametrize(
    ("arguments", "runs"),
    [
        ("python -m mcp_server", True),
        ("python -X dev -m mcp_server.agent_os_rag", True),
        ("python -m mcp_server_two", False),
        ("python mcp_server", False),
        ("python -m pytest -m mcp_server", False),
        ("python -W error -u -m mcp_server", True),
        ("python -c import_os venv/bin/python -m mcp_server", False),
        ("uv run -m mcp_server", False),
        ("python -m", False),
        ("", False),
    ],
)
def test_which_module_a_command_line_runs(arguments: str, runs: bool) -> None:
    """What follows a program, a script or another module is theirs, not Python's."""
    assert runs_module(arguments.split(), "mcp_server") is runs


@pytest.mark.parametrize(
    ("arguments", "transport"),
    [
        ("python -m mcp_server --transport http", Transport.HTTP),
        ("python -m mcp_server --transport=dual", Transport.DUAL),
        ("python -m mcp_server", Transport.STDIO),
        ("python -m mcp_server --transport", Transport.STDIO),
        ("python -m mcp_server --transport carrier-pigeon", Transport.STDIO),
    ],
)
def test_how_a_command_line_talks(arguments: str, transport: Transport) -> None:
    """Where the flag is unknown or missing, stdio is all there is, and that is not ours to stop."""
    assert transport_of(arguments.split()) is transport


RUNNING = ServerProcess(
    pid=4711,
    born=Moment(at_s=1.0),
    transport=Transport.DUAL,
    arguments=(".praxis-os/venv/bin/python3", "-X", "dev", *COMMAND[1:], "--log-level", "DEBUG"),
    variables={"PYTHONPATH": ".praxis-os:/opt/extra", "PROJECT_ROOT": "/home/robin/shop"},
)
CLIENT = ClientEntry(
    file=".cursor/mcp.json",
    name="praxis-os",
    arguments=(f"{INSTALL}/venv/bin/python", "-m", "mcp_server", "--transport=dual"),
    variables={"PYTHONPATH": str(INSTALL), "TOKEN": "secret"},
)


def _command(transport: Transport = Transport.HTTP, **facts: object) -> StartCommand:
    command = start_command(site=SITE, transport=transport, **facts)  # type: ignore[arg-type]  # a table of facts
    assert command is not None
    return command


def test_what_runs_tells_best_how_it_is_run() -> None:
    """Its own flags are kept; only how it talks changes, since nobody holds its pipes."""
    command = _command(running=[RUNNING], clients=[CLIENT])
    assert command.arguments == (
        *(f"{INSTALL}/venv/bin/python3", "-X", "dev", "-m", "mcp_server"),
        *("--log-level", "DEBUG", "--transport", "http"),
    )
    assert command.variables == {
        "PYTHONPATH": f"{INSTALL}:/opt/extra",
        "PYTHONSAFEPATH": "1",
        "PROJECT_ROOT": "/home/robin/shop",
    }
    assert command.recorded_in == "process 4711"
    assert command.folder == str(PROJECT)


def test_the_one_that_the_state_file_names_comes_first() -> None:
    """Of several the one that others were told of; of the rest one that others can reach."""
    stdio = RUNNING.model_copy(update={"pid": 1, "transport": Transport.STDIO})
    named = RUNNING.model_copy(update={"pid": 9000, "named_by_state": True})
    assert _command(running=[stdio, RUNNING, named]).recorded_in == "process 9000"
    assert _command(running=[stdio, RUNNING]).recorded_in == "process 4711"


def test_then_a_clients_configuration() -> None:
    """Where nothing runs, what a client was told counts, with its variables."""
    command = _command(clients=[CLIENT])
    assert command.arguments[-2:] == ("--transport", "http")
    assert command.variables["TOKEN"] == "secret"  # noqa: S105 - no real one
    assert command.recorded_in == ".cursor/mcp.json"


def test_then_the_layout() -> None:
    """A fresh installation that no client knows yet is started as its layout says."""
    command = _command()
    assert command.arguments == (
        *(f"{INSTALL}/venv/bin/python", "-m", "mcp_server", "--transport", "http"),
    )
    assert command.recorded_in == "the layout"


def test_a_server_without_the_flag_cannot_serve_others() -> None:
    """Older code speaks stdio only: there is nothing to start, only something to ask."""
    assert start_command(site=SITE, transport=Transport.HTTP, knows_transport=False) is None
    command = _command(Transport.STDIO, running=[RUNNING], knows_transport=False)
    assert "--transport" not in command.arguments


words = st.lists(st.sampled_from(["--transport", "http", "--transport=dual", "-v", "x"]))


@given(words, st.sampled_from(Transport))
def test_the_command_talks_as_asked_whatever_was_recorded(
    recorded: list[str], transport: Transport
) -> None:
    """However odd the recorded flags are, the result has one transport."""
    arguments = (*COMMAND[:3], *recorded)
    running = RUNNING.model_copy(update={"arguments": arguments})
    assert transport_of(_command(transport, running=[running]).arguments) is transport


def test_our_own_python_does_not_steer_the_server() -> None:
    """What makes Python import, trace or isolate for us stays with us."""
    ours = {
        "PATH": "/usr/bin",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": "/ours",
        "VIRTUAL_ENV": "/ours",
        "COVERAGE_PROCESS_START": "x",
        "AOS_UPGRADE_SOURCE": "x",
    }
    assert surroundings(ours, _command()) == {
        "PATH": "/usr/bin",
        "PYTHONPATH": str(INSTALL),
        "PYTHONSAFEPATH": "1",
    }


@pytest.mark.parametrize(
    ("grew_s", "ends_s"),
    [
        pytest.param(0.0, 130.0, id="never-grew"),
        pytest.param(100.0, 130.0, id="grew-at-once"),
        pytest.param(125.0, 155.0, id="still-growing"),
        pytest.param(100_000.0, 700.0, id="grows-for-ever"),
    ],
)
def test_patience_counts_from_the_last_growth(grew_s: float, ends_s: float) -> None:
    """An index that is being built buys time, but not for ever."""
    assert patience_ends_s(started_s=100.0, grew_s=grew_s, limit_s=30.0) == ends_s


@pytest.mark.parametrize(
    ("measured", "over_pipes", "grew", "again"),
    [
        pytest.param({"search_problem": "a text scan"}, False, False, True, id="it-may-build"),
        pytest.param({"index_problem": "not yet"}, False, False, True, id="not-of-today"),
        pytest.param({}, False, True, False, id="it-works"),
        pytest.param({"search_problem": "x"}, True, False, False, id="the-next-one-says-the-same"),
        pytest.param({"search_problem": "x"}, True, True, True, id="it-built-while-it-was-asked"),
        pytest.param(
            {"search_problem": "no such tool", "search_hopeless": True},
            False,
            True,
            False,
            id="no-waiting-helps",
        ),
        pytest.param({"probe": "it is down", "search_problem": "x"}, False, True, False, id="down"),
    ],
)
def test_asking_again_has_to_be_able_to_help(
    measured: dict[str, object], *, over_pipes: bool, grew: bool, again: bool
) -> None:
    """A search that works, or never will, is not waited for."""
    probe = Probe(endpoint="x", problem=measured.pop("probe", None))
    found = Measured.model_validate({"probe": probe, **measured})
    assert worth_asking_again(found, over_pipes=over_pipes, grew=grew) is again
