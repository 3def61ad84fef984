"""All gates of a run in one JUnit file, made from nothing but the event log."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.effects.gate import event_log
from aos_upgrade_plugin.models.chain import Head, Record, SealedLog
from aos_upgrade_plugin.models.event import Opened, Planned
from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.run import EVENTS
from aos_upgrade_plugin.models.waiver import Waiver
from aos_upgrade_plugin.reporters import junit


def write_merged(evidence: Path, waivers: Sequence[Waiver]) -> None:
    """Judge each gate of the log again and write what it came to the last time it ran.

    A gate whose runner was killed has no file of its own yet: that is written, too.
    """
    log = evidence / EVENTS
    records = event_log.verify(log)
    if records:
        reports = _judged(records, waivers)
        sealed = SealedLog(log, Head(records[-1].seq, records[-1].sha256))
        junit.write_merged(reports, evidence, sealed)
        for report in reports:
            if not (evidence / junit.STRICT / f"{report.gate}.xml").exists():
                junit.write(report, evidence, sealed)


def _judged(records: Iterable[Record], waivers: Sequence[Waiver]) -> Sequence[GateReport]:
    runs: list[list[Record]] = []
    for record in records:
        if isinstance(record.event, Opened):
            runs.append([])
        runs[-1].append(record)
    last: dict[Gate, GateReport] = {}
    for run in runs:
        events = [record.event for record in run]
        planned = [event.check for event in events if isinstance(event, Planned)]
        report = judge(planned=planned, events=events, waivers=waivers, now=run[-1].at)
        last.pop(report.gate, None)
        last[report.gate] = report
    return [*last.values()]
