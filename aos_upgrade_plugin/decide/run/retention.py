"""Which backups may go."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple


class Kept(NamedTuple):
    """One backup, as far as it matters here."""

    name: str
    good: bool
    """A backup can be restored only if its manifest is whole."""


def superseded(
    *, newest_first: Sequence[Kept], keep: int, needed: AbstractSet[str]
) -> tuple[str, ...]:
    """Name the backups that may go, the oldest first.

    The newest ``keep`` good ones stay, and every one that a session needs to go back. A damaged
    one takes no good one's place; it goes when as many good ones are newer.
    """
    may_go, good_ones = [], 0
    for backup in newest_first:
        if good_ones >= keep and backup.name not in needed:
            may_go.append(backup.name)
        good_ones += backup.good
    return tuple(reversed(may_go))
