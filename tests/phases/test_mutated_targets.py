"""Whatever moves between plan and apply is noticed, and named.

A sample for every day; ten thousand with ``pytest -m random_full tests/phases``.
"""

import os
import random
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.plan import Moved
from aos_upgrade_plugin.models.tree import TreePath, escape
from aos_upgrade_plugin.phases.content import moved_since
from aos_upgrade_plugin.phases.installation import find
from tests.effects.repositories import NO_TEXT, Item, build, git
from tests.phases.products import lay_down, plan, product, put

OLD = product(
    {
        "standards/a.md": b"a\n",
        "standards/deep/er/b.md": b"b, and some more of it\n",
        "standards/empty.md": b"",
        "standards/link.md": Item(b"a.md", "120000"),
        "workflows/a_v1/metadata.json": b"{}\n",
        "workflows/a_v1/run.sh": Item(b"#!/bin/sh\n", "100755"),
        b"standards/a b\n" + NO_TEXT + b".md": b"odd\n",
    }
)
NEW = product({"standards/a.md": b"new\n"}, version="1.1.0")
MINE = {"specs/mine.md": b"mine\n", "config.json": b"{}\n", "workflows/mine/x": b"\0\1\2"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project under git with an old release and files of the user's in it."""
    build(tmp_path / "source", OLD, NEW)
    project = tmp_path / "project"
    project.mkdir()
    git(project, "init", "-q")
    put(project, ".gitignore", b"*.pyc\n")
    install = lay_down(OLD, project)
    for path, content in MINE.items():
        put(install, path, content)
    (install / "workspace/empty").mkdir(parents=True)
    return project


class Mutation:
    """One change of one path, with the way back, and what must be said about it."""

    def __init__(self, project: Path, chance: random.Random) -> None:
        """Choose a path and what becomes of it."""
        self.chance = chance
        self.install = project / ".agent-os"
        self.ignore = project / ".gitignore"
        paths = sorted(files.read_tree(self.install))
        self.path: TreePath = chance.choice(paths)
        self.location = files.locate(self.install, self.path)

    def make(self) -> tuple[set[str], Callable[[], None]]:
        """Change it; return what may be said of it, and what takes it back."""
        if self.chance.random() < 0.05:
            return self._ignore_file()
        mode = os.lstat(self.location).st_mode
        if stat.S_ISLNK(mode):
            return self.chance.choice((self._retarget, self._remove))()
        if stat.S_ISDIR(mode):
            return self.chance.choice((self._add, self._add, self._mode))()
        return self.chance.choice(
            (self._byte, self._byte, self._mode, self._remove, self._link, self._append)
        )()

    def _ignore_file(self) -> tuple[set[str], Callable[[], None]]:
        old = self.ignore.read_bytes()
        self.ignore.write_bytes(old + b"more\n")
        return {"content: .gitignore"}, lambda: _write(os.fsencode(self.ignore), old)

    def _byte(self) -> tuple[set[str], Callable[[], None]]:
        """Flip one bit; size, mode and times stay as they are."""
        old, times = _read(self.location), os.lstat(self.location)
        new = bytearray(old or b" ")
        new[self.chance.randrange(len(new))] ^= 1 << self.chance.randrange(8)
        _write(self.location, bytes(new))
        os.utime(self.location, ns=(times.st_atime_ns, times.st_mtime_ns))
        return {f"content: {self.path}"}, lambda: _write(self.location, old)

    def _append(self) -> tuple[set[str], Callable[[], None]]:
        old = _read(self.location)
        _write(self.location, old + b"\n")
        return {f"content: {self.path}"}, lambda: _write(self.location, old)

    def _mode(self) -> tuple[set[str], Callable[[], None]]:
        old = stat.S_IMODE(os.lstat(self.location).st_mode)
        os.chmod(self.location, old ^ (1 << self.chance.choice((0, 1, 3, 4, 5))))
        return {f"mode: {self.path}"}, lambda: os.chmod(self.location, old)

    def _remove(self) -> tuple[set[str], Callable[[], None]]:
        aside = os.fsencode(self.install.parent / "aside")
        os.rename(self.location, aside)
        return {f"removed: {self.path}"}, lambda: os.rename(aside, self.location)

    def _link(self) -> tuple[set[str], Callable[[], None]]:
        """Put a link to the very same content into its place."""
        _, back = self._remove()
        os.symlink(os.fsencode(self.install.parent / "aside"), self.location)

        def undo() -> None:
            os.unlink(self.location)
            back()

        return {f"file became link: {self.path}"}, undo

    def _retarget(self) -> tuple[set[str], Callable[[], None]]:
        old = os.readlink(self.location)
        os.unlink(self.location)
        os.symlink(old + b"x", self.location)

        def undo() -> None:
            os.unlink(self.location)
            os.symlink(old, self.location)

        return {f"link: {self.path}"}, undo

    def _add(self) -> tuple[set[str], Callable[[], None]]:
        name = b"added %d" % self.chance.randrange(1000)
        location = os.path.join(self.location, name)
        said = f"added: {self.path}/{escape(name)}"
        if self.chance.random() < 0.3:
            os.mkdir(location)
            return {said}, lambda: os.rmdir(location)
        if self.chance.random() < 0.3:
            os.symlink(b"nowhere", location)
        else:
            _write(location, b"")
        return {said}, lambda: os.unlink(location)


@contextmanager
def _mutated(mutation: Mutation) -> Generator[set[str]]:
    said, back = mutation.make()
    try:
        yield said
    finally:
        back()


def _read(location: bytes) -> bytes:
    with open(location, "rb") as file:
        return file.read()


def _write(location: bytes, content: bytes) -> None:
    with open(location, "wb") as file:
        file.write(content)


@pytest.mark.parametrize(
    "count", [50, pytest.param(10_000, marks=pytest.mark.random_full)], ids=["sample", "all"]
)
def test_every_mutation_is_refused(project: Path, count: int) -> None:
    """A bit, a mode, a link, something added or removed: it is named, and nothing else is."""
    upgrade, installation = plan(project, project.parent / "source"), find(project)
    assert upgrade.changes
    assert moved_since(upgrade, installation) == ()
    for seed in range(count):
        mutation = Mutation(project, random.Random(seed))  # noqa: S311  to be repeated
        with _mutated(mutation) as said:
            moved = moved_since(upgrade, installation)
            assert {str(each) for each in moved} == said, f"seed {seed}"
    assert moved_since(upgrade, installation) == ()


def test_what_is_made_again_is_no_mutation(project: Path) -> None:
    """Bytecode, an index, a log: a server may write them between plan and apply."""
    upgrade, installation = plan(project, project.parent / "source"), find(project)
    install = project / ".agent-os"
    put(install, "mcp_server/__pycache__/__main__.cpython-312.pyc", b"bytecode")
    put(install, ".cache/vector_index/rows", b"rows")
    put(install, ".mcp_server_state.json", b"{}")
    assert moved_since(upgrade, installation) == ()


def test_the_place_is_told_too(project: Path) -> None:
    """The project's own file is not taken for one of the installation."""
    upgrade, installation = plan(project, project.parent / "source"), find(project)
    put(project, ".gitignore", b"other\n")
    assert moved_since(upgrade, installation) == (Moved("content", ".gitignore", Place.PROJECT),)


def test_the_same_content_put_there_anew_is_no_mutation(project: Path) -> None:
    """An editor that saves the same text again changes nothing that counts."""
    upgrade, installation = plan(project, project.parent / "source"), find(project)
    put(project, ".agent-os/specs/mine.md", MINE["specs/mine.md"])
    assert moved_since(upgrade, installation) == ()
