"""The power of a real ext4 is cut: at syncs, and when only names have just become durable."""

import pytest

from tests.faults.running import run_sweep

pytestmark = pytest.mark.mount

_NEVER = "999999"
_KINDS = ("--kinds", "ext4-cut", "ext4-cut-committed")

# What leaves a bad state on ext4. A folder that is not synced does not: there each sync of a file
# makes all names durable that there are. The crash model sees it, in test_planted_bugs.
SHOWN_BY = (
    ("stage-not-synced", "apply/exchange", "ext4-cut"),
    ("journal-not-synced", "apply/exchange", "ext4-cut-committed"),
    ("journal-after-exchange", "apply/fallback", "ext4-cut-committed"),
    ("commit-not-recorded-first", "commit-or-undo/exchange", "ext4-cut"),
)


@pytest.mark.parametrize(
    "scenario", ["apply/exchange", "undo-edited/fallback", "backup/exchange", "restore/lost"]
)
def test_a_power_cut_leaves_old_or_new(scenario: str) -> None:
    """What ext4 has after it brought itself in order leads to the old state or to the new one."""
    swept = run_sweep("--only", scenario, *_KINDS, "--strides", "23", _NEVER, _NEVER)
    assert swept.rounds
    assert swept.problems == ()


@pytest.mark.parametrize(("plant", "scenario", "kind"), SHOWN_BY)
def test_a_planted_bug_is_caught(plant: str, scenario: str, kind: str) -> None:
    """A power cut that misses one of these is none."""
    planted = ("--plant", plant, "--until-found", "--only", scenario, "--kinds", kind)
    assert run_sweep(*planted, "--strides", "9", _NEVER, _NEVER).problems
