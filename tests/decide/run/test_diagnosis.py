"""What of all that was found is a problem, and what mends it."""

from collections.abc import Mapping

import pytest

from aos_upgrade_plugin.decide.run.diagnosis import diagnosed
from aos_upgrade_plugin.models.diagnosis import Content, Disk, EnvironmentView, Findings
from aos_upgrade_plugin.models.server import (
    ClientEntry,
    Doubtful,
    Probe,
    Proof,
    ServerProcess,
    Servers,
    Transport,
)
from aos_upgrade_plugin.models.service import Measured
from aos_upgrade_plugin.models.status import Installed, NextStep, Status

URL = "http://127.0.0.1:4242/mcp"
BACK_UP = NextStep(why="there is no backup", command="aos-upgrade backups create")
RESUME = NextStep(why="interrupted", command="aos-upgrade resume a")


KNOWN = Installed(version="1.0.0", commit="c" * 40)


def _status(*steps: NextStep, installed: Installed = KNOWN) -> Status:
    return Status(
        install="/p/.praxis-os",
        project="/p",
        layout="praxis_os",
        lock=None,
        transactions=(),
        sessions=(),
        last_backup=None,
        next_steps=steps,
        installed=installed,
    )


def _process(pid: int, **more: object) -> ServerProcess:
    told = {
        "pid": pid,
        "born": {"at_s": 1.0},
        "transport": Transport.HTTP,
        "arguments": ("python",),
    }
    return ServerProcess.model_validate({**told, **more})


ONE = Servers(running=(_process(7, named_by_state=True),))
HEALTHY: Mapping[str, object] = {
    "status": _status(),
    "content": Content(),
    "environment": EnvironmentView(python="3.11.7", packages=3),
    "python": "venv/bin/python",
    "requirements": "requirements.txt",
    "servers": ONE,
    "url": URL,
    "measured": Measured(probe=Probe(endpoint=URL)),
    "start": "start it",
    "index": "/p/index",
    "clients": (ClientEntry(file=".mcp.json", name="os", arguments=("python",)),),
    "disk": Disk(free_bytes=10, needed_bytes=10),
}


def test_nothing_is_wrong_with_a_healthy_one() -> None:
    """Neither a problem nor a hint."""
    found = diagnosed(Findings.model_validate(HEALTHY))
    assert (found.problems, found.hints) == ((), ())


@pytest.mark.parametrize(
    ("changed", "why", "command"),
    [
        pytest.param({"status": _status(RESUME)}, "interrupted", "aos-upgrade resume a", id="run"),
        pytest.param({"config_problem": "no JSON"}, "no JSON", None, id="configuration"),
        pytest.param(
            {"environment": None, "environment_problem": NextStep(why="gone", command="make it")},
            "gone",
            "make it",
            id="environment",
        ),
        pytest.param(
            {"environment": EnvironmentView(python="3", packages=1, lacking=("teapot>=1",))},
            "it lacks teapot>=1",
            "venv/bin/python -m pip install -r requirements.txt",
            id="packages",
        ),
        pytest.param(
            {
                "servers": Servers(
                    running=ONE.running,
                    doubtful=(Doubtful(pid=9, arguments=("x",), missing=(Proof.FOLDER,)),),
                )
            },
            "process 9 may be its server, or not: not it works in the project",
            "ps -fp 9",
            id="doubtful",
        ),
        pytest.param(
            {"servers": Servers(running=(*ONE.running, _process(8)))},
            "2 servers run beside each other",
            "kill 8",
            id="two-servers",
        ),
        pytest.param(
            {"url": None, "measured": None},
            "nobody knows its address",
            "kill 7; (start it &)",
            id="no-address",
        ),
        pytest.param(
            {"measured": Measured(probe=Probe(endpoint=URL, problem="refused"))},
            "does not answer: refused",
            "kill 7; (start it &)",
            id="no-answer",
        ),
        pytest.param(
            {"measured": Measured(probe=Probe(endpoint=URL), search_problem="a scan")},
            "the search does not work: a scan",
            "rm -r /p/index; kill 7; (start it &)",
            id="silent-search",
        ),
        pytest.param(
            {"disk": Disk(free_bytes=9, needed_bytes=10)}, "too little room", "df -h .", id="disk"
        ),
    ],
)
def test_each_problem_is_named_with_its_fix(
    changed: Mapping[str, object], why: str, command: str | None
) -> None:
    """One thing is wrong, so one is told."""
    (problem,) = diagnosed(Findings.model_validate({**HEALTHY, **changed})).problems
    assert why in problem.why
    assert problem.command == command


def test_what_could_be_better_is_no_problem() -> None:
    """A backup that is missing, an unknown origin and no client leave it healthy."""
    changed = {"status": _status(BACK_UP, installed=Installed()), "clients": ()}
    found = diagnosed(Findings.model_validate({**HEALTHY, **changed}))
    assert found.problems == ()
    assert [each.command for each in found.hints] == [
        BACK_UP.command,
        "aos-upgrade plan --source DIR",
        None,
    ]
