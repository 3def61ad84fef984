"""Whether a gate opens. Anything but proof is shut."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

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
from aos_upgrade_plugin.models.gate import WORST_FIRST, CheckId, Outcome, PlannedCheck, Severity
from aos_upgrade_plugin.models.gate_report import CheckResult, Finding, GateReport
from aos_upgrade_plugin.models.waiver import Waiver

_NOT_HEARD = "it was planned, and nothing was heard of its end"


def judge(
    *,
    planned: Iterable[PlannedCheck],
    events: Iterable[Event],
    waivers: Sequence[Waiver] = (),
    now: datetime,
) -> GateReport:
    """Return the verdict on one gate from what was planned for it and what was heard of it.

    It opens only when at least one check is planned, the gate's process finished, and every
    planned check that applies was reported once, as passed; failed but no blocker; or waived by
    somebody whose word still counts.

    Raises :class:`ValueError` for events that do not begin with :class:`Opened`.
    """
    heard = _Heard.of(events)
    planned = tuple(planned)
    expected = tuple(one for one in planned if one.id not in heard.excused)
    results = tuple(_result(one, heard, waivers, now) for one in expected)
    doubts = tuple(_doubts(planned, expected, heard))
    shutting = (f"{one.check.id} {one.outcome}: {one.message}" for one in results if _shuts(one))
    reasons = (*doubts, *shutting)
    return GateReport(
        gate=heard.opened.gate,
        session_id=heard.opened.session_id,
        opens=not reasons,
        reasons=reasons,
        doubts=doubts,
        results=results,
        excused=tuple(heard.excused[one.id] for one in planned if one.id in heard.excused),
        findings=(*_measured(results), *_about_waivers(waivers, results, now)),
        digests=heard.opened.digests,
        started_at=heard.opened.at,
        duration_s=heard.duration_s,
    )


def unknown_waivers(
    *, waivers: Iterable[Waiver], offered: Iterable[PlannedCheck]
) -> tuple[Finding, ...]:
    """Return a finding for each waiver that names no check which any gate has."""
    known = {name for one in offered for name in _names(one)}
    return tuple(
        Finding(
            severity=Severity.WARNING,
            check=waiver.check,
            message=f"the waiver of {waiver.approver} names {waiver.check}, which is no check",
        )
        for waiver in waivers
        if waiver.check not in known
    )


class _Heard(NamedTuple):
    """The events of one gate run, sorted."""

    opened: Opened
    started: frozenset[CheckId]
    ends: Mapping[CheckId, list[Ended]]
    facts: Mapping[CheckId, dict[str, JsonValue]]
    excused: Mapping[CheckId, Excused]
    troubles: tuple[str, ...]
    finished: bool
    duration_s: float

    @classmethod
    def of(cls, events: Iterable[Event]) -> "_Heard":
        opened, *rest = events
        if not isinstance(opened, Opened):
            raise ValueError("the events of a gate begin with its opening")  # noqa: TRY004
        ends: dict[CheckId, list[Ended]] = {}
        facts: dict[CheckId, dict[str, JsonValue]] = {}
        for event in rest:
            if isinstance(event, Ended):
                ends.setdefault(event.check, []).append(event)
            elif isinstance(event, Fact):
                facts.setdefault(event.check, {})[event.name] = event.value
        return cls(
            opened=opened,
            started=frozenset(event.check for event in rest if isinstance(event, Started)),
            ends=ends,
            facts=facts,
            excused={event.check: event for event in rest if isinstance(event, Excused)},
            troubles=tuple(event.message for event in rest if isinstance(event, Trouble)),
            finished=any(isinstance(event, Finished) for event in rest),
            duration_s=sum(event.duration_s for event in rest if isinstance(event, Closed)),
        )


def _doubts(
    planned: Sequence[PlannedCheck], expected: Sequence[PlannedCheck], heard: _Heard
) -> Iterator[str]:
    """Yield what makes the whole run no proof, whatever its checks said."""
    if not expected:
        yield "nothing is planned: nothing can be proven"
    yield from heard.troubles
    if planned and not heard.finished:
        yield "the gate's process never came to its proper end"
    ids = Counter(one.id for one in planned)
    yield from (f"{one} is planned {times} times" for one, times in ids.items() if times > 1)
    reported = {*heard.ends, *heard.started, *heard.facts, *heard.excused}
    yield from (f"{one} was reported, but is not planned" for one in sorted(reported - {*ids}))
    for one, ends in heard.ends.items():
        if len(ends) > 1:
            yield f"{one} was reported {len(ends)} times: {', '.join(end.outcome for end in ends)}"
    for one in heard.excused:
        if one in heard.ends or one in heard.started:
            yield f"{one} was both excused and run"


def _result(
    check: PlannedCheck, heard: _Heard, waivers: Sequence[Waiver], now: datetime
) -> CheckResult:
    ends = heard.ends.get(check.id) or [
        Ended(check=check.id, outcome=Outcome.ABORTED, message=_NOT_HEARD)
    ]
    end = min(ends, key=lambda one: WORST_FIRST.index(one.outcome))
    waiver = _counting(check, waivers, now)
    # What never ran was never weighed: the plan has to be made again instead.
    waived = waiver if end.outcome is not Outcome.PASSED and check.id in heard.started else None
    return CheckResult(
        check=check,
        outcome=Outcome.WAIVED if waived else end.outcome,
        message=end.message,
        details=end.details,
        output=end.output,
        duration_s=end.duration_s,
        facts=heard.facts.get(check.id, {}),
        waiver=waived,
    )


def _shuts(result: CheckResult) -> bool:
    if result.outcome is Outcome.FAILED:
        return result.check.severity is Severity.BLOCKER
    return result.outcome not in {Outcome.PASSED, Outcome.WAIVED}


def _measured(results: Iterable[CheckResult]) -> Iterator[Finding]:
    for one in results:
        if one.waiver:
            message = f"waived by {one.waiver.approver} ({one.waiver.reason}): {one.message}"
        elif one.outcome is Outcome.FAILED and one.check.severity is not Severity.BLOCKER:
            message = str(one.message)
        else:
            continue
        yield Finding(severity=one.check.severity, check=one.check.id, message=message)


def _about_waivers(
    waivers: Iterable[Waiver], results: Sequence[CheckResult], now: datetime
) -> Iterator[Finding]:
    by_name = {name: one for one in results for name in _names(one.check)}
    for waiver in waivers:
        result = by_name.get(waiver.check)
        if result is None or result.waiver is waiver:
            continue
        words = f"the waiver of {waiver.approver} for {waiver.check}"
        if waiver.expires <= now:
            message = f"{words} expired at {waiver.expires:%Y-%m-%d %H:%M} UTC: it does not count"
        elif result.outcome is Outcome.PASSED:
            message = f"{words} is not used: the check passed"
        else:
            message = f"{words} is not used"
        yield Finding(severity=Severity.WARNING, check=result.check.id, message=message)


def _counting(check: PlannedCheck, waivers: Iterable[Waiver], now: datetime) -> Waiver | None:
    """Return the waiver that covers a check now."""
    names = _names(check)
    return next((one for one in waivers if one.check in names and one.expires > now), None)


def _names(check: PlannedCheck) -> tuple[CheckId, ...]:
    return (check.id, *check.aliases)
