"""What somebody who waits for a run sees of its phases."""

from datetime import UTC, datetime

import pytest

from aos_upgrade_plugin.cli.watching import OnTerminal
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.gate_report import GateReport


def test_a_phase_that_fails_before_its_gate_has_a_line_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nobody has to guess which phase it was that led back."""
    watcher = OnTerminal()
    for name, gate in (("Content", Gate.CONTENT), ("Server", None), ("Rollback", Gate.ROLLBACK)):
        watcher.phase(name)
        if gate:
            watcher.gate(GateReport(gate=gate, opens=True, started_at=datetime.now(UTC)))
    lines = [line.split() for line in capsys.readouterr().err.splitlines()]
    assert [line[:2] for line in lines] == [
        ["Content", "open"],
        ["Server", "FAILED"],
        ["Rollback", "open"],
    ]
