"""The pages of the command line say what the program does."""

import re
from pathlib import Path

from aos_upgrade_plugin.decide.run.sessions import allowed
from aos_upgrade_plugin.errors import ExitCode
from aos_upgrade_plugin.models.session import SessionStatus, WorkflowSession
from tests.cli.conftest import NOW, help_pages

PAGES = Path(__file__).parents[2] / "docs" / "reference"
_EVERYWHERE = {"--target", "--json", "--help", "--version"}


def test_every_command_and_option_is_on_the_page() -> None:
    """Nobody has to guess from the help; and the page names no option that is not there."""
    page = (PAGES / "cli.md").read_text(encoding="utf-8")
    options = set()
    for words, shown in help_pages().items():
        if words and "Commands:\n" not in shown:
            command = " ".join(words)
            assert re.search(rf"(`|^## ){command}\b", page, re.MULTILINE), command
            options |= set(re.findall(r"--[a-z][a-z-]*", shown))
    assert options - _EVERYWHERE == set(re.findall(r"--[a-z][a-z-]*", page)) - _EVERYWHERE


def test_every_exit_code_is_on_the_page() -> None:
    """A script that reads the page meets no other."""
    page = (PAGES / "exit-codes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|", page, re.MULTILINE)
    assert [int(row) for row in rows] == [code.value for code in ExitCode]


def test_the_states_on_the_page_are_those_of_the_program() -> None:
    """Every state, and where it leads."""
    page = (PAGES / "sessions.md").read_text(encoding="utf-8")
    rows = {
        row[0]: [set(re.findall(r"[a-z_]+", re.sub(r"\(.*?\)", "", cell))) for cell in row[1:]]
        for row in re.findall(r"^\| ([a-z_]+) \|(.*)\|(.*)\|$", page, re.MULTILINE)
        if row[0] in set(SessionStatus)
    }
    assert set(rows) == set(SessionStatus)
    for status, (any_workflow, an_upgrade_also) in rows.items():
        assert allowed(_session(status, "other")) == any_workflow
        assert allowed(_session(status, "agent_os_upgrade_v1")) == any_workflow | an_upgrade_also


def test_every_field_is_on_the_page() -> None:
    """What is stored is documented."""
    page = (PAGES / "sessions.md").read_text(encoding="utf-8")
    fields = page.partition("## Fields")[2].partition("##")[0]
    assert {name for name in WorkflowSession.model_fields if f"`{name}`" not in fields} == set()


def _session(status: str, workflow: str) -> WorkflowSession:
    return WorkflowSession(
        session_id="one",
        workflow_type=workflow,
        target_file="x",
        session_status=SessionStatus(status),
        current_phase=0,
        created_at=NOW,
        last_updated=NOW,
    )
