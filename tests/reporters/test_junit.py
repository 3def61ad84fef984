"""JUnit XML: accepted by strict readers, read alike by all, never green for a shut gate."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped

from aos_upgrade_plugin.decide.run.gate import judge
from aos_upgrade_plugin.models.chain import Head, SealedLog
from aos_upgrade_plugin.models.event import (
    Closed,
    Ended,
    Event,
    Excused,
    Fact,
    Finished,
    Opened,
    Started,
    Trouble,
)
from aos_upgrade_plugin.models.gate import Distribution, Gate, Outcome, PlannedCheck, Severity
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.waiver import Waiver
from aos_upgrade_plugin.reporters.junit import render, write, write_merged

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
STRICT = xmlschema.XMLSchema(Path(__file__).parents[1] / "data" / "jenkins-xunit.xsd")
LOG = SealedLog(Path("evidence/events.jsonl"), Head(7, "c" * 64))
HOSTILE = "\x00\x07\x1b[31m]]>&<\"'\ud800\ufffe\x85"

CHECKS = {
    "AA-PASSED": (Severity.BLOCKER, Outcome.PASSED),
    "AA-WARNED": (Severity.WARNING, Outcome.FAILED),
    "AA-FAILED": (Severity.BLOCKER, Outcome.FAILED),
    "AA-SKIPPED": (Severity.INFO, Outcome.SKIPPED),
    "AA-WAIVED": (Severity.BLOCKER, Outcome.FAILED),
    "AA-ERROR": (Severity.BLOCKER, Outcome.ERROR),
    "AA-ABORTED": (Severity.BLOCKER, Outcome.ABORTED),
    "AA-EXCUSED": (Severity.BLOCKER, None),
}


def _check(name: str, severity: Severity, gate: Gate) -> PlannedCheck:
    return PlannedCheck(
        id=name,
        gate=gate,
        severity=severity,
        title="It is <well> & good",
        remedy="mend it",
        distribution=Distribution(name="acme", version="1"),
        module="acme.checks",
        function="check_it",
        limit_s=1,
    )


def _events(gate: Gate, names: Sequence[str], *, trouble: bool) -> Iterator[Event]:
    yield Opened(gate=gate, session_id="s_1", at=NOW, jobs=1, digests={"plan": "b" * 64})
    for name in names:
        outcome = CHECKS[name][1]
        if outcome is None:
            yield Excused(check=name, reason="there is no server")
            continue
        yield Started(check=name)
        yield Fact(check=name, name="files", value={"count": 3})
        yield Ended(
            check=name,
            outcome=outcome,
            message=None if outcome is Outcome.PASSED else "it is not",
            details="assert 1 == 2\x1b[0m",
            output="said \x07 so",
            duration_s=1.25,
        )
    if trouble:
        yield Trouble(message="the line carried a worm")
    yield Finished(exit_status=0)
    yield Closed(gate=gate, duration_s=1234.5)


def report(
    names: Sequence[str] = tuple(CHECKS), gate: Gate = Gate.CONTENT, *, trouble: bool = False
) -> GateReport:
    """Return the report of a gate in which checks ended as their names say."""
    waiver = Waiver(
        check="AA-WAIVED", approver="Ada", reason="known", expires=NOW + timedelta(days=1)
    )
    return judge(
        planned=[_check(name, CHECKS[name][0], gate) for name in names],
        events=list(_events(gate, names, trouble=trouble)),
        waivers=[waiver],
        now=NOW,
    )


def _root(xml: bytes) -> ET.Element:
    return ET.fromstring(xml)  # noqa: S314  written by the code under test


SHUT = [name for name in CHECKS if name in {"AA-FAILED", "AA-SKIPPED", "AA-ERROR", "AA-ABORTED"}]
OPEN = [name for name in CHECKS if name not in SHUT]


@pytest.mark.parametrize("trouble", [False, True])
def test_the_strict_form_is_valid(trouble: bool) -> None:
    """Jenkins' xUnit plugin takes it, whatever happened in the gate."""
    for reports, log in (([report(trouble=trouble)], LOG), ([report([])], None), ([], None)):
        xml = render(reports, log) if log else render(reports)
        assert [*STRICT.iter_errors(xml.decode())] == []


def test_only_the_rich_form_has_properties_of_cases() -> None:
    """They are why a strict reader would refuse the file."""
    assert not STRICT.is_valid(render([report()], rich=True).decode())
    rich = _root(render([report(["AA-PASSED"])], rich=True))
    properties = {
        one.get("name"): one.get("value") for one in rich.findall(".//testcase//property")
    }
    assert properties["aos.check"] == "AA-PASSED"
    assert properties["aos.fact.files"] == '{"count": 3}'
    assert properties["aos.severity"] == "blocker"
    assert _root(render([report()])).findall(".//testcase//property") == []


def test_what_a_reader_sees_of_each_outcome() -> None:
    """A pass or a finding is green, a waiver skipped, a failure failed, all else an error."""
    parsed = JUnitXml.fromstring(render([report()], LOG))
    (suite,) = list(parsed)
    seen = {case.name.split()[0]: [type(one) for one in case.result] for case in suite}
    assert seen == {
        "AA-PASSED": [],
        "AA-WARNED": [],
        "AA-FAILED": [Failure],
        "AA-SKIPPED": [Error],
        "AA-WAIVED": [Skipped],
        "AA-ERROR": [Error],
        "AA-ABORTED": [Error],
    }
    assert (suite.tests, suite.failures, suite.errors, suite.skipped) == (7, 1, 3, 1)
    assert (parsed.tests, parsed.failures, parsed.errors) == (7, 1, 3)


def test_the_first_line_says_what_is_wrong() -> None:
    """Some readers show the attribute, some the text: both begin with the id and the fault."""
    root = _root(render([report(["AA-FAILED"])], LOG))
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.get("message") == "AA-FAILED it is not"
    assert (failure.text or "").splitlines() == [
        "AA-FAILED it is not",
        "expected: It is <well> & good",
        "fix: mend it",
        "blocker of acme 1, failed",
        "evidence: evidence/events.jsonl",
        "",
        "assert 1 == 2\\x1b[0m",
    ]
    assert root.findtext(".//system-out") == ("said \\x07 so\n[[ATTACHMENT|evidence/events.jsonl]]")


def test_a_waiver_is_shown_with_who_answers() -> None:
    """Approver, end and reason stand where the failure would."""
    skipped = _root(render([report(["AA-WAIVED"])])).findtext(".//skipped") or ""
    assert skipped.splitlines()[:3] == [
        "AA-WAIVED it is not",
        "waived by Ada until 2026-01-03 03:04 UTC",
        "because: known",
    ]


def test_a_finding_is_in_the_output() -> None:
    """A failed warning is no failure, but is told."""
    output = _root(render([report(["AA-WARNED"])])).findtext(".//system-out") or ""
    assert output.startswith("a finding, no failure (warning):\nAA-WARNED it is not\n")


@pytest.mark.parametrize(
    ("given_report", "green"),
    [
        pytest.param(report(OPEN), True, id="open"),
        *(pytest.param(report([*OPEN, name]), False, id=name) for name in SHUT),
        pytest.param(report(OPEN, trouble=True), False, id="trouble"),
        pytest.param(report([]), False, id="nothing-planned"),
        pytest.param(report(["AA-EXCUSED"]), False, id="nothing-applies"),
    ],
)
def test_a_shut_gate_is_never_green(given_report: GateReport, green: bool) -> None:
    """A reader that counts failures and errors, and one that looks for the elements, agree."""
    assert given_report.opens is green
    root = _root(render([given_report]))
    counted = int(root.get("failures", "")) + int(root.get("errors", ""))
    found = len(root.findall(".//failure")) + len(root.findall(".//error"))
    assert (counted == 0, found == 0) == (green, green)
    assert root.find(".//testcase") is not None


def test_the_suite_is_bound_to_what_it_proves() -> None:
    """Session, verdict, plan, event log and what did not apply are the suite's properties."""
    suite = _root(render([report()], LOG)).find("testsuite")
    assert suite is not None
    assert {one.get("name"): one.get("value") for one in suite.findall("properties/property")} == {
        "aos.session": "s_1",
        "aos.gate": "content",
        "aos.verdict": "shut",
        "aos.sha256.plan": "b" * 64,
        "aos.does-not-apply.AA-EXCUSED": "there is no server",
        "aos.log": "evidence/events.jsonl",
        "aos.log.head": f"7 {'c' * 64}",
    }
    assert suite.get("timestamp") == "2026-01-02T03:04:05"


def _gitlab(xml: bytes) -> dict[tuple[str, str], tuple[str, str]]:
    """Read by GitLab's rules: only these elements, the first of equal names, the text."""
    cases: dict[tuple[str, str], tuple[str, str]] = {}
    for case in _root(xml).iter("testcase"):
        key = (case.get("classname", ""), case.get("name", ""))
        for tag, status in (("failure", "failed"), ("error", "error"), ("skipped", "skipped")):
            if (found := case.find(tag)) is not None:
                cases.setdefault(key, (status, (found.text or "").partition("\n")[0]))
        cases.setdefault(key, ("success", ""))
    return cases


def _junitparser(xml: bytes) -> dict[tuple[str, str], tuple[str, str]]:
    words = {Failure: "failed", Error: "error", Skipped: "skipped"}
    return {
        (case.classname, case.name): next(
            ((words[type(one)], (one.text or "").partition("\n")[0]) for one in case.result),
            ("success", ""),
        )
        for suite in JUnitXml.fromstring(xml)
        for case in suite
    }


@pytest.mark.parametrize("rich", [False, True])
def test_all_readers_read_the_same(rich: bool) -> None:
    """GitLab's rules and junitparser agree on every case of several gates; no name is twice."""
    reports = [report(), report(gate=Gate.BACKUP, trouble=True), report(OPEN, Gate.CLEANUP)]
    xml = render(reports, LOG, rich=rich)
    assert _gitlab(xml) == _junitparser(xml)
    assert len(_gitlab(xml)) == len(list(_root(xml).iter("testcase"))) == 7 + 8 + 3


@given(st.text())
def test_any_words_make_valid_xml(words: str) -> None:
    """Whatever a check says, the file can be read, and says it."""
    opened = Opened(gate=Gate.CONTENT, session_id=None, at=NOW, jobs=1)
    text = (words + HOSTILE).encode("utf-8", "backslashreplace").decode()
    events: list[Event] = [
        opened,
        Started(check="AA-FAILED"),
        Ended(
            check="AA-FAILED",
            outcome=Outcome.FAILED,
            message="it is not",
            details=text,
            output=text,
        ),
        Finished(exit_status=1),
    ]
    check = _check("AA-FAILED", Severity.BLOCKER, Gate.CONTENT)
    xml = render([judge(planned=[check], events=events, now=NOW)])
    STRICT.validate(xml.decode())
    assert _root(xml).find(".//failure") is not None


def test_files_of_both_forms_are_written(tmp_path: Path) -> None:
    """One file a gate and one for all, the strict ones apart so that a pattern finds only them."""
    one = write(report(), tmp_path, LOG)
    whole = write_merged([report(), report(gate=Gate.BACKUP)], tmp_path, LOG)
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.xml")) == [
        "junit-rich.xml",
        "junit-rich/content.xml",
        "junit.xml",
        "junit/content.xml",
    ]
    for path in (one, whole):
        STRICT.validate(path)
    assert len(list(JUnitXml.fromfile(str(whole)))) == 2
