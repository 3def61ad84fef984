"""What is claimed about a phase, beside what was measured."""

import pytest

from aos_upgrade_plugin.decide.run.evidence import evidence_fields
from aos_upgrade_plugin.decide.workflow.claims import (
    Claims,
    Contradiction,
    contradictions,
    refuse_unknown,
    told,
)
from aos_upgrade_plugin.errors import UsageError
from aos_upgrade_plugin.models.gate import Gate

MEASURED: Claims = {
    "lock_released": True,
    "files_copied": 3,
    "old_pid": None,
    "server_health_check": "passed",
    "actual_upgrade": {"new_files": 5, "updated_files": 0},
    "post_install_steps": [{"command": "playwright install", "status": "success"}],
}


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({}, id="nothing-is-claimed"),
        pytest.param(MEASURED, id="all-of-it"),
        pytest.param({"files_copied": 3.0}, id="a-number-is-its-value"),
        pytest.param({"actual_upgrade": {"new_files": 5}}, id="some-members-of-an-object"),
        pytest.param({"old_pid": None}, id="nothing-where-nothing-was-measured"),
        pytest.param({"post_install_steps": [{"status": "success"}]}, id="members-in-a-list"),
    ],
)
def test_a_true_claim_is_no_contradiction(claims: Claims) -> None:
    """Whoever claims what was measured, or less, is believed."""
    assert contradictions(claims, measured=MEASURED) == ()


@pytest.mark.parametrize(
    ("claims", "field", "measured"),
    [
        pytest.param({"lock_released": False}, "lock_released", True, id="false-for-true"),
        pytest.param({"lock_released": 1}, "lock_released", True, id="one-is-not-true"),
        pytest.param({"files_copied": True}, "files_copied", 3, id="true-is-no-number"),
        pytest.param({"files_copied": "3"}, "files_copied", 3, id="a-text-is-no-number"),
        pytest.param({"old_pid": 7}, "old_pid", None, id="what-was-not-measured"),
        pytest.param(
            {"actual_upgrade": {"new_files": 5, "updated_files": 1}},
            "actual_upgrade.updated_files",
            0,
            id="a-member-of-an-object",
        ),
        pytest.param(
            {"actual_upgrade": {"others": 1}}, "actual_upgrade.others", None, id="unknown"
        ),
        pytest.param(
            {"actual_upgrade": []}, "actual_upgrade", MEASURED["actual_upgrade"], id="kind"
        ),
        pytest.param(
            {"post_install_steps": []},
            "post_install_steps",
            MEASURED["post_install_steps"],
            id="list",
        ),
    ],
)
def test_a_claim_that_is_not_what_was_measured(
    claims: Claims, field: str, measured: object
) -> None:
    """Both values are told, and the way to the member that differs."""
    (found,) = contradictions(claims, measured=MEASURED)
    assert (found.field, found.measured) == (field, measured)


@pytest.mark.parametrize("gate", [gate for gate in Gate if gate.phase is not None])
def test_only_what_a_gate_measures_can_be_claimed(gate: Gate) -> None:
    """Anything else would be believed without proof; the error names what there is."""
    known = evidence_fields(gate)
    assert {*known.values()} <= {"string", "boolean", "integer", "number", "object", "array"}
    refuse_unknown(dict.fromkeys(known), gate=gate)
    with pytest.raises(UsageError, match="nothing measures all_is_well in this phase") as refused:
        refuse_unknown({"all_is_well": True}, gate=gate)
    assert next(iter(known)) in refused.value.cure


def test_many_contradictions_are_one_line() -> None:
    """A few are told with both values, the rest is counted."""
    many = [Contradiction(f"field_{number}", "a\nb", None) for number in range(9)]
    line = told(many)
    assert len(line.splitlines()) == 1
    assert "field_0 is nothing, and 'a\\nb' was claimed" in line
    assert "and 4 more" in line
