"""A small project with an installation in it, before and after an upgrade that changes everything.

Every kind of change is in it: create, replace, delete, mode, link, pipe, a file that becomes a
folder and back, a name that changes its case only, names of all kinds, closed folders, files
beside the installation, the environment as a whole, a folder that leaves as a whole because it
is made again, and the name of the install folder.
"""

import os
import sys
from collections import ChainMap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.content import steps
from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.tree import durable, files
from aos_upgrade_plugin.models.journal import Change, InstallRename, JournalHeader, Place
from aos_upgrade_plugin.models.tree import Kind, unescape
from tests.faults.deeds import Done, deed_done
from tests.faults.places import CONTROL, INSTALLS, STAGED_ENVIRONMENT
from tests.faults.rounds import Look
from tests.faults.trees import Nodes, as_tree, below, build, fifo, file, folder, link, read

OWNER = "a_session"

_LARGE = bytes(range(256)) * 80  # large enough to be cloned where the file system can
_LONG = b"n" * 255
# Apple's file systems take no names that are not UTF-8.
_ODD = b"odd name\n" if sys.platform == "darwin" else b"odd name\n\xff"

_SAME: Nodes = {
    b"AGENTS.md": file(b"the user's\n"),
    b"standards": folder(),
    b"standards/mine.md": file(b"the user's too\n", 0o600),
    b"closed": folder(0o555),
    b"docs": folder(),
}
BEFORE: Nodes = {
    **_SAME,
    b"VERSION.txt": file(b"1\n"),
    b"large.bin": file(_LARGE),
    b"run.sh": file(b"#!/bin/sh\n"),
    b"setuid": file(b"old", 0o4755),
    b"gone.md": file(b"gone"),
    _ODD: file(b"odd, old"),
    b"README": file(b"case"),
    b"dangling": link(b"nowhere"),
    b"becomes-file": link(b"AGENTS.md"),
    b"becomes-link": file(b"was a file"),
    b"pipe-goes": fifo(),
    b"pipe-mode": fifo(0o600),
    b"closed/inside.md": file(b"inside, old"),
    b"closing": folder(0o755),
    b"opening": folder(0o555),
    b"opening/goes.md": file(b"goes"),
    b"hollow-goes": folder(0o700),
    b"standards/a": file(b"a file becomes a folder"),
    b"standards/b": folder(),
    b"standards/b/x.md": file(b"x"),
    b"standards/b/deep": folder(0o555),
    b"standards/b/deep/y.md": file(b"y"),
    b"Case": folder(),
    b"Case/inside.md": file(b"renamed with its folder"),
}
AFTER: Nodes = {
    **_SAME,
    b"VERSION.txt": file(b"2\n"),
    b"large.bin": file(_LARGE + b"more"),
    b"run.sh": file(b"#!/bin/sh\n", 0o755),
    b"setuid": file(b"new", 0o4711),
    _ODD: file(b"odd, new"),
    _LONG: file(b"a long name"),
    b"readme": file(b"case"),
    b"dangling": link(b"elsewhere"),
    b"becomes-file": file(b"was a link"),
    b"becomes-link": link(b"AGENTS.md"),
    b"pipe-comes": fifo(0o640),
    b"pipe-mode": fifo(0o644),
    b"closed/inside.md": file(b"inside, new"),
    b"closing": folder(0o555),
    b"closing/comes.md": file(b"comes"),
    b"opening": folder(0o755),
    b"hollow-comes": folder(0o500),
    b"standards/a": folder(0o555),
    b"standards/a/deep": folder(),
    b"standards/a/deep/z.md": file(b"z"),
    b"standards/b": file(b"a folder becomes a file"),
    b"case": folder(),
    b"case/inside.md": file(b"renamed with its folder"),
}
_BESIDE_BEFORE: Nodes = {b".gitignore": file(b"*.pyc\n"), b"main.py": file(b"pass\n")}
_BESIDE_AFTER: Nodes = {
    **_BESIDE_BEFORE,
    b".gitignore": file(b"*.pyc\n.upgrades\n"),
    b".mcp.json": file(b"{}\n", 0o600),
}


def _environment(version: bytes) -> Nodes:
    return {
        b"pyvenv.cfg": file(version),
        b"bin": folder(),
        b"bin/python": link(b"/usr/bin/python3"),
        b"bin/tool": file(b"#!" + version, 0o755),
    }


_INDEX: Nodes = {b"deep": folder(), b"deep/table": file(b"made again")}


def whole(install: str, nodes: Nodes, beside: Nodes, environment: bytes) -> Nodes:
    """Return the tree of a whole project."""
    inside = {**nodes, **below(b"venv", _environment(environment))}
    return {**beside, **below(os.fsencode(install), inside)}


def _cache(install: str, *, index: bool) -> Nodes:
    return below(os.fsencode(install) + b"/.cache", below(b"index", _INDEX) if index else {})


OLD = {**whole(INSTALLS[0], BEFORE, _BESIDE_BEFORE, b"1"), **_cache(INSTALLS[0], index=True)}
NEW = {**whole(INSTALLS[1], AFTER, _BESIDE_AFTER, b"2"), **_cache(INSTALLS[1], index=False)}
NEW_BUT_ENVIRONMENT = {
    **whole(INSTALLS[1], AFTER, _BESIDE_AFTER, b"1"),
    **_cache(INSTALLS[1], index=True),
}


def arrange(root: Path) -> None:
    """Build the project as it is before, and a source to copy from."""
    build(root / "project", OLD)
    build(root / "source", {b"large.bin": file(_LARGE + b"more", 0o600)})


def build_environment(root: Path) -> None:
    """Build the environment to come as an installer does: through the system, syncing nothing."""
    stage = os.fsencode(root / "project" / INSTALLS[0] / STAGED_ENVIRONMENT)
    disk.make_directory(stage)
    for path, node in sorted(_environment(b"2").items()):
        location = os.path.join(stage, path)
        match node.kind:
            case Kind.DIRECTORY:
                disk.make_directory(location)
            case Kind.LINK:
                disk.make_link(node.data, location)
            case _:
                durable.write_new(location, node.data, mode=node.mode)


def forget_environment(root: Path) -> None:
    """Do as the builder of an environment does first: remove what an earlier one left."""
    durable.remove_tree(install_of(root) / STAGED_ENVIRONMENT)


def install_of(root: Path) -> Path:
    """Return the install folder under its name of now."""
    for name in INSTALLS:
        if (root / "project" / name).is_dir():
            return root / "project" / name
    raise AssertionError("there is no install folder at all")


def plan(root: Path, *, environment: bool = True) -> JournalHeader:
    """Plan the whole upgrade."""
    install = root / "project" / INSTALLS[0]
    built = (_environment_change(install), _index_change(install)) if environment else ()
    beside = (
        change.model_copy(update={"place": Place.PROJECT})
        for change in steps.difference(before=as_tree(_BESIDE_BEFORE), after=as_tree(_BESIDE_AFTER))
    )
    before = as_tree(BEFORE)
    inside = steps.difference(before=before, after=as_tree(AFTER))
    folders = {path: entry for path, entry in before.items() if entry.kind is Kind.DIRECTORY}
    return JournalHeader(
        owner=OWNER,
        purpose="everything",
        created_at=datetime.now(UTC),
        rename=InstallRename(before=INSTALLS[0], after=INSTALLS[1]),
        changes=steps.ordered((*inside, *beside, *built), folders=folders),
    )


def _environment_change(install: Path) -> Change:
    return Change(
        path="venv",
        before=files.read_whole_tree(os.fsencode(install / "venv")),
        after=files.read_whole_tree(os.fsencode(install / STAGED_ENVIRONMENT)),
        built_at=STAGED_ENVIRONMENT,
    )


def _index_change(install: Path) -> Change:
    index = ".cache/index"
    before = files.read_whole_tree(os.fsencode(install / index))
    return Change(path=index, before=before, after=None)


def content_of(root: Path, change: Change) -> bytes | Path:
    """Answer what a new file holds; the large one is copied from the source."""
    path = unescape(change.path)
    if path == b"large.bin":
        return root / "source" / "large.bin"
    return (_BESIDE_AFTER if change.place is Place.PROJECT else AFTER)[path].data


def old_content_of(change: Change) -> bytes:
    """Answer what an old file held."""
    path = unescape(change.path)
    return (_BESIDE_BEFORE if change.place is Place.PROJECT else BEFORE)[path].data


def look(root: Path, allowed: tuple[tuple[str, Nodes], ...], users: tuple[bytes, ...] = ()) -> Look:
    """Compare a project, without the control folders, with the states it may be in.

    What the ``users`` wrote must be somewhere, and nothing else may have been set aside. Where
    somebody else was at work, his deed may be seen, or what he did was set aside.
    """
    done, install = deed_done(root), install_of(root)
    users = done.must_keep(users) if done else users
    leave_out = CONTROL | {os.fsencode(STAGED_ENVIRONMENT)}
    seen = read(root / "project", leave_out=leave_out)
    shelves = [*_shelves(install)]
    states = frozenset(
        name for name, nodes in allowed if _is_as(seen, nodes, install.name, done, shelves)
    )
    difference = _nearest(seen, allowed)
    everywhere = read(root / "project", leave_out=frozenset({b".backups"})).values()
    if lost := {*users} - {node.data for node in everywhere}:
        states, difference = frozenset(), f"lost: {lost}"
    return Look(states, difference, residue(install), _wrongly_aside(shelves, users, done))


class Shelf(NamedTuple):
    """What was set aside of one place."""

    is_inside: bool
    """Whether that is the install folder."""
    nodes: Nodes


def _shelves(install: Path) -> Iterator[Shelf]:
    for shelf in sorted((install / ".upgrades").glob("*/set-aside/*")):
        yield Shelf(shelf.name.partition("~")[0] == Place.INSTALL, read(shelf))


def _is_as(
    seen: Nodes, planned: Nodes, install: str, done: Done | None, shelves: Sequence[Shelf]
) -> bool:
    if done is None:
        return seen == planned
    aside = [each.nodes for each in shelves if each.is_inside is done.is_inside]
    return done.explains(seen, planned, os.fsencode(install), dict(ChainMap(*map(dict, aside))))


def residue(install: Path) -> tuple[str, ...]:
    """Name what control folders still hold, apart from what was set aside."""
    left = [os.fsencode(STAGED_ENVIRONMENT)] if (install / STAGED_ENVIRONMENT).exists() else []
    upgrades = install / ".upgrades"
    if upgrades.exists():
        keepers = {os.fsencode(shelf.parts[-3]) for shelf in upgrades.glob("*/set-aside/*")}
        found = read(upgrades, leave_out=frozenset({b"set-aside"}))
        left += sorted(b".upgrades/" + path for path in set(found) - keepers)
        left += [] if keepers else [b".upgrades"]
    return tuple(os.fsdecode(path) for path in left)


def _wrongly_aside(
    shelves: Sequence[Shelf], users: tuple[bytes, ...], done: Done | None
) -> tuple[str, ...]:
    """Name what was set aside and is not the user's; folders belong to what is in them."""
    wrong: list[str] = []
    for is_inside, nodes in shelves:
        kept = {path: node for path, node in nodes.items() if node.kind is not Kind.DIRECTORY}
        wrong += [
            repr(path)
            for path, node in kept.items()
            if node.data not in users
            and not (done and done.is_inside is is_inside and done.explains_aside(path, node))
        ]
        is_explained = bool(kept) or (done is not None and done.explains_folders_aside(nodes))
        wrong += [] if is_explained else ["only folders"]
    return tuple(wrong)


def _nearest(seen: Nodes, allowed: tuple[tuple[str, Nodes], ...]) -> str:
    differences = [
        (name, sorted(path for path in {*seen, *nodes} if seen.get(path) != nodes.get(path)))
        for name, nodes in allowed
    ]
    name, paths = min(differences, key=lambda each: len(each[1]))
    return f"not {name} in " + ", ".join(f"{path!r}" for path in paths[:6])
