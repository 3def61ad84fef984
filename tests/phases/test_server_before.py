"""The server measured before anything changes, whatever state it is in."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.models.session import WorkflowSession
from aos_upgrade_plugin.models.settings import Settings
from aos_upgrade_plugin.phases.server_before import look_before
from tests.checks import gates

BUILDS_ITS_INDEX = """
        table = index._folder / "later"
        size = table.stat().st_size if table.exists() else 0
        if size < 4:
            table.write_text("x" * (size + 1))
            return {"results": [], "total_tokens": 0, "retrieval_method": "grep_fallback"}
        began = time.perf_counter()
"""


def _run(site: Site, folder: Path) -> Run:
    now = datetime.now(UTC)
    session = WorkflowSession.model_validate(
        {
            "session_id": "one",
            "workflow_type": "agent_os_upgrade_v1",
            "target_file": "mcp_server",
            "current_phase": 1,
            "created_at": now,
            "last_updated": now,
        }
    )
    (layout,) = (each for each in known() if each.folder == site.install.name)
    return Run(
        install=site.install,
        project=site.project,
        layout=layout,
        settings=Settings(source_path=folder),
        plan=gates.plan_of(site),
        checks=(),
        waivers=(),
        session=session,
        folder=folder,
    )


def _answer_later(site: Site) -> None:
    """Let the search answer from a text scan for a while, as the product does at first."""
    code = site.install / "mcp_server/tools/search.py"
    said = code.read_text()
    assert "        began = time.perf_counter()\n" in said
    code.write_text(said.replace("        began = time.perf_counter()\n", BUILDS_ITS_INDEX))


def test_an_index_that_is_being_built_is_not_broken(
    lay_site: Callable[..., Site], tmp_path: Path
) -> None:
    """It is waited for, or what the upgrade breaks would be called broken before."""
    site = lay_site()
    _answer_later(site)
    started = gates.start(site)
    before = look_before(_run(site, tmp_path / "run"))
    assert [each.pid for each in before.stoppable] == [started.pid]
    assert before.measured is not None
    assert before.measured.search_problem is None


def test_a_search_that_is_not_there_is_not_waited_for(
    lay_site: Callable[..., Site], tmp_path: Path
) -> None:
    """No index will ever bring the tool."""
    site = lay_site()
    code = site.install / "mcp_server/tools/search.py"
    code.write_text(code.read_text().replace("search_standards", "look_for_standards"))
    before = look_before(_run(site, tmp_path / "run"))
    assert before.measured is not None
    assert before.measured.search_problem == "the server has no such tool"
    assert before.measured.search_hopeless
