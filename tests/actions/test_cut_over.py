"""The cut-over with real servers: the sample's, which has a tool for each step, and ours."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aos_upgrade_plugin.actions.cut_over import cut_over, undo
from aos_upgrade_plugin.errors import ServerError
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.phases.finding_uses import find_uses
from aos_upgrade_plugin.phases.installation import find

COMMAND = str(Path(sys.executable).with_name("aos-upgrade"))
OLDER = {
    "start_workflow",
    "get_current_phase",
    "get_task",
    "complete_phase",
    "get_workflow_state",
    "create_workflow",
    "current_date",
}


def _files(project: Path) -> dict[str, bytes]:
    """Return what a user has, and whether anything of ours is left."""
    made = {"venv", ".git", "__pycache__", ".cache"}
    return {
        str(each.relative_to(project)): each.read_bytes()
        for each in project.rglob("*")
        if each.is_file() and not made & {*each.parts} and each.name != ".upgrade-lock"
    }


def _tell(project: Path) -> None:
    cursor = project / ".cursor/mcp.json"
    told = json.loads(cursor.read_text())
    told["mcpServers"]["agent-os"]["autoApprove"] = ["search_standards", "get_current_phase"]
    cursor.write_text(json.dumps(told, indent=4))
    (project / ".claude").mkdir()
    (project / ".claude/settings.json").write_text(
        '{"permissions": {"allow": ["mcp__agent-os__get_task", "mcp__other__get_task"]}}'
    )
    (project / "AGENTS.md").write_text("Begin with start_workflow('review_v1', 'src').\n")


def test_from_nine_tools_to_three_and_back(lay_site: Callable[..., Site]) -> None:
    """Real servers list them, before and after; texts stay, and undo leaves every byte as it was.

    The sample's configuration names no groups: what counts then is read from its code.
    """
    site = lay_site("separate-tools")
    _tell(site.project)
    before = _files(site.project)
    done = cut_over(find(site.install), executable=COMMAND, dry_run=False)
    assert {each.tool for each in done.found.gone} == OLDER
    assert (done.found.before.count, done.found.after.count) == (9, 3)
    assert set(done.found.after.of_product) == {"search_standards", "get_server_info"}
    assert done.found.after.of_ours == ("aos_workflow",)
    config = json.loads((site.install / "config.json").read_text())
    assert config["mcp"] == {"enabled_tool_groups": ["rag"]}
    servers = json.loads((site.project / ".cursor/mcp.json").read_text())["mcpServers"]
    assert servers["agent-os"]["autoApprove"] == ["search_standards"]
    assert servers["aos-upgrade"]["command"] == COMMAND
    allowed = json.loads((site.project / ".claude/settings.json").read_text())
    assert allowed == {"permissions": {"allow": ["mcp__other__get_task"]}}
    (use,) = done.found.uses
    assert (use.file, use.line, use.of_product) == ("AGENTS.md", 1, False)
    assert undo(find(site.install)) == (
        ".agent-os/config.json",
        ".claude/settings.json",
        ".cursor/mcp.json",
        ".mcp.json",
    )
    assert _files(site.project) == before


def test_a_server_that_does_not_start_changes_nothing(lay_site: Callable[..., Site]) -> None:
    """What cannot be counted is not cut, and uses are found all the same."""
    site = lay_site("separate-tools")
    _tell(site.project)
    (site.install / "mcp_server/__main__.py").write_text("raise SystemExit('no')\n")
    before = _files(site.project)
    with pytest.raises(ServerError, match="does not answer"):
        cut_over(find(site.install), executable=COMMAND, dry_run=False)
    assert _files(site.project) == before
    found = find_uses(find(site.install), instead={}).found
    assert [use.file for use in found] == ["AGENTS.md", ".claude/settings.json"]


def test_where_uses_are_looked_for(lay_site: Callable[..., Site]) -> None:
    """The user's and the product's texts, apart; no environment, no code of the server, no link."""
    site = lay_site("separate-tools")
    shutil.rmtree(site.environment)
    use = "Call `start_workflow` now.\n"
    for path in (
        "docs/a.md",
        ".cursorrules",
        "node_modules/b.md",
        ".agent-os/venv/c.md",
        ".agent-os/.cache/d.md",
        ".agent-os/mcp_server/e.md",
        ".agent-os/standards/development/f.md",
        ".agent-os/standards/universal/g.md",
    ):
        (site.project / path).parent.mkdir(parents=True, exist_ok=True)
        (site.project / path).write_text(use)
    (site.project / "docs/large.md").write_bytes(b"x" * (3 << 20))
    (site.project / "docs/link.md").symlink_to("a.md")
    (site.project / "docs/odd.md").write_bytes(b"\xff\x00start_workflow(x)")
    found = find_uses(find(site.install), instead={})
    assert {(each.file, each.of_product) for each in found.found} == {
        (".cursorrules", False),
        (".agent-os/standards/development/f.md", False),
        (".agent-os/standards/universal/g.md", True),
        ("docs/a.md", False),
        ("docs/odd.md", False),
    }
    assert [each.file for each in found.unread] == ["docs/large.md"]
