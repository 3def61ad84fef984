"""Reporters: the built-in JUnit XML first, then anybody's; none of them changes a verdict."""

from datetime import UTC, datetime
from pathlib import Path

from aos_upgrade_plugin.api import GateReport, SealedLog, hookimpl
from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.models.chain import START
from aos_upgrade_plugin.models.event import Opened
from aos_upgrade_plugin.models.gate import Distribution, Gate
from aos_upgrade_plugin.plugins import OURS, BuiltIn, Plugins


class Acme:
    """A reporter of somebody else."""

    @hookimpl
    def aos_report_gate(self, report: GateReport, log: SealedLog) -> list[Path]:
        """Write the verdict into one file."""
        path = log.path.with_name("acme.txt")
        path.write_text("open" if report.opens else "shut")
        return [path]


class Broken:
    """A reporter that fails."""

    @hookimpl
    def aos_report_gate(self) -> list[Path]:
        """Fail."""
        raise KeyError("of nothing")


def test_reporters_are_asked_one_by_one(tmp_path: Path) -> None:
    """Each writes its own; one that fails is named, and keeps no other from writing."""
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    plugins.register(Broken(), Distribution(name="broken", version="1"), name="broken")
    plugins.register(Acme(), Distribution(name="acme", version="1"), name="acme")
    opened = Opened(gate=Gate.BACKUP, session_id=None, at=datetime.now(UTC), jobs=1)
    report = judge(planned=[], events=[opened], now=datetime.now(UTC))
    written = plugins.report_gate(report, SealedLog(tmp_path / "events.jsonl", START))
    assert written.files == (tmp_path / "junit" / "backup.xml", tmp_path / "acme.txt")
    assert written.problems == ("the plugin of broken 1 cannot be used: KeyError: 'of nothing'",)
    assert (tmp_path / "acme.txt").read_text() == "shut"
