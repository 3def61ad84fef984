"""Garbage collection is left out for a while, and never for longer."""

import gc

import pytest

from aos_upgrade_plugin.effects.backup.garbage import uncollected


@uncollected()
def fails() -> None:
    """Fail as a backup does, with another one within."""
    with uncollected():
        pass
    assert not gc.isenabled(), "the inner one ends the outer one early"
    raise OSError("full")


def test_it_collects_again_however_it_ends() -> None:
    """A backup that fails leaves the process as it was."""
    with pytest.raises(OSError, match="full"):
        fails()
    assert gc.isenabled()
