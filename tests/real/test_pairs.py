"""Five pairs of commits of the real product, with every kind of edit between: there and back.

Needs a clone of github.com/honeyhiveai/praxis-os, named by AOS_REAL_PRAXIS_OS.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from itertools import cycle
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.effects.repositories import git
from tests.oddities import Snapshot, snapshot
from tests.phases.products import put
from tests.real.edits import Edit, Kind, Kit, edit
from tests.real.installations import PRAXIS_OS, clone_named_by, file_at, lay_down, run_git
from tests.real.judging import Judgement, judge
from tests.real.test_runs import call, check_out_source

pytestmark = pytest.mark.real

OURS_OR_MADE_AGAIN = {b".backups", b".upgrades", b".upgrade-lock", b".cache", b"state", b".git"}
_CLIENTS = (".mcp.json", ".cursor/mcp.json")


class Figures(NamedTuple):
    """How many files of an edited installation come to what."""

    new: int
    updated: int
    moved: int
    merged: int
    kept: int
    """Edited or removed by the user, and left alone by upstream."""
    removed: int
    asked: int
    """What a person had to decide."""


PAIRS = {
    ("845a154", "45421f3"): Figures(12, 27, 0, 4, 8, 0, 4),
    ("45421f3", "395aab3"): Figures(9, 57, 0, 6, 8, 0, 8),
    ("99a7137", "b70784d"): Figures(5, 5, 2, 9, 8, 0, 5),
    ("8dbe22e", "925b10d"): Figures(0, 98, 0, 6, 8, 0, 6),
    ("5fd6418", "e8b70c7"): Figures(0, 125, 35, 8, 8, 0, 6),
}


@pytest.fixture
def clone() -> Path:
    """Return the clone of the product."""
    return clone_named_by(PRAXIS_OS)


@pytest.mark.parametrize(("pair", "figures"), PAIRS.items(), ids=map("-".join, PAIRS))
def test_every_kind_of_edit_there_and_back(
    clone: Path, tmp_path: Path, pair: tuple[str, str], figures: Figures
) -> None:
    """Asked is what git cannot merge and nothing else; nothing is lost, nothing missed.

    Both sides of every decision stay; the same again is no operation; back, all is as before.
    """
    project, source = tmp_path / "project", check_out_source(tmp_path / "source", pair[1])
    kit = _edited(clone, pair, project)
    before = _told(project)
    answers = tmp_path / "answers.json"
    what = ("--source", str(source), "--on-conflict", "merge", "--migrate", "all")

    code, planned = call(project, "plan", *what, "--write-answers", str(answers))
    assert code == 3
    asked = _asked(planned)
    assert set(asked) == {each.stands_at for each in kit.edits if each.decision}
    assert _figures(planned) == figures
    assert _told(project) == before

    _decide(answers, kit)
    code, done = call(project, "run", *what, "--answers", str(answers))
    assert (code, done["status"]) == (0, "completed"), done["reasons"]
    install = project / kit.folders[1]
    beside = [Path(side) for each in done["decisions"] for side in _sides(each)]
    judged = judge(kit, install, asked, beside=beside)
    assert judged == Judgement((), (), (), (), ())
    for each in done["decisions"]:
        _both_sides_are_there(kit, install, each)
    _config_is_theirs(kit, install)

    code, again = call(project, "run", *what, "--answers", str(answers))
    assert (code, again["status"]) == (0, "nothing_to_do"), again["reasons"]
    code, back = call(project, "rollback")
    assert (code, back["status"]) == (0, "rolled_back"), back
    assert back["rollback"]["verified"]
    assert _told(project) == before


def _commits() -> list[str]:
    """Return both ends of every pair, and every ninth of the other commits."""
    ends = sorted({commit for pair in PAIRS for commit in pair})
    clone = Path(os.environ.get(PRAXIS_OS, "/nowhere"))
    if not clone.exists():
        return ends
    known = run_git(clone, "rev-list", "--abbrev-commit", "HEAD").decode().split()
    return ends + [each for each in known[::9] if each not in ends]


@pytest.mark.parametrize("commit", _commits())
def test_the_same_commit_again_is_no_operation(clone: Path, tmp_path: Path, commit: str) -> None:
    """Content and server, as the instructions laid them down: not a byte, nothing left behind."""
    project, source = tmp_path / "project", check_out_source(tmp_path / "source", commit)
    lay_down(clone, commit, project)
    before = snapshot(project)
    code, done = call(project, "run", "--source", str(source))
    assert (code, done["status"]) == (0, "nothing_to_do"), done["reasons"]
    assert snapshot(project) == before


def _edited(clone: Path, pair: tuple[str, str], project: Path) -> Kit:
    """Install the first of a pair, edit it, and put around it what a user has."""
    project.mkdir()
    git(project, "init", "-q")
    install = lay_down(clone, pair[0], project)
    put(install, ".cache/vector_index/agent_os_standards.lance/data", b"x")
    for path in (*_CLIENTS, ".gitignore"):
        put(project, path, file_at(clone, pair[0], path) or b"")
    return edit(clone, *pair, install)


def _told(project: Path) -> Snapshot:
    """Return content, mode and links of all that is not ours, and not made again."""
    return snapshot(project, leave_out=lambda path: os.path.basename(path) in OURS_OR_MADE_AGAIN)


def _asked(planned: Mapping[str, Any]) -> list[str]:
    return [each["path"] for each in planned["conflicts"] if each.get("choice") is None]


def _figures(planned: Mapping[str, Any]) -> Figures:
    counts = planned["counts"]
    return Figures(
        new=counts.get("new", 0),
        updated=counts.get("updated", 0) + counts.get("mode_updated", 0),
        moved=counts.get("moved", 0),
        merged=sum(each.get("choice") == "merge" for each in planned["conflicts"]),
        kept=counts.get("edited_locally", 0) + counts.get("removed_locally", 0),
        removed=counts.get("removed_upstream", 0),
        asked=len(_asked(planned)),
    )


def _decide(answers: Path, kit: Kit) -> None:
    """Decide one after the other otherwise: keep, take, write a text of one's own."""
    told = json.loads(answers.read_text())
    edits, choices = _edits(kit), cycle(("keep", "take", "own"))
    for number, each in enumerate(told["answers"]):
        if each["decision"] is None:
            chosen = next(one for one in choices if one in each["choices"])
            each["decision"] = chosen
            if chosen == "own":
                text, name = _own_text(kit, edits[each["path"]]), f"own-{number}"
                (answers.parent / name).write_bytes(text)
                each["content"] = {"file": name, "sha256": hashlib.sha256(text).hexdigest()}
    answers.write_text(json.dumps(told))


def _edits(kit: Kit) -> Mapping[str, Edit]:
    return {each.stands_at: each for each in kit.edits}


def _own_text(kit: Kit, made: Edit) -> bytes:
    """Return what comes, where anything comes, and the line that only the user has."""
    comes = kit.incoming.get(made.stands_at, made.made)
    assert comes is not None
    return comes.content + (b"# " if made.path.endswith(".py") else b"") + made.marker + b"\n"


def _sides(decision: Mapping[str, Any]) -> list[str]:
    return [side for name in ("yours", "incoming") if (side := decision[name])]


def _both_sides_are_there(kit: Kit, install: Path, decision: Mapping[str, Any]) -> None:
    """What the user made and what came: each stands there, or where the answer says."""
    made, comes = _edits(kit)[decision["path"]].made, kit.incoming.get(decision["path"])
    places = [install / decision["path"], *map(Path, _sides(decision))]
    texts = {place.read_bytes() for place in places if place.exists()}
    for side in (made, comes):
        assert side is None or side.content in texts, decision


def _config_is_theirs(kit: Kit, install: Path) -> None:
    """Byte for byte, but for the name of the install folder."""
    (made,) = (each.made for each in kit.edits if each.kind is Kind.CONFIG)
    assert made is not None
    old, new = (os.fsencode(name) for name in kit.folders)
    assert (install / "config.json").read_bytes() == made.content.replace(old, new)
