"""The gate after going back: what stood before, right and wrong. The server has its own page."""

import shutil
from pathlib import Path

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.models.gate import Gate
from aos_upgrade_plugin.sample import variants
from tests.checks import gates
from tests.checks.upgrades import OWN, Upgraded

FILES = {f"AOS-R{number:03}" for number in range(1, 6)}
MADE_SINCE = "standards/universal/security/made-since.md"
"""In a folder that the upgrade made, and its way back would remove."""


@pytest.fixture(scope="module")
def gone_back(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take an upgrade back after the user made a file and edited one that came."""
    there = Upgraded.copied(finished, tmp_path_factory.mktemp("back") / "project")
    (there.install / MADE_SINCE).write_text("since the upgrade")
    variants.edit(there.install, variants.CHANGED)
    there.roll_back()
    return there.project


@pytest.fixture
def back(gone_back: Path, tmp_path: Path) -> Upgraded:
    """Return a copy of it, to be spoilt."""
    return Upgraded.copied(gone_back, tmp_path / "project")


def test_what_a_rollback_left(back: Upgraded) -> None:
    """Everything is proven: what was there is there, and so is what the user made since."""
    done = back.judged(Gate.ROLLBACK, *FILES)
    assert done.opens, done.said
    assert done.ended == dict.fromkeys(FILES, "passed")
    assert done.facts["paths_taken_back"] == len(back.run.plan.changes)
    assert done.facts["made_since"] == [MADE_SINCE]
    assert variants.CHANGED in str(done.facts["set_aside"])


def test_everything_wrong(back: Upgraded) -> None:
    """A path that is not back, a user's file gone, an edit lost, another's change, residue."""
    install, run = back.install, back.run
    variants.edit(install, variants.CHANGED)
    variants.edit(install, OWN)
    (install / MADE_SINCE).unlink()
    (run.folder / "transactions/content").mkdir(parents=True)
    (install / ".venv-stage").mkdir()
    done = back.judged(Gate.ROLLBACK, *FILES)
    assert not done.opens
    assert done.ended == {**dict.fromkeys(FILES, "failed"), "AOS-R005": "passed"}
    assert done.said["AOS-R001"] == f"not as before: {variants.CHANGED}"
    assert done.said["AOS-R002"] == f"gone: {MADE_SINCE}"
    assert done.said["AOS-R003"] == f"changed by others since: {OWN}"
    assert done.said["AOS-R004"] == "left over: content, .venv-stage"


def test_what_was_set_aside_and_is_lost(back: Upgraded) -> None:
    """The user's edit must be somewhere."""
    shutil.rmtree(back.run.folder / "set-aside")
    done = back.judged(Gate.ROLLBACK, "AOS-R002")
    assert not done.opens
    assert done.said["AOS-R002"].startswith("set aside and lost: ")


def test_a_change_of_others_is_only_a_warning(back: Upgraded) -> None:
    """What the run did not touch is not the run's; what it left alone is named."""
    variants.edit(back.install, OWN)
    done = back.judged(Gate.ROLLBACK, *FILES, left_alone=["standards/left-alone.md"])
    assert done.opens, done.said
    assert done.said["AOS-R003"] == f"changed by others since: standards/left-alone.md, {OWN}"


def test_what_others_write_and_remove_meanwhile_shuts_nothing(back: Upgraded) -> None:
    """A file that a server writes first is gone a moment later; no way back was near it."""
    passing: list[JsonValue] = ["workspace/note.md.tmp", MADE_SINCE]
    done = back.judged(Gate.ROLLBACK, *FILES, made_since=passing)
    assert done.opens, done.said
    assert done.said["AOS-R003"] == "changed by others since: workspace/note.md.tmp"


def test_a_run_that_was_not_taken_back(upgraded: Upgraded) -> None:
    """Its changes stand, and its session says nothing of going back."""
    done = upgraded.judged(Gate.ROLLBACK, "AOS-R001", "AOS-R005")
    assert not done.opens
    assert done.said["AOS-R001"].startswith("not as before: ")
    assert done.said["AOS-R005"].startswith("phases that are not marked as taken back: [1, 2")


def test_a_session_that_is_gone(back: Upgraded) -> None:
    """Nobody can say that the run was taken back."""
    run = back.run
    context = run.context(Gate.ROLLBACK)
    for file in (run.install / "state/workflows").glob(f"{run.session.session_id}*"):
        file.write_text("{")
    damaged = gates.judged(context, "AOS-R005")
    for file in (run.install / "state/workflows").glob(f"{run.session.session_id}*"):
        file.unlink()
    gone = gates.judged(context, "AOS-R005")
    assert not damaged.opens
    assert "cannot be read" in damaged.said["AOS-R005"]
    assert not gone.opens
    assert gone.said["AOS-R005"].endswith("is not there")
