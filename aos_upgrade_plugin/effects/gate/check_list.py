"""Lists the checks that the installed distributions offer."""

import time

from aos_upgrade_plugin.effects.gate.gate_process import (
    GarbledError,
    GateProcess,
    guard,
    private_folder,
    said_of_end,
)
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.event import Finished, Offered, Told, Trouble
from aos_upgrade_plugin.models.gate import GateContext, Limits, PlannedCheck

_LEAVING_S = 10.0
_CURE = "look at the distribution that was installed last: one of its modules ends the process"


def collect(context: GateContext, *, limits: Limits | None = None) -> tuple[PlannedCheck, ...]:
    """Return the checks of the context's gate, or of all when it names none, ordered by id.

    They are asked for in a fresh, isolated process. Raises RefusedError when anything cannot be
    used: a plan that lacks a check would prove too little.
    """
    heard, status, printed = _ask(context, limits or Limits())
    for event in heard:
        if isinstance(event, Trouble):
            raise RefusedError(event.message, cure=event.cure or _CURE)
    if not heard or heard[-1] != Finished(exit_status=0) or status != 0:
        words = printed.strip().rpartition("\n")[2]
        raise RefusedError(
            f"the checks cannot be listed: the process {said_of_end(status)}. {words}",
            cure=_CURE,
        )
    offered = (event.check for event in heard if isinstance(event, Offered))
    return tuple(sorted(offered, key=lambda check: check.id))


def _ask(context: GateContext, limits: Limits) -> tuple[list[Told], int | None, str]:
    heard: list[Told] = []
    arguments = ["--aos-list", *guard(limits.silence_s)]
    with (
        as_disk_error("listing the checks"),
        private_folder() as folder,
        GateProcess(context, arguments, folder=folder, limits=limits) as process,
    ):
        until = time.monotonic() + limits.silence_s
        try:
            while (told := process.hear(until - time.monotonic())) is not None:
                heard += told
                if time.monotonic() >= until:
                    process.dump()
                    return heard, None, process.printed
        except GarbledError as error:
            heard.append(Trouble(message=f"the line carried something else: {error}"))
        return heard, process.finish(_LEAVING_S), process.printed
