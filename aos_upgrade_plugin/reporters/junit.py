"""JUnit XML of gates, for the readers that CI systems have.

Two forms: the strict one keeps to the schema of Jenkins' xUnit plugin; the rich one adds the
properties of each check, with its facts, for readers that take them. In both a gate that stays
shut has at least one failure or error, so no reader can take it for green.

Source: junit-10.xsd of the xUnit plugin; GitLab's page on unit test reports.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from aos_upgrade_plugin.effects.tree.durable import make_directories, write_durably
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.chain import SealedLog
from aos_upgrade_plugin.models.gate import Outcome, Severity
from aos_upgrade_plugin.models.gate_report import CheckResult, GateReport

STRICT, RICH = "junit", "junit-rich"
"""The folders of the two forms, and the names of the files that hold all gates."""

# Production Char of XML 1.0, without the control characters that it discourages.
_ILLEGAL = re.compile("[^\t\n\r\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>'


def write(report: GateReport, folder: Path, log: SealedLog | None = None) -> Path:
    """Write both forms of one gate below the folder of the evidence; return the strict one."""
    return _write([report], folder, f"{{form}}/{report.gate}.xml", log)


def write_merged(reports: Sequence[GateReport], folder: Path, log: SealedLog | None = None) -> Path:
    """Write both forms of all gates of a run, each in one file; return the strict one."""
    return _write(reports, folder, "{form}.xml", log)


def render(
    reports: Sequence[GateReport], log: SealedLog | None = None, *, rich: bool = False
) -> bytes:
    """Return the XML of some gates, one suite each, in their order."""
    suites = [_suite(report, log, rich=rich) for report in reports]
    root = ET.Element("testsuites", name="aos-upgrade")
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in suites)))
    root.set("time", _seconds(sum(report.duration_s for report in reports)))
    root.extend(suites)
    ET.indent(root)
    return f"{_DECLARATION}\n{ET.tostring(root, encoding='unicode')}\n".encode()


def _write(reports: Sequence[GateReport], folder: Path, name: str, log: SealedLog | None) -> Path:
    with as_disk_error("writing the JUnit report"):
        for form in (STRICT, RICH):
            path = folder / name.format(form=form)
            make_directories(path.parent)
            write_durably(path, render(reports, log, rich=form == RICH))
    return folder / name.format(form=STRICT)


def _suite(report: GateReport, log: SealedLog | None, *, rich: bool) -> ET.Element:
    suite = ET.Element("testsuite", name=f"aos-upgrade {report.gate}")
    suite.set("timestamp", report.started_at.strftime("%Y-%m-%dT%H:%M:%S"))
    suite.set("time", _seconds(report.duration_s))
    _add_properties(suite, _bound_to(report, log))
    suite.extend(_case(report, result, log, rich=rich) for result in report.results)
    if report.doubts:
        gate = _new_case(report, "the gate itself", 0)
        _add(gate, "error", "gate", report.doubts)
        suite.append(gate)
    suite.set("tests", str(len(suite.findall("testcase"))))
    for count, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(count, str(len(suite.findall(f"testcase/{tag}"))))
    return suite


def _bound_to(report: GateReport, log: SealedLog | None) -> dict[str, str]:
    """Say what the suite proves, and from which evidence."""
    said = {
        "aos.session": report.session_id or "none",
        "aos.gate": report.gate.value,
        "aos.verdict": "open" if report.opens else "shut",
    }
    said |= {f"aos.sha256.{name}": digest for name, digest in report.digests.items()}
    said |= {f"aos.does-not-apply.{one.check}": one.reason for one in report.excused}
    if log:
        said |= {"aos.log": str(log.path), "aos.log.head": f"{log.head.seq} {log.head.sha256}"}
    return said


def _case(
    report: GateReport, result: CheckResult, log: SealedLog | None, *, rich: bool
) -> ET.Element:
    check = result.check
    case = _new_case(report, f"{check.id} {check.title}", result.duration_s)
    if rich:
        _add_properties(case, _about(result))
    words = list(_words(result, log))
    output = [result.output] if result.output else []
    match result.outcome:
        case Outcome.PASSED:
            pass
        case Outcome.FAILED if check.severity is not Severity.BLOCKER:
            output = [f"a finding, no failure ({check.severity}):", *words, *output]
        case Outcome.FAILED:
            _add(case, "failure", check.severity, words)
        case Outcome.WAIVED:
            _add(case, "skipped", result.outcome, words)
        case _:
            _add(case, "error", result.outcome, words)
    if log and result.outcome is not Outcome.PASSED:
        output.append(f"[[ATTACHMENT|{log.path}]]")
    if output:
        ET.SubElement(case, "system-out").text = _legal("\n".join(output))
    return case


def _words(result: CheckResult, log: SealedLog | None) -> Iterator[str]:
    """Say what is wrong, what was expected, what to do, where it is recorded, and the details."""
    check = result.check
    yield f"{check.id} {result.message or check.title}"
    if waiver := result.waiver:
        yield f"waived by {waiver.approver} until {waiver.expires:%Y-%m-%d %H:%M} UTC"
        yield f"because: {waiver.reason}"
    yield f"expected: {check.title}"
    yield f"fix: {check.remedy}"
    yield f"{check.severity} of {check.distribution}, {result.outcome}"
    if log:
        yield f"evidence: {log.path}"
    if result.details:
        yield f"\n{result.details}"


def _about(result: CheckResult) -> dict[str, str]:
    check = result.check
    return {
        "aos.check": check.id,
        "aos.outcome": result.outcome.value,
        "aos.severity": check.severity.value,
        "aos.distribution": str(check.distribution),
        **{f"aos.fact.{name}": json.dumps(value) for name, value in result.facts.items()},
    }


def _new_case(report: GateReport, name: str, duration_s: float) -> ET.Element:
    classname = f"aos-upgrade.{report.gate}"
    return ET.Element("testcase", classname=classname, name=name, time=_seconds(duration_s))


def _add(case: ET.Element, tag: str, kind: str, words: Sequence[str]) -> None:
    """Add what went wrong: readers show the attribute or the text, so both begin alike."""
    wrong = ET.SubElement(case, tag, type=kind, message=_legal(words[0]))
    wrong.text = _legal("\n".join(words))


def _add_properties(parent: ET.Element, values: Mapping[str, str]) -> None:
    properties = ET.SubElement(parent, "properties")
    for name, value in values.items():
        ET.SubElement(properties, "property", name=name, value=_legal(value))


def _seconds(duration_s: float) -> str:
    return f"{duration_s:.3f}"


def _legal(text: str) -> str:
    r"""Write what XML cannot hold as ``\xNN``."""
    return _ILLEGAL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
