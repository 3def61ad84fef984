"""The gate of phase 3: code, environment and process, right and wrong, with real servers."""

from collections.abc import Callable
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.effects.service import moments, processes
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.moment import Moment
from aos_upgrade_plugin.models.packages import EnvironmentPlan, Pinned
from aos_upgrade_plugin.models.plan import PlannedChange
from aos_upgrade_plugin.models.server import ServerProcess, Site, Started
from aos_upgrade_plugin.models.tree import Entry, Kind
from aos_upgrade_plugin.phases import serving
from tests.checks import gates

CODE = "mcp_server/index.py"
ALL = {f"AOS-S00{number}" for number in range(1, 7)}


class World(NamedTuple):
    """An upgraded installation, one beside it, and the process that ran before."""

    site: Site
    started: Started
    old: ServerProcess
    other: Site
    others: Started


@pytest.fixture(scope="module")
def world(lay_shared_site: Callable[..., Site]) -> World:
    """Restart one server and start another installation's."""
    site, other = lay_shared_site("1.2.0", project="ours"), lay_shared_site(project="theirs")
    gates.start(site)
    (old,) = serving.look(site).running
    serving.stop([old])
    return World(site, gates.start(site), old, other, gates.start(other))


def _code(site: Site) -> PlannedChange:
    return gates.change(site, CODE, part=Part.SERVER)


def test_a_good_restart(world: World) -> None:
    """Everything is proven, and the evidence of the phase can be filled from it."""
    site, started = world.site, world.started
    done = gates.run(
        Gate.SERVER,
        site,
        plan=gates.plan_of(site, _code(site)),
        server_before=gates.before(None, running=[world.old]),
        server=gates.now(site, started, clients=[world.old]),
    )
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(ALL, "passed")
    proven = {
        "mcp_server_copied": True,
        "files_copied": 1,
        "checksums_verified": True,
        "dependencies_installed": True,
        "post_install_steps": [],
        "server_restarted": True,
        "server_health_check": "passed",
        "old_pid": world.old.pid,
        "new_pid": started.pid,
        "seconds_to_handshake": started.handshake_s,
    }
    assert proven.items() <= done.facts.items()


def test_everything_wrong(world: World) -> None:
    """Another file, a package that is missing, the old process, and a stranger who answers."""
    site = world.site
    (running,) = serving.look(site).running
    wanted = Entry(kind=Kind.FILE, mode=0o644, digest="0" * 64, size_bytes=1)
    change = _code(site).change.model_copy(update={"after": wanted})
    planned = _code(site).model_copy(update={"change": change})
    environment = EnvironmentPlan(
        lacking=("teapot>=1",), after=(Pinned(name="teapot", version="1.0"),)
    )
    client = running.model_copy(update={"client": "editor (process 1)"})
    done = gates.run(
        Gate.SERVER,
        site,
        plan=gates.plan_of(site, planned, environment=environment),
        server_before=gates.before(None, running=[running]),
        server=gates.now(site, world.others, clients=[client]),
    )
    assert not done.opens
    assert {name for name, outcome in done.ended.items() if outcome == "passed"} == {"AOS-S005"}
    assert CODE in done.said["AOS-S001"]
    assert "teapot missing, planned 1.0" in done.said["AOS-S002"]
    assert str(running.pid) in done.said["AOS-S003"]
    assert "no process of this installation" in done.said["AOS-S004"]
    assert "editor" in done.said["AOS-S006"]


def test_what_was_inconsistent_before_is_not_blamed(world: World) -> None:
    """Only what does not fit together since is a reason."""
    site = world.site
    (problem,) = gates.inconsistencies(site, "needs-teapot", requires="teapot>=2")
    shut, known = (
        gates.run(
            Gate.SERVER,
            site,
            "AOS-S002",
            plan=gates.plan_of(site, environment=EnvironmentPlan(inconsistent=before)),
        )
        for before in ((), (problem,))
    )
    assert problem in shut.said["AOS-S002"]
    assert known.ended == {"AOS-S002": "passed"}
    assert known.facts["inconsistent_before"] == [problem]


def test_a_server_that_does_not_answer(lay_site: Callable[..., Site]) -> None:
    """It is asked, and its last words are told."""
    site = lay_site("bad-start")
    done = gates.run(
        Gate.SERVER,
        site,
        "AOS-S004",
        "AOS-S005",
        server_before=gates.before(None),
        server={"endpoint": gates.over_pipes(site).model_dump(mode="json")},
        limit_s=gates.LONG_S,
    )
    assert not done.opens
    assert done.ended == {"AOS-S005": "failed"}
    assert "No module named" in done.said["AOS-S005"]
    assert done.not_planned == {"AOS-S004": "no server ran before the upgrade, so none was started"}


def test_what_was_started_before_the_exchange_runs_the_old_code(world: World) -> None:
    """Also what somebody started again between stop and exchange, and nobody knew before."""
    site, started = world.site, world.started
    (running,) = serving.look(site).running

    def judged(exchanged: Moment) -> gates.Judged:
        return gates.run(
            Gate.SERVER,
            site,
            "AOS-S003",
            plan=gates.plan_of(site, _code(site)),
            server_before=gates.before(None, running=[world.old]),
            server=gates.now(site, started, exchanged=exchanged),
        )

    assert judged(running.born).ended == {"AOS-S003": "passed"}
    shut = judged(moments.now())
    assert not shut.opens
    assert shut.said["AOS-S003"] == f"still running: process {running.pid}"


def test_a_server_that_ran_has_to_run_again(world: World) -> None:
    """That none is kept running is right only where none was, or nothing of it changes."""
    site = world.site
    command = gates.over_pipes(site)
    with_change, without = gates.plan_of(site, _code(site)), gates.plan_of(site)
    known = {
        name: gates.run(
            Gate.SERVER,
            site,
            "AOS-S004",
            plan=plan,
            server_before=gates.before(None, restart=restart),
            server={"endpoint": command.model_dump(mode="json")},
        )
        for name, plan, restart in (
            ("ran", with_change, command),
            ("none ran", with_change, None),
            ("nothing changes", without, command),
        )
    }
    assert known["ran"].said == {"AOS-S004": "the server is not kept running"}
    assert "no server ran" in known["none ran"].not_planned["AOS-S004"]
    assert "runs on" in known["nothing changes"].not_planned["AOS-S004"]


def test_only_where_nothing_can_run_it_nobody_is_asked(lay_site: Callable[..., Site]) -> None:
    """A run that tells nothing of its server shuts the gate."""
    site = lay_site()
    told_nothing = gates.run(Gate.SERVER, site)
    assert not told_nothing.opens
    assert told_nothing.ended["AOS-S005"] == "error"
    done = gates.run(Gate.SERVER, site, server={"endpoint": None}, server_before={})
    assert done.opens
    assert set(done.ended) == {"AOS-S001", "AOS-S002"}
    assert done.not_planned["AOS-S003"] == "nothing of the server changes, so it runs on"
    assert done.not_planned["AOS-S006"] == "no client runs a server of its own"


def test_a_used_process_id_is_no_old_server(world: World) -> None:
    """What has come by an id since is not the process that ran before."""
    (running,) = serving.look(world.site).running
    assert processes.runs(running.pid, born=running.born)
    assert not processes.runs(running.pid, born=Moment(at_s=1.0))
    assert serving.still_running([world.old]) == ()


def test_only_who_listens_serves(world: World) -> None:
    """Another installation's address is not ours, whoever answers there."""
    ours = serving.who_serves(world.site, world.started.url)
    assert ours is not None
    assert ours.pid == world.started.pid
    assert serving.who_serves(world.site, world.others.url) is None
    assert serving.who_serves(world.site, "http://127.0.0.1:1/mcp") is None
