"""Moments that can be compared although somebody sets the clock in between."""

from aos_upgrade_plugin.models.base import Frozen

_CLOCKS_AGREE_S = 2.0


class Ticks(Frozen):
    """How long a machine ran since it was started: nobody sets that."""

    boot: str
    """Which start of the machine it was."""
    count: int


class Moment(Frozen):
    """A moment by the clock and, where the system tells, by the ticks of the machine."""

    at_s: float
    """Seconds since 1970 by the clock of the time when it was asked."""
    ticks: Ticks | None = None

    def is_same(self, other: "Moment") -> bool:
        """Say whether two moments are one; by the clock alone they may be seconds apart."""
        if self.ticks is not None and other.ticks is not None:
            return self.ticks == other.ticks
        return abs(self.at_s - other.at_s) < _CLOCKS_AGREE_S

    def is_before(self, other: "Moment") -> bool:
        """Say whether it is surely earlier than another one; by the clock alone, by seconds."""
        if self.ticks is not None and other.ticks is not None:
            same_boot = self.ticks.boot == other.ticks.boot
            return self.ticks.count < other.ticks.count if same_boot else self.at_s < other.at_s
        return self.at_s < other.at_s - _CLOCKS_AGREE_S
