"""What to do about a transaction that a crash, a kill or a power cut left behind."""

from enum import Enum, auto

from aos_upgrade_plugin.models.journal import WITHOUT_RUN, JournalState


class Move(Enum):
    """What brings a left-over transaction to a consistent end."""

    DISCARD = auto()
    """It never began, or it is over: only remains are there."""
    UNDO = auto()
    COMMIT = auto()
    """It was made for good: what was written late is to be kept, and its remains to go."""
    CLEAR = auto()
    """It was taken back: only its remains are there."""
    LEAVE = auto()
    """It stands complete and waits for its run to be resumed or rolled back."""


_MOVES = {
    JournalState.PREPARED: Move.UNDO,
    JournalState.APPLIED: Move.LEAVE,
    JournalState.UNDOING: Move.UNDO,
    JournalState.UNDONE: Move.CLEAR,
    JournalState.COMMITTED: Move.COMMIT,
}


def recovery_move(state: JournalState, *, purpose: str = "") -> Move:
    """Say what to do for the last state in a journal."""
    if state is JournalState.APPLIED and purpose in WITHOUT_RUN:
        return Move.UNDO
    return _MOVES[state]
