"""What a cut-over plans, from what the servers list; nothing is changed here."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.phases.cutting_over import Edits, OurServer, Tools, plan_edits
from aos_upgrade_plugin.phases.installation import find

OLD: Tools = ("search_standards", "start_workflow", "current_date")
OURS = OurServer("aos-upgrade", {"command": "x", "args": []}, ("aos_workflow",))
CODE = "class C:\n    enabled_tool_groups: list = ['rag', 'workflow']\n"
REMARKED = '{\n  // mine\n  "servers": {"agent-os": {"tools": ["get_task", "x"]}}\n}\n'
TWICE = '{"servers": {}, "servers": {"agent-os": {"tools": ["get_task"]}}}'


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Make an installation whose code knows groups."""
    folder = tmp_path / "project/.agent-os"
    (folder / "standards").mkdir(parents=True)
    (folder / "mcp_server").mkdir()
    (folder / "mcp_server/config.py").write_text(CODE)
    return folder


def _plan(install: Path, before: Tools = OLD, after: Tools = ("search_standards",)) -> Edits:
    """Plan, with a server that has other tools once its configuration leaves the group out."""

    def measure(instead: Mapping[str, bytes]) -> Tools:
        told = json.loads(instead["config.json"])
        assert told["mcp"]["enabled_tool_groups"] == ["rag"]
        return after

    return plan_edits(find(install), before=before, ours=OURS, measure=measure)


def _files(edits: Edits) -> dict[str, tuple[tuple[str, ...], str | None]]:
    return {each.file.change.path: (each.file.removed, each.file.added) for each in edits.made}


def test_remarks_stay_and_ours_is_added_beside_them(install: Path) -> None:
    """JSON with remarks is edited as it stands: the tools leave it, our server comes."""
    file = install.parent / ".vscode/mcp.json"
    file.parent.mkdir()
    file.write_text(REMARKED)
    edits = _plan(install)
    assert _files(edits) == {
        "config.json": (("workflow",), None),
        ".vscode/mcp.json": (("get_task",), "aos-upgrade"),
    }
    text = edits.of_clients[".vscode/mcp.json"].decode()
    assert text.startswith(REMARKED.replace('"get_task", ', "").rstrip("\n} "))
    assert '"aos-upgrade": {' in text
    assert edits.by_hand == ()


def test_where_ours_cannot_be_added_that_is_left_to_do(install: Path) -> None:
    """The tools leave the file all the same, and somebody is told what is missing."""
    file = install.parent / ".vscode/mcp.json"
    file.parent.mkdir()
    file.write_text(TWICE)
    edits = _plan(install)
    assert _files(edits)[".vscode/mcp.json"] == (("get_task",), None)
    (left,) = edits.by_hand
    assert "our server was not added" in left.why


def test_nothing_to_cut_over_adds_nothing(install: Path) -> None:
    """A client of a server that needs no cut-over is not told of ours."""
    file = install.parent / ".mcp.json"
    file.write_text('{"mcpServers": {"agent-os": {"command": "x"}}}')
    assert not _plan(install, before=("search_standards",)).made
    file.write_text('{"mcpServers": {"agent-os": {"autoApprove": ["get_task"]}}}')
    edits = _plan(install, before=("pos_workflow",))
    assert _files(edits) == {".mcp.json": (("get_task",), None)}


def test_what_the_server_has_in_its_code_stays(install: Path) -> None:
    """Then clients may go on allowing it, and somebody is told what to do."""
    (install / "mcp_server/config.py").write_text("")
    (install.parent / ".mcp.json").write_text(
        '{"mcpServers": {"agent-os": {"autoApprove": ["start_workflow", "get_task"]}}}'
    )
    edits = _plan(install)
    assert _files(edits) == {".mcp.json": (("get_task",), "aos-upgrade")}
    (left,) = edits.by_hand
    assert (left.file, "upgrade it" in left.why) == (".agent-os/config.json", True)


def test_no_other_tool_is_lost(install: Path) -> None:
    """A tool that is none of the older ones would go with the group: refused, by its name."""
    with pytest.raises(RefusedError, match="search_standards would go"):
        _plan(install, after=())


def test_links_are_not_followed(install: Path, tmp_path: Path) -> None:
    """A file that is a link, or lies behind one, is somebody else's: it is named."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/mcp.json").write_text('{"a": ["mcp__agent-os__get_task"]}')
    (install.parent / ".cursor").symlink_to(tmp_path / "elsewhere")
    (install.parent / ".mcp.json").symlink_to(tmp_path / "elsewhere/mcp.json")
    edits = _plan(install)
    assert _files(edits) == {"config.json": (("workflow",), None)}
    assert [each.file for each in edits.by_hand] == [".cursor/mcp.json", ".mcp.json"]
