"""Who holds the upgrade lock, as the holder wrote it down."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from aos_upgrade_plugin.models.base import Frozen, SessionId, Utc

_LINE = StringConstraints(max_length=400)


class Holder(Frozen):
    """The process that took the lock. To be believed only while the lock itself is held."""

    schema_version: Literal[1] = 1
    pid: Annotated[int, Field(gt=0)]
    process_started_at: float
    """Seconds since 1970, so that a process id that was given out again is not believed."""
    host: Annotated[str, _LINE]
    session: SessionId | None
    """The session that is run; nothing for a command that belongs to none."""
    since: Utc
    command: Annotated[str, _LINE]


class HeldBy(Frozen):
    """All that can be found out about a lock that is held."""

    holder: Holder | None
    """Nothing where no record can be read."""
    alive: bool
    """The holder still runs. If not, what it started and left behind holds the lock."""
    heirs: tuple[int, ...] = ()
    """The processes that it left behind, as far as we may see them."""
    last_gate: bool = False
    """The upgrade lock itself is free: the last gate of the holder's run measures just that."""

    def __str__(self) -> str:
        """Say in words that fit after "held by"."""
        heirs = ", ".join(str(pid) for pid in self.heirs) or "one that cannot be seen from here"
        if self.holder is None:
            return f"a process that left no record: {heirs}"
        who = f"process {self.holder.pid} since {self.holder.since:%Y-%m-%d %H:%M:%S} UTC"
        if self.alive:
            return f"{who}: {self.holder.command}"
        return f"what was started by {who} ({self.holder.command}) and outlived it: {heirs}"
