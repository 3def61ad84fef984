"""``aos-upgrade mcp cut-over`` and ``workflow verify``, as they are called."""

from pathlib import Path

from tests.cli.conftest import Aos


def test_uses_are_found_without_a_server(aos: Aos, install: Path) -> None:
    """Each place has its line, and what to write instead; wrong flags are told in one line."""
    (install.parent / "AGENTS.md").write_text("one\nget_task(s, 1, 2)\n")
    said = aos("mcp", "cut-over", "--find")
    assert said.status == 0
    assert "AGENTS.md:2: get_task(s, 1, 2)" in said.out
    assert 'aos_workflow(action="get_task", session_id=s, phase=1, task_number=2)' in said.out
    assert "verify does not take phase" in aos("workflow", "verify", "--phase", "1").error
