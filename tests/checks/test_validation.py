"""The gate of phase 4 without a server: what was laid down still stands and can be read."""

from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.sample import variants
from tests.checks.upgrades import Upgraded, came

FILES = {"AOS-V001", "AOS-V002"}
BROKEN = "workflows/release_notes_v1/broken.json"


def test_what_an_upgrade_left(upgraded: Upgraded) -> None:
    """It is proven without a server; what only a server can answer is not asked, with a reason."""
    done = upgraded.judged(Gate.VALIDATION)
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(FILES, "passed")
    assert done.facts["paths_validated"] == len(upgraded.run.plan.changes)
    assert str(done.facts["validation_report"]).endswith("validation-report.json")
    assert done.not_planned.keys() == {f"AOS-V{number:03}" for number in range(3, 13)}


def test_everything_wrong(upgraded: Upgraded) -> None:
    """What was changed since is named, and what nobody can read."""
    (upgraded.install / BROKEN).write_bytes(b"\xff{")
    upgraded.replan(changes=(*upgraded.run.plan.changes, came(upgraded, BROKEN)))
    variants.edit(upgraded.install, variants.CHANGED)
    done = upgraded.judged(Gate.VALIDATION, *FILES)
    assert not done.opens
    assert done.ended == dict.fromkeys(FILES, "failed")
    assert done.said["AOS-V001"] == f"changed since it was laid down: {variants.CHANGED}"
    assert done.said["AOS-V002"].startswith(f"{BROKEN}: ")


def test_remarks_are_for_editors(upgraded: Upgraded) -> None:
    """They read their settings with remarks; the server reads its files without."""
    remarks = '{"servers": {}, // ours\n}\n'
    names = (".vscode/mcp.json", BROKEN)
    for name in names:
        (upgraded.install / name).parent.mkdir(exist_ok=True)
        (upgraded.install / name).write_text(remarks)
    upgraded.replan(changes=(*upgraded.run.plan.changes, *(came(upgraded, name) for name in names)))
    (said,) = upgraded.judged(Gate.VALIDATION, "AOS-V002").said.values()
    assert said.startswith(f"{BROKEN}: ")
    assert ".vscode" not in said


def test_a_file_that_is_gone(upgraded: Upgraded) -> None:
    """It is named once, by the check for it."""
    (upgraded.install / BROKEN).write_text("{}")
    upgraded.replan(changes=(*upgraded.run.plan.changes, came(upgraded, BROKEN)))
    (upgraded.install / BROKEN).unlink()
    done = upgraded.judged(Gate.VALIDATION, *FILES)
    assert done.said["AOS-V001"] == f"changed since it was laid down: {BROKEN}"
    assert done.ended["AOS-V002"] == "passed"
