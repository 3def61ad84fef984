"""The restart of a run: who is stopped, who is started again, and what is said of it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aos_upgrade_plugin.decide.run.reporting import server_lines, server_report
from aos_upgrade_plugin.effects.service import moments
from aos_upgrade_plugin.models.journal import InstallRename
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.models.service import ServerBefore, ServerNow
from aos_upgrade_plugin.models.workflow import SERVER
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.renaming import located
from aos_upgrade_plugin.phases.restarting import (
    how_to_restart,
    stop_to_restart,
    what_to_stop,
    why_nothing_answers,
)
from tests.checks import gates
from tests.phases.served import run_of


def test_of_two_servers_one_comes_back_and_that_is_said(
    lay_site: Callable[..., Site], tmp_path: Path
) -> None:
    """One serves everybody; while none does, it is said how one is started."""
    site = lay_site()
    beside = gates.start(site)
    foremost = gates.start(site)
    before = ServerBefore(running=serving.look(site).running)
    run = run_of(site, tmp_path / "run")
    assert why_nothing_answers(run, before) == ""
    restart = stop_to_restart(run, before)
    assert serving.look(site).running == ()
    assert "-m mcp_server --transport http" in why_nothing_answers(run, before)
    now = restart.start(ServerNow(endpoint=None))
    assert {each.pid for each in now.stopped} == {beside.pid, foremost.pid}
    assert [each.pid for each in now.not_started] == [beside.pid]
    artifacts = {SERVER: {"server": now.model_dump(mode="json")}}
    session = run.session.model_copy(update={"phase_artifacts": artifacts})
    lines = [*server_lines(server_report(run.plan, session))]
    assert f"several servers ran: one was started again, none for process {beside.pid}" in lines


def test_before_the_folder_is_renamed_the_server_has_to_stop(
    lay_site: Callable[..., Site], tmp_path: Path
) -> None:
    """It is named while it runs; afterwards the start is told with the new name."""
    site = lay_site("0.9.0")
    run = run_of(site, tmp_path / "run")
    rename = InstallRename(before=".agent-os", after=".praxis-os")
    renaming = run.plan.model_copy(update={"rename": rename, "becomes": "praxis_os"})
    assert what_to_stop(run) == ""
    server = gates.start(site)
    before = ServerBefore(running=serving.look(site).running)
    assert what_to_stop(run) == ""
    run = replace(run, plan=renaming)
    assert f"to .praxis-os: stop the server first (process {server.pid})" in what_to_stop(run)
    serving.stop(before.running)
    assert what_to_stop(run) == ""
    (site.install / ".upgrades" / run.session.session_id).mkdir(parents=True)
    site.install.rename(site.install.with_name(".praxis-os"))
    said = how_to_restart(located(run), before, exchanged=moments.now())
    assert ".praxis-os/venv/bin/python -m mcp_server --transport http" in said
    assert ".agent-os" not in said
