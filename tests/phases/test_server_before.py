"""The server measured before anything changes, whatever state it is in."""

from collections.abc import Callable
from pathlib import Path

from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.phases.server_before import look_before
from tests.checks import gates
from tests.phases.served import run_of

BUILDS_ITS_INDEX = """
        table = index._folder / "later"
        size = table.stat().st_size if table.exists() else 0
        if size < 4:
            table.write_text("x" * (size + 1))
            return {"results": [], "total_tokens": 0, "retrieval_method": "grep_fallback"}
        began = time.perf_counter()
"""


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
    before = look_before(run_of(site, tmp_path / "run"))
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
    before = look_before(run_of(site, tmp_path / "run"))
    assert before.measured is not None
    assert before.measured.search_problem == "the server has no such tool"
    assert before.measured.search_hopeless
