"""Ctrl-C, and being asked to end: the first time is obeyed, and not disturbed by a second."""

import signal
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def obey() -> None:
    """Let a signal to stop raise KeyboardInterrupt, once; those that are ignored stay ignored."""
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(_number: int, _frame: FrameType | None) -> None:
    for number in _SIGNALS:
        if signal.getsignal(number) is _stop:
            signal.signal(number, _go_on_stopping)
    raise KeyboardInterrupt


def _go_on_stopping(_number: int, _frame: FrameType | None) -> None:
    """Do nothing: going back is under way. It may be killed, and is repeated then."""
