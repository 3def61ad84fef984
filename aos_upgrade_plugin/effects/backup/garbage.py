"""Ten thousand entries, all of which stay: nothing among them for a garbage collector to find."""

import gc
from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Generator[None]:
    """Let no garbage collector run; it would go through all that was made, again and again.

    A second process that is begun meanwhile has none either, so it copies no memory for it.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
