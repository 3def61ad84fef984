"""What is shown of upgrades: one walked as a dry run, and what is refused of them alone."""

import os
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from aos_upgrade_plugin.actions.workflow_tool import open_tool
from aos_upgrade_plugin.models.workflow import UPGRADE
from aos_upgrade_plugin.sample import build_source, lay_down, variants
from tests.actions.scenes import Scene

_UPGRADE = {"workflow_type": UPGRADE, "target_file": "mcp_server"}
_DRY = {"source_path": "../source", "only": "content", "dry_run": True}


class UpgradeScene(Scene):
    """A project with an installation of the sample's 1.0.0, beside the source of its 1.1.0."""

    def __init__(self, folder: Path) -> None:
        """Lay both down; the user edited a file that the new version changes."""
        super().__init__(folder / "other")
        built = build_source(folder / "source", at="1.1.0")
        self.project = folder / "project"
        self.install = lay_down(built, "1.0.0", self.project)
        variants.edit(self.install, variants.CHANGED)
        self.tool = open_tool(self.project)


def upgrades(scene: Scene) -> None:
    """Show an upgrade that is driven from phase to phase, as a dry run."""
    with _user_of(scene.project.parent / "home"):
        _not_begun(scene)
        keep = {**_DRY, "on_conflict": "keep"}
        begun = scene.shows("An upgrade begins, as a dry run", "start", **_UPGRADE, options=keep)
        _refused(scene, str(begun["session_id"]))
        _walked(scene, str(begun["session_id"]))


def _not_begun(scene: Scene) -> None:
    when = "Something has to be decided first"
    scene.fails(when, "start", **_UPGRADE, options=_DRY)
    for when, options in {
        "`start` without a source": {},
        "`start` with a setting that there is not": {**_DRY, "fast": True},
        "`start` with a setting of another type": {**_DRY, "jobs": "all"},
        "`start` with a source that is no checkout": {"source_path": "."},
    }.items():
        scene.fails(when, "start", **_UPGRADE, options=options)
    other = {**_UPGRADE, "target_file": "src/parser.py"}
    scene.fails("`start` for something else", "start", **other, options=_DRY)


def _refused(scene: Scene, name: str) -> None:
    """Show a phase that takes its time, and is not passed at first."""
    ask = {"session_id": name, "phase": 0}
    left = scene.project.parent / "source" / "left.md"
    left.write_text("not committed")
    patient, scene.tool = scene.tool, open_tool(scene.project, patience_s=0)
    when = "What takes long is answered with a handle"
    scene.shows(when, "complete_phase", **ask, evidence={})
    while scene.call("get_state", session_id=name)["running"]:
        time.sleep(0.05)
    scene.tool = patient
    when = "Asked again: pre-flight refused, here because the source is not clean"
    scene.fails(when, "complete_phase", **ask, evidence={})
    left.unlink()
    scene.shows("Mended and tried again, with a new plan", "retry_phase", **ask)


def _walked(scene: Scene, name: str) -> None:
    ask = {"session_id": name}
    true, false, unknown = (
        {**ask, "phase": 0, "evidence": claim}
        for claim in ({"source_git_clean": True}, {"source_git_clean": False}, {"all_well": True})
    )
    scene.fails("`complete_phase` with what nothing measures", "complete_phase", **unknown)
    scene.fails("A claim that the measurement contradicts", "complete_phase", **false)
    scene.shows("The phase was measured, and what is claimed is true", "complete_phase", **true)
    far = {**ask, "phase": 4, "evidence": {}}
    scene.fails("`complete_phase` of another phase", "complete_phase", **far)
    scene.fails("`rollback` to a phase between", "rollback", **ask, to_phase=1)
    scene.fails("`retry_phase` where nothing failed", "retry_phase", **ask, phase=1)
    scene.call("pause", **ask)
    scene.fails("`complete_phase` while it is paused", "complete_phase", **{**far, "phase": 1})
    scene.call("resume", **ask)
    for phase in (1, 2, 4):
        scene.call("complete_phase", **ask, phase=phase, evidence={})
    last = {**ask, "phase": 5, "evidence": {}}
    scene.shows(
        "Nothing has to be claimed; after the last phase it is over", "complete_phase", **last
    )
    scene.fails("`rollback` of a dry run that is over", "rollback", **ask, to_phase=0)


@contextmanager
def _user_of(folder: Path) -> Generator[None]:
    """Let what is kept with the user be kept in a folder."""
    before = dict(os.environ)
    os.environ |= {"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state")}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ |= before
