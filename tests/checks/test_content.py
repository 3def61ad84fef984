"""The gate of phase 2: right on what an upgrade left, wrong on everything else."""

import json
import os

from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.plan import Choice, Conflict
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import escape
from aos_upgrade_plugin.sample import variants
from tests.checks.upgrades import CONFIG, OWN, Upgraded, came

ALL = {f"AOS-C{number:03}" for number in range(1, 8)}
MARKED = "standards/universal/half-merged.md"
ODDLY_NAMED = b"standards/universal/odd\xff\\.md"
WORKFLOW = "workflows/release_notes_v1/metadata.json"


def test_what_an_upgrade_left(upgraded: Upgraded) -> None:
    """Everything is proven, and the evidence of the phase can be filled from it."""
    done = upgraded.judged(Gate.CONTENT)
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(ALL, "passed")
    assert done.not_planned == {}
    assert done.facts["changed_paths_verified"] == len(upgraded.run.plan.of(Part.CONTENT))
    assert done.number("untouched_paths_verified") > 0
    assert done.facts["version_updated"] == "1.2.0"
    assert done.facts["update_log_appended"] is True


def test_everything_wrong(upgraded: Upgraded) -> None:
    """Each thing is named by the check for it, and by its path."""
    install = upgraded.install
    variants.edit(install, variants.CHANGED)
    variants.edit(install, OWN)
    (install / "specs/approved/2025-04-01-search/README.md").unlink()
    variants.edit(install, CONFIG)
    (install / MARKED).write_text("<<<<<<< ours\none\n=======\ntwo\n>>>>>>> theirs\n")
    (install / WORKFLOW).write_text("{")
    (install / "VERSION.txt").write_text("1.0.0\n")
    (install / "UPDATE_LOG.txt").unlink()
    upgraded.replan(
        conflicts=(Conflict(path=variants.CONTESTED, relation=Relation.EDIT_EDIT),),
        changes=(
            *upgraded.run.plan.changes,
            came(upgraded, MARKED),
            came(upgraded, WORKFLOW),
        ),
    )
    done = upgraded.judged(Gate.CONTENT)
    assert not done.opens
    assert done.ended == dict.fromkeys(ALL, "failed")
    assert variants.CHANGED in done.said["AOS-C001"]
    assert done.said["AOS-C002"] == "gone: specs/approved/2025-04-01-search/README.md"
    assert done.said["AOS-C003"] == "config.json changed without an answer"
    assert done.said["AOS-C004"] == f"undecided: {variants.CONTESTED}"
    assert done.said["AOS-C005"] == f"conflict markers in {MARKED}"
    assert "VERSION.txt does not name" in done.said["AOS-C006"]
    assert "release_notes_v1 has no usable metadata.json" in done.said["AOS-C007"]


def test_other_wrongs(upgraded: Upgraded) -> None:
    """A file that is gone is not as planned, a user's that changed is named; no log; no order."""
    install = upgraded.install
    (install / variants.CHANGED).unlink()
    variants.edit(install, OWN)
    (install / "UPDATE_LOG.txt").unlink()
    told = json.loads((install / WORKFLOW).read_text())
    told["phases"].append(told["phases"][0])
    (install / WORKFLOW).write_text(json.dumps(told))
    upgraded.replan(changes=(*upgraded.run.plan.changes, came(upgraded, WORKFLOW)))
    done = upgraded.judged(Gate.CONTENT)
    assert not done.opens
    assert variants.CHANGED in done.said["AOS-C001"]
    assert done.said["AOS-C002"] == f"changed, although not planned: {OWN}"
    assert done.ended["AOS-C005"] == "passed"
    assert "UPDATE_LOG.txt has no line" in done.said["AOS-C006"]
    assert "its phases are not in order" in done.said["AOS-C007"]


def test_what_was_answered_is_not_blamed(upgraded: Upgraded) -> None:
    """A configuration that the user let be replaced, and a name that is no text."""
    install = upgraded.install
    variants.edit(install, CONFIG)
    path = escape(ODDLY_NAMED)
    with open(os.path.join(os.fsencode(install), ODDLY_NAMED), "wb") as file:
        file.write(b"# Odd\n")
    upgraded.replan(
        conflicts=(Conflict(path=CONFIG, relation=Relation.CONFIG, choice=Choice.TAKE),),
        changes=(*upgraded.run.plan.changes, came(upgraded, CONFIG), came(upgraded, path)),
    )
    done = upgraded.judged(Gate.CONTENT)
    assert done.opens, done.said


def test_where_no_file_changed_nothing_is_written_down(upgraded: Upgraded) -> None:
    """Only the environment changes: a fresh install has neither version nor log, and needs none."""
    install = upgraded.install
    for name in ("VERSION.txt", "UPDATE_LOG.txt", "INSTALLATION_SUMMARY.md"):
        (install / name).unlink()
    target = {path: entry for path, entry in upgraded.run.plan.target.items() if path == OWN}
    upgraded.replan(record=None, changes=(), target=target)
    assert upgraded.judged(Gate.CONTENT, "AOS-C006").ended == {"AOS-C006": "passed"}
    assert upgraded.judged(Gate.CLEANUP, "AOS-L005").ended == {"AOS-L005": "passed"}
