"""A project that was cloned may bring a journal of an attacker's: recovery at entry obeys none.

Nothing is written where an installation has no business: outside of the project, in a repository's
own folder, behind a link. Each refusal is one line with a cure. Source: decision 0003.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from pydantic import JsonValue

from aos_upgrade_plugin.effects.tree import journal
from aos_upgrade_plugin.effects.tree.files import read_tree
from aos_upgrade_plugin.errors import DamagedError, RefusedError, UpgradeError
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.holding import holding

PAYLOAD = b"#!/bin/sh\necho owned\n"
_FILE: dict[str, JsonValue] = {
    "kind": "file",
    "mode": 0o755,
    "size_bytes": len(PAYLOAD),
    "digest": hashlib.sha256(PAYLOAD).hexdigest(),
}
_LINK: dict[str, JsonValue] = {"kind": "link", "link_target": "elsewhere"}
_TREE: dict[str, JsonValue] = {"kind": "whole_tree", "inode": 1}


@pytest.fixture
def install(tmp_path: Path) -> Path:
    """Lay down a project with a repository, an installation, and things of the user's around it."""
    project = tmp_path / "home" / "project"
    install = project / ".praxis-os"
    for folder in (project / ".git" / "hooks", install / "standards", tmp_path / "home" / "victim"):
        folder.mkdir(parents=True)
    (install / "standards" / "mine.md").write_text("the user's")
    (tmp_path / "home" / "victim" / "keys").write_text("precious")
    return install


def _deletion(path: str, **more: JsonValue) -> dict[str, JsonValue]:
    """Return a change whose undoing puts the payload at a path."""
    return {"path": path, "before": _FILE, "after": None, **more}


def _plant(
    install: Path,
    *changes: dict[str, JsonValue],
    states: tuple[str, ...] = ("undoing",),
    folder: tuple[str, str] = ("x", "y"),
    **header: JsonValue,
) -> Path:
    """Lay down a transaction as an attacker would, whole and sealed, with the payload in reach."""
    moment = "2025-11-21T12:00:00Z"
    said: dict[str, JsonValue] = {
        "owner": "x",
        "purpose": "y",
        "created_at": moment,
        "changes": [*changes],
        **header,
    }
    lines: list[Mapping[str, JsonValue]] = [
        said,
        *({"state": state, "at": moment} for state in states),
    ]
    owner, purpose = folder
    planted = install / ".upgrades" / owner / "transactions" / purpose
    for name in ("stage", "out"):
        (planted / name).mkdir(parents=True)
        for number, _ in enumerate(changes):
            (planted / name / str(number)).write_bytes(PAYLOAD)
            (planted / name / str(number)).chmod(0o755)
    (planted / journal.JOURNAL).write_bytes(b"\n".join(map(_sealed, lines)))
    (planted / journal.JOURNAL).chmod(0o600)
    return planted


def _sealed(said: Mapping[str, JsonValue]) -> bytes:
    content = json.dumps(said).encode()
    return hashlib.sha256(content).hexdigest().encode() + b" " + content + b"\n"


def _tree(install: Path) -> Tree:
    """Return all there is, from the home folder down, but the lock that every command leaves."""
    home = install.parents[1]
    return read_tree(home, enter=lambda path: not path.endswith(".upgrade-lock"))


def _assert_refused(install: Path, error: type[UpgradeError], match: str) -> None:
    before = _tree(install)
    with (
        pytest.raises(error, match=match) as refused,
        holding(install, session=None, command="attacked"),
    ):
        pass
    assert refused.value.cure
    assert "\n" not in str(refused.value) + refused.value.cure
    assert _tree(install) == before


@pytest.mark.parametrize("place", ["install", "project"])
@pytest.mark.parametrize(
    "path",
    [
        *("../../x", "standards/../../../x", "/etc/cron.d/x", "", ".", "a//b"),
        pytest.param(r"\x2e\x2e/\x2e\x2e/x", id="escaped-dots"),
        pytest.param(r"\x2fetc\x2fcron.d\x2fx", id="escaped-slashes"),
        pytest.param(r"standards/\x00", id="escaped-nul"),
        pytest.param("standards/\x00", id="nul"),
        pytest.param("standards/\x1b[2J", id="unescaped-control"),
    ],
)
def test_no_path_leads_out(install: Path, place: str, path: str) -> None:
    """However it is spelled: a path is one below the installation or its project, or none."""
    _plant(install, _deletion(path, place=place))
    _assert_refused(install, DamagedError, "not one that this version writes")


@pytest.mark.parametrize("place", ["install", "project"])
@pytest.mark.parametrize(
    "path",
    [
        *(".git/hooks/pre-commit", ".GIT/hooks/pre-commit", ".Git/config", "sub/.git/config"),
        *(".git", "git~1/hooks/pre-commit", ".git./config", ".git /config"),
        pytest.param(r".g\xe2\x80\x8cit/config", id="zero-width"),
    ],
)
def test_a_repository_is_never_written(install: Path, place: str, path: str) -> None:
    """Its hooks and its configuration are run; also under the names some file systems accept."""
    _plant(install, _deletion(path, place=place))
    _assert_refused(install, DamagedError, "in a git repository's own folder")


@pytest.mark.parametrize(
    ("place", "path"),
    [("install", "standards/link/x"), ("project", "link/x"), ("install", "standards/link/deep/x")],
)
@pytest.mark.parametrize("state", ["undoing", "prepared"])
def test_nothing_comes_behind_a_link(install: Path, place: str, path: str, state: str) -> None:
    """A link that the project brings leads out of it; what it names stays as it is."""
    root = install if place == "install" else install.parent
    folder = path.partition("link/")[0]
    (root / folder / "link").symlink_to(install.parents[1] / "victim")
    _plant(install, _deletion(path, place=place), states=(state,))
    _assert_refused(install, RefusedError, "link is a link")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"before": None, "after": _FILE}, id="take-out"),
        pytest.param({"before": _FILE, "after": None}, id="put-in"),
        pytest.param({"before": _FILE, "after": {**_FILE, "mode": 0o644}}, id="swap"),
    ],
)
def test_a_link_that_the_journal_calls_its_own_leads_nowhere(
    install: Path, change: dict[str, JsonValue]
) -> None:
    """It says that it made the link itself, so going there looks right; nothing is done there."""
    victim = install.parents[1] / "victim"
    (install / "link").symlink_to(victim)
    before = read_tree(victim)
    own_link: dict[str, JsonValue] = {
        "path": "link",
        "before": _LINK,
        "after": {**_LINK, "link_target": "now"},
    }
    planted = _plant(install, own_link, {"path": "link/keys", **change})
    (planted / "out" / "0").unlink()
    with suppress(RefusedError), holding(install, session=None, command="attacked"):
        pass
    assert read_tree(victim) == before


@pytest.mark.parametrize(
    ("folder", "names"),
    [
        (("x", "y"), ("z", "y")),
        (("x", "y"), ("x", "z")),
        (("X", "y"), ("X", "y")),
        (("x", "y"), ("../x", "y")),
        (("x", "y.z"), ("x", "y.z")),
    ],
)
def test_a_journal_belongs_to_its_folder(
    install: Path, folder: tuple[str, str], names: tuple[str, str]
) -> None:
    """Owner and purpose are plain names, those of the folders that the journal is in."""
    owner, purpose = names
    _plant(install, _deletion("x"), folder=folder, owner=owner, purpose=purpose)
    _assert_refused(install, DamagedError, "another place|not one that this version writes")


@pytest.mark.parametrize("state", ["undoing", "committed", "undone"])
@pytest.mark.parametrize("built_at", ["standards", "../victim", "standards/deep", ".backups"])
def test_only_the_stage_of_the_environment_is_cleared(
    install: Path, built_at: str, state: str
) -> None:
    """What was built is removed at the end: nothing but the stage is ever built."""
    _plant(
        install,
        {"path": "venv", "before": None, "after": _TREE, "built_at": built_at},
        states=(state,),
    )
    _assert_refused(install, DamagedError, "not one that this version writes")


def test_a_stage_that_is_a_link_is_cleared_without_what_it_names(install: Path) -> None:
    """The link goes; the folder behind it stays."""
    (install / ".venv-stage").symlink_to(install.parents[1] / "victim")
    _plant(
        install,
        {"path": "venv", "before": None, "after": _TREE, "built_at": ".venv-stage"},
        states=("committed",),
    )
    with holding(install, session=None, command="attacked"):
        pass
    assert not os.path.lexists(install / ".venv-stage")
    assert (install.parents[1] / "victim" / "keys").read_text() == "precious"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("../elsewhere", ".praxis-os"),
        (".git", ".praxis-os"),
        ("sub/.agent-os", ".praxis-os"),
        (".ssh", ".praxis-os"),
        (".agent-os", ".ssh"),
    ],
)
def test_the_install_folder_gets_no_strange_name(install: Path, before: str, after: str) -> None:
    """Only the names of installations, and only from the one that it has now."""
    _plant(install, rename={"before": before, "after": after})
    _assert_refused(install, DamagedError, "not one that this version writes|does not fit")


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o666, 0o604])
def test_a_journal_that_others_can_write_or_read_is_not_ours(install: Path, mode: int) -> None:
    """As git lays files down. Ours are for their owner alone."""
    planted = _plant(install, _deletion("standards/x"))
    (planted / journal.JOURNAL).chmod(mode)
    _assert_refused(install, DamagedError, "not only yours")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_journal_of_somebody_else_is_not_ours(install: Path) -> None:
    """Neither ours nor of whom the installation is."""
    planted = _plant(install, _deletion("standards/x"))
    os.chown(planted / journal.JOURNAL, 12345, 12345)
    _assert_refused(install, DamagedError, "not only yours")


def test_a_journal_that_is_a_link_is_none(install: Path) -> None:
    """It is not read from where it leads."""
    planted = _plant(install, _deletion("standards/x"))
    elsewhere = install.parents[1] / "victim" / "journal"
    (planted / journal.JOURNAL).rename(elsewhere)
    (planted / journal.JOURNAL).symlink_to(elsewhere)
    _assert_refused(install, RefusedError, "is a link")


@pytest.mark.parametrize("slots", ["stage", "out", "reserve"])
def test_slots_elsewhere_are_refused(install: Path, slots: str) -> None:
    """What would be cleared and exchanged there is not ours."""
    planted = _plant(install)
    if (planted / slots).exists():
        (planted / slots).rmdir()
    (planted / slots).symlink_to(install.parents[1] / "victim")
    _assert_refused(install, RefusedError, "is a link")


def test_what_is_set_aside_stays_inside(install: Path) -> None:
    """A link on a shelf leads nobody's file away: the next shelf is taken."""
    shelf = install / ".upgrades" / "x" / "set-aside" / "install"
    shelf.mkdir(parents=True)
    (shelf / "standards").symlink_to(install.parents[1] / "victim")
    _plant(install, {"path": "standards/mine.md", "before": _FILE, "after": None})
    with holding(install, session=None, command="attacked") as held:
        (recovered,) = held.recovered
    (aside,) = (each for each in recovered.undone.set_aside if each.path == "standards/mine.md")
    assert (install / aside.kept_at).read_text() == "the user's"
    assert sorted(os.listdir(install.parents[1] / "victim")) == ["keys"]


def test_a_shelf_elsewhere_is_refused(install: Path) -> None:
    """The shelves themselves are ours or nobody's."""
    (install / ".upgrades" / "x" / "set-aside").mkdir(parents=True)
    (install / ".upgrades" / "x" / "set-aside" / "install").symlink_to(
        install.parents[1] / "victim"
    )
    _plant(install, {"path": "standards/mine.md", "before": _FILE, "after": None})
    _assert_refused(install, RefusedError, "is a link")


def test_no_file_of_the_users_is_lost_to_a_journal_in_reach(install: Path) -> None:
    """What it may say at most: something of the project goes back. The user's is kept aside."""
    _plant(install, {"path": "main.py", "before": None, "after": _FILE, "place": "project"})
    planted = install / ".upgrades" / "x" / "transactions" / "y"
    for name in ("stage", "out"):
        (planted / name / "0").unlink()
    (install.parent / "main.py").write_text("the user's program")
    with holding(install, session=None, command="attacked") as held:
        (recovered,) = held.recovered
    (aside,) = recovered.undone.set_aside
    assert (install / aside.kept_at).read_text() == "the user's program"
