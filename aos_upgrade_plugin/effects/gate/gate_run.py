"""Runs a gate in fresh, isolated pytest processes, and gives every planned check an end.

A check that hangs, or takes its process with it, is named; the checks that were still to come
run in another process, so that one bad check does not hide what the others would have found.
"""

import os
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from aos_upgrade_plugin.effects.gate.gate_process import (
    GarbledError,
    GateProcess,
    guard,
    private_folder,
    said_of_end,
)
from aos_upgrade_plugin.effects.tree.files import as_disk_error, read_content
from aos_upgrade_plugin.models.base import Sha256
from aos_upgrade_plugin.models.event import (
    Closed,
    Ended,
    Event,
    Excused,
    Finished,
    Opened,
    Planned,
    Started,
    Told,
    Trouble,
)
from aos_upgrade_plugin.models.gate import CheckId, GateContext, Limits, Outcome, PlannedCheck

_LEAVING_S = 10.0
_LAST_WORDS_S = 1.0
_ALL_ITEMS_RAN = frozenset({0, 1})


def run_gate(
    context: GateContext,
    planned: Sequence[PlannedCheck],
    *,
    limits: Limits | None = None,
    on_event: Callable[[Event], object] = lambda _: None,
) -> tuple[Event, ...]:
    """Run the planned checks of the context's gate and return all that happened, in order.

    ``on_event`` gets each event as it comes: give it ``EventLog.append``. Nothing is judged here.
    """
    run = _GateRun(context, planned, limits or Limits(), on_event)
    run.run()
    return tuple(run.events)


class _GateRun:
    """One gate while it runs: what happened, and which checks have no end yet."""

    def __init__(
        self,
        context: GateContext,
        planned: Sequence[PlannedCheck],
        limits: Limits,
        on_event: Callable[[Event], object],
    ) -> None:
        if context.gate is None:
            raise ValueError("a context without a gate")
        self.events: list[Event] = []
        self._gate = context.gate
        self._context = context
        self._limits = limits
        self._on_event = on_event
        self._open = {check.id: check for check in planned}
        self._deadlines: dict[CheckId, float] = {}
        self._finished: int | None = None
        self._began = time.monotonic()

    def run(self) -> None:
        """Run processes until every check has its end."""
        self._say(
            Opened(
                gate=self._gate,
                session_id=self._context.session_id,
                at=datetime.now(UTC),
                jobs=self._limits.jobs,
                digests=_digests(self._context),
            )
        )
        for check in self._open.values():
            self._say(Planned(check=check))
        try:
            while self._open and self._round():
                pass
        finally:
            for check in [*self._open.values()]:
                self._end(check.id, *self._left_over(check))
            self._say(Closed(gate=self._gate, duration_s=time.monotonic() - self._began))

    def _round(self) -> bool:
        """Run one process to its end; say whether it was stopped by checks that are named now."""
        self._deadlines, self._finished = {}, None
        context = self._context.model_copy(update={"planned": tuple(self._open)})
        with (
            as_disk_error("running the gate"),
            private_folder() as folder,
            GateProcess(context, self._arguments(), folder=folder, limits=self._limits) as process,
        ):
            try:
                if self._hung_up(process):
                    status = process.finish(_LEAVING_S)
                    return self._left(f"the gate's process {said_of_end(status)}", status, process)
                at, silent = time.monotonic(), not self._deadlines
                process.dump()
                self._hear_the_rest(process)
            except GarbledError as error:
                self._say(Trouble(message=f"the gate's line carried something else: {error}"))
                return False
            return self._stopped(at, process.printed, silent=silent)

    def _arguments(self) -> list[str]:
        jobs = self._limits.jobs
        limits_s = (self._limits.silence_s, *(check.limit_s for check in self._open.values()))
        return [
            f"--aos-gate={self._gate}",
            *guard(max(limits_s)),
            *(("-p", "xdist", "-n", str(jobs)) if jobs > 1 else ()),
        ]

    def _hung_up(self, process: GateProcess) -> bool:
        """Listen until the process hangs up, or until something lasts too long."""
        heard_at = time.monotonic()
        while (now := time.monotonic()) < (due := self._due(heard_at)):
            told = process.hear(due - now)
            if told is None:
                return True
            if told:
                heard_at = time.monotonic()
            for event in told:
                self._note(event)
            if self._finished is not None:  # a copy that a check forked may hold the line open
                return True
        return False

    def _hear_the_rest(self, process: GateProcess) -> None:
        until = time.monotonic() + _LAST_WORDS_S
        while time.monotonic() < until and (told := process.hear(_LAST_WORDS_S / 10)) is not None:
            for event in told:
                self._note(event)

    def _due(self, heard_at: float) -> float:
        quiet = heard_at + self._limits.silence_s
        return min(min(self._deadlines.values(), default=quiet), self._began + self._limits.gate_s)

    def _note(self, event: Told) -> None:
        self._say(event)
        match event:
            case Started(check=check):
                if check in self._open:
                    self._deadlines[check] = time.monotonic() + self._open[check].limit_s
            case Ended(check=check) | Excused(check=check):
                self._deadlines.pop(check, None)
                self._open.pop(check, None)
            case Finished(exit_status=status):
                self._finished = status
            case _:
                pass

    def _left(self, how: str, status: int | None, process: GateProcess) -> bool:
        """Settle what is open after the process went away by itself."""
        during = [*self._deadlines]
        for check in during:
            self._end(check, Outcome.ABORTED, f"{how} while it ran", process.printed)
        if not during and (status != self._finished or status not in _ALL_ITEMS_RAN):
            self._say(Trouble(message=how, details=process.printed))
        return bool(during)

    def _stopped(self, at: float, printed: str, *, silent: bool) -> bool:
        """Settle what is open after we stopped the process."""
        if at >= self._began + self._limits.gate_s:
            message = f"the gate ran longer than its limit of {self._limits.gate_s:g} s"
        elif silent:
            message = f"nothing was heard for {self._limits.silence_s:g} s while no check ran"
        else:
            for check in [one for one, deadline in self._deadlines.items() if deadline <= at]:
                limit = f"its limit of {self._open[check].limit_s:g} s"
                self._end(check, Outcome.ABORTED, f"it ran longer than {limit}", printed)
            return True
        self._say(Trouble(message=message, details=printed))
        return False

    def _left_over(self, check: PlannedCheck) -> tuple[Outcome, str]:
        if self._finished in _ALL_ITEMS_RAN:
            return Outcome.ERROR, f"planned from {check.distribution}, but no longer offered"
        if check.id in self._deadlines:
            return Outcome.ABORTED, "the gate was stopped while it ran"
        return Outcome.ABORTED, "the gate ended before it began"

    def _end(self, check: CheckId, outcome: Outcome, message: str, details: str = "") -> None:
        self._deadlines.pop(check, None)
        self._open.pop(check, None)
        self._say(Ended(check=check, outcome=outcome, message=message, details=details))

    def _say(self, event: Event) -> None:
        self.events.append(event)
        self._on_event(event)


def _digests(context: GateContext) -> dict[str, Sha256]:
    """Bind the evidence to what the checks compare with."""
    if context.plan is None:
        return {}
    with as_disk_error("reading what the gate compares with"):
        return {"plan": read_content(os.fsencode(context.plan)).digest}
