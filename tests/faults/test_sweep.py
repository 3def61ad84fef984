"""A sample of the sweep of faults; ``make faults`` runs all of it."""

from pathlib import Path

import pytest

from tests.faults.interposer import CUTS, Kind
from tests.faults.rounds import modes_of
from tests.faults.running import run_sweep
from tests.faults.sweeper import KINDS, SCENARIOS

# The real power cuts have a sample of their own, in test_power_cut; and so have others at work.
KINDS_SAMPLED = [kind for kind in KINDS if kind not in {*CUTS, Kind.MEANWHILE}]
STRIDES = ("--strides", "97", "397", "131", "--samples", "1")

every_scenario = pytest.mark.parametrize(
    "scenario",
    [f"{scenario.name}/{mode.name}" for scenario in SCENARIOS for mode in modes_of(scenario)],
)


@every_scenario
def test_a_fault_leaves_old_or_new(scenario: str) -> None:
    """Whatever is killed or fails, and wherever: the project is as before or as planned."""
    swept = run_sweep("--only", scenario, "--kinds", *KINDS_SAMPLED, *STRIDES)
    assert swept.rounds
    assert swept.problems == ()


@pytest.mark.parametrize(
    "scenario",
    ["apply/exchange", "undo/fallback", "retrace/lost", "restore/exchange", "backup/lost"],
)
def test_others_at_work_leave_old_or_new_and_lose_nothing(scenario: str) -> None:
    """Whatever somebody does to a path just before we look at it or change it."""
    swept = run_sweep("--only", scenario, "--kinds", Kind.MEANWHILE, *STRIDES)
    assert swept.rounds
    assert swept.problems == ()


@pytest.mark.faults_full
@every_scenario
def test_every_fault_leaves_old_or_new(scenario: str) -> None:
    """The same, at every effect, with nothing left out."""
    assert run_sweep("--only", scenario).problems == ()


ACTS_OF_ONE = ("--only", "session/exchange", "--strides", "1", "999999", "999999")
IN_TWO_WAYS = ("--kinds", "kill", "EIO", "EACCES")


def test_two_jobs_meet_what_one_meets() -> None:
    """A sweep that is divided among processes leaves nothing out."""
    part = (*ACTS_OF_ONE, *IN_TWO_WAYS)
    assert run_sweep(*part, "--jobs", "2") == run_sweep(*part)


def test_an_interrupted_sweep_goes_on(tmp_path: Path) -> None:
    """What is done is not done again; a line that the interruption left half is."""
    state = tmp_path / "faults.jsonl"
    part = (*ACTS_OF_ONE, *IN_TWO_WAYS, "--state", str(state))
    whole = run_sweep(*part)
    terms, first, *others = state.read_text().splitlines(keepends=True)
    state.write_text(terms + first + others[0][:20])
    assert run_sweep(*part) == whole
    assert state.read_text().splitlines(keepends=True)[:2] == [terms, first]


def test_what_other_options_found_counts_nothing(tmp_path: Path) -> None:
    """A sweep does not go on from what was found with more left out."""
    state = ("--state", str(tmp_path / "faults.jsonl"))
    run_sweep(*ACTS_OF_ONE, "--kinds", "none", *state)
    with pytest.raises(AssertionError, match="of other code or options"):
        run_sweep(*ACTS_OF_ONE, "--samples", "2", *state)
