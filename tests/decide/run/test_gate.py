"""A gate opens on proof, and on nothing else."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aos_upgrade_plugin.decide.run.gate import judge, unknown_waivers
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

NOW = datetime(2026, 1, 2, tzinfo=UTC)
OPENED = Opened(gate=Gate.CONTENT, session_id="s_1", at=NOW, jobs=1)
FINISHED = Finished(exit_status=0)
P, F, S, E, A = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.SKIPPED,
    Outcome.ERROR,
    Outcome.ABORTED,
)


def planned(
    name: str = "TT-1", severity: Severity = Severity.BLOCKER, *aliases: str
) -> PlannedCheck:
    """Return a check of a plan."""
    return PlannedCheck(
        id=name,
        gate=Gate.CONTENT,
        severity=severity,
        title="It is well",
        remedy="mend it",
        aliases=aliases,
        distribution=Distribution(name="acme", version="1"),
        module="acme",
        function="check_it",
        limit_s=1,
    )


def ran(outcome: Outcome, name: str = "TT-1") -> tuple[Event, Event]:
    """Return the events of a check that ran."""
    message = None if outcome is P else "not well"
    return Started(check=name), Ended(check=name, outcome=outcome, message=message)


def waiver(name: str = "TT-1", *, days: int = 1) -> Waiver:
    """Return a waiver that expires some days from now."""
    return Waiver(check=name, approver="Ada", reason="known", expires=NOW + timedelta(days=days))


def verdict(
    events: Iterable[Event],
    *,
    checks: Sequence[PlannedCheck] = (planned(),),
    waivers: Sequence[Waiver] = (),
    end: Sequence[Event] = (FINISHED,),
) -> GateReport:
    """Judge what was heard between a proper beginning and, unless said, a proper end."""
    return judge(planned=checks, events=[OPENED, *events, *end], waivers=waivers, now=NOW)


@pytest.mark.parametrize(
    ("events", "opens"),
    [
        pytest.param([*ran(P)], True, id="passed"),
        pytest.param([*ran(F)], False, id="failed"),
        pytest.param([*ran(S)], False, id="a-skip-is-not-a-pass"),
        pytest.param([*ran(E)], False, id="error"),
        pytest.param([*ran(A)], False, id="aborted"),
        pytest.param([], False, id="nothing-reported"),
        pytest.param([Started(check="TT-1")], False, id="started-and-never-ended"),
        pytest.param([*ran(P), *ran(P)], False, id="reported-twice"),
        pytest.param([*ran(F), *ran(P)], False, id="failed-then-passed"),
        pytest.param([Started(check="TT-1"), *ran(P)], True, id="stopped-for-another-and-rerun"),
        pytest.param([*ran(P), *ran(P, "TT-2")], False, id="one-too-many"),
        pytest.param([*ran(P), Started(check="TT-2")], False, id="an-unplanned-one-started"),
        pytest.param(
            [*ran(P), Fact(check="TT-2", name="a", value=1)], False, id="a-fact-of-an-unplanned-one"
        ),
        pytest.param([*ran(P), Excused(check="TT-2", reason="x")], False, id="excused-unplanned"),
        pytest.param([*ran(P), Excused(check="TT-1", reason="x")], False, id="excused-and-run"),
        pytest.param([Excused(check="TT-1", reason="x")], False, id="all-excused-proves-nothing"),
        pytest.param([*ran(P), Trouble(message="a worm")], False, id="trouble"),
    ],
)
def test_only_a_proof_opens(events: list[Event], opens: bool) -> None:
    """One planned check, and all the ways in which it may be told of."""
    report = verdict(events)
    assert report.opens is opens
    assert bool(report.reasons) is not opens


def test_no_plan_is_shut() -> None:
    """Nothing planned is nothing proven, also when something passed."""
    assert verdict([], checks=()).reasons == ("nothing is planned: nothing can be proven",)
    assert not verdict([*ran(P)], checks=()).opens


def test_a_process_that_never_finished_is_shut() -> None:
    """All checks passed, but who knows what would have come."""
    report = verdict([*ran(P)], end=())
    assert report.doubts == ("the gate's process never came to its proper end",)


def test_a_check_planned_twice_is_shut() -> None:
    """One id, one check."""
    assert not verdict([*ran(P)], checks=[planned(), planned()]).opens


@pytest.mark.parametrize("severity", [Severity.WARNING, Severity.INFO])
@pytest.mark.parametrize(
    ("outcome", "opens"), [(P, True), (F, True), (S, False), (E, False), (A, False)]
)
def test_below_a_blocker(severity: Severity, outcome: Outcome, opens: bool) -> None:
    """A failed warning is a finding; one that did not measure shuts the gate like any other."""
    report = verdict([*ran(outcome)], checks=[planned("TT-1", severity)])
    assert report.opens is opens
    findings = [(severity, "TT-1", "not well")] if outcome is F else []
    assert [(one.severity, one.check, one.message) for one in report.findings] == findings


@pytest.mark.parametrize("outcome", [F, S, E, A])
def test_a_waiver_accepts_what_one_check_came_to(outcome: Outcome) -> None:
    """The result stays visible, with who answers for it."""
    report = verdict([*ran(outcome)], waivers=[waiver()])
    (result,) = report.results
    assert (report.opens, result.outcome, result.waiver) == (True, Outcome.WAIVED, waiver())
    assert report.findings[0].message == "waived by Ada (known): not well"


@pytest.mark.parametrize(
    ("given_waivers", "opens", "finding"),
    [
        pytest.param([waiver("TT-OLD")], True, "waived by Ada (known): not well", id="by-alias"),
        pytest.param(
            [waiver(days=-1)],
            False,
            "the waiver of Ada for TT-1 expired at 2026-01-01 00:00 UTC: it does not count",
            id="expired",
        ),
        pytest.param(
            [waiver(days=0)],
            False,
            "the waiver of Ada for TT-1 expired at 2026-01-02 00:00 UTC: it does not count",
            id="expires-now",
        ),
        pytest.param([waiver("TT-2")], False, None, id="another-check"),
    ],
)
def test_which_waivers_count(given_waivers: list[Waiver], opens: bool, finding: str | None) -> None:
    """One that names the check, or an alias of it, until the moment it expires."""
    checks = [planned("TT-1", Severity.BLOCKER, "TT-OLD")]
    report = verdict([*ran(F)], checks=checks, waivers=given_waivers)
    assert report.opens is opens
    assert [one.message for one in report.findings] == ([finding] if finding else [])


def test_an_unused_waiver_is_a_finding() -> None:
    """Who answers for something that is well should know."""
    (finding,) = verdict([*ran(P)], waivers=[waiver()]).findings
    assert finding.message == "the waiver of Ada for TT-1 is not used: the check passed"


def test_the_remedy_is_of_the_first_check_that_holds_it_shut() -> None:
    """Neither of one that passed nor of one that somebody answers for."""
    checks = [
        planned(name).model_copy(update={"remedy": f"mend {name}"})
        for name in ("TT-0", "TT-1", "TT-2")
    ]
    events = [*ran(P, "TT-0"), *ran(F, "TT-1"), *ran(F, "TT-2")]
    assert verdict(events, checks=checks, waivers=[waiver("TT-1")]).remedy == "mend TT-2"
    assert verdict([*ran(P)], end=()).remedy == "see the evidence"


def test_a_waiver_does_not_stand_for_a_check_that_never_ran() -> None:
    """What vanished was never weighed: the plan has to be made again."""
    gone = Ended(check="TT-1", outcome=E, message="no longer offered")
    assert not verdict([gone], waivers=[waiver()]).opens
    assert not verdict([], waivers=[waiver()]).opens


def test_a_waiver_does_not_cover_the_run() -> None:
    """Trouble with the gate itself is nobody's to waive."""
    assert not verdict([*ran(F), Trouble(message="a worm")], waivers=[waiver()]).opens


def test_a_waiver_of_no_check_at_all_is_a_finding() -> None:
    """A misspelt waiver is told of, once for the whole run."""
    findings = unknown_waivers(waivers=[waiver(), waiver("TT-9")], offered=[planned()])
    assert [one.check for one in findings] == ["TT-9"]


def test_the_report_keeps_what_was_measured() -> None:
    """Facts, durations, digests and excuses are in the report, in the order of the plan."""
    events = [
        Started(check="TT-2"),
        Fact(check="TT-2", name="files", value=3),
        Fact(check="TT-2", name="files", value=4),
        Ended(check="TT-2", outcome=P, duration_s=1.5),
        *ran(P),
        Excused(check="TT-3", reason="no server"),
    ]
    end: list[Event] = [FINISHED, Closed(gate=Gate.CONTENT, duration_s=2)]
    checks = [planned("TT-1"), planned("TT-2"), planned("TT-3")]
    report = verdict(events, checks=checks, end=end)
    assert [one.check.id for one in report.results] == ["TT-1", "TT-2"]
    assert (report.facts, report.duration_s, report.session_id) == ({"files": 4}, 2, "s_1")
    assert [one.reason for one in report.excused] == ["no server"]


def test_events_begin_with_the_opening() -> None:
    """Anything else is a mistake of the caller."""
    with pytest.raises(ValueError, match="begin with its opening"):
        judge(planned=[planned()], events=[*ran(P)], now=NOW)


NAMES = ["TT-1", "TT-2", "TT-3", "TT-9"]
EVENTS = st.lists(
    st.one_of(
        st.builds(Started, check=st.sampled_from(NAMES)),
        st.builds(
            Ended,
            check=st.sampled_from(NAMES),
            outcome=st.sampled_from([P, F, S, E, A]),
            message=st.just("words"),
        ),
        st.builds(Excused, check=st.sampled_from(NAMES), reason=st.just("words")),
        st.just(FINISHED),
        st.just(Trouble(message="words")),
    ),
    max_size=12,
)


@given(events=EVENTS, waived=st.booleans())
def test_an_open_gate_was_proven(events: list[Event], waived: bool) -> None:
    """Whatever is heard: open means each planned check ended once, well, or answered for."""
    checks = [planned("TT-1"), planned("TT-2"), planned("TT-3", Severity.INFO)]
    report = verdict(events, checks=checks, waivers=[waiver()] if waived else [], end=())
    if not report.opens:
        return
    excused = {one.check for one in events if isinstance(one, Excused)}
    ends = [one for one in events if isinstance(one, Ended)]
    assert FINISHED in events
    assert not any(isinstance(one, Trouble) for one in events)
    assert sorted(one.check for one in ends) == sorted({"TT-1", "TT-2", "TT-3"} - excused)
    assert ends
    for one in ends:
        allowed = {P, F} if one.check == "TT-3" else {P}
        assert one.outcome in allowed or (waived and one.check == "TT-1")


@given(events=EVENTS)
def test_more_bad_news_never_opens_a_gate(events: list[Event]) -> None:
    """What is shut stays shut when a check ends badly in addition."""
    checks = [planned("TT-1"), planned("TT-2")]
    before = verdict(events, checks=checks)
    after = verdict([*events, *ran(F, "TT-1")], checks=checks)
    assert before.opens or not after.opens
