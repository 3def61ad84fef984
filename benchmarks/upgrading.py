"""What everybody who upgrades an edited installation is given, and hands back."""

import os
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.real.edits import Kit


class Case(NamedTuple):
    """One upgrade to be made. None of these folders is changed by whoever makes it."""

    kit: Kit
    laid_down: Path
    """A project with the old version, as it was laid down."""
    edited: Path
    """The same after its user worked on it."""
    fresh: Path
    """A project with the new version, as it is laid down."""
    source: Path
    """A checkout of the product at the new version."""

    @property
    def installs(self) -> tuple[Path, Path, Path]:
        """The install folders of the three projects."""
        old, new = self.kit.folders
        return self.laid_down / old, self.edited / old, self.fresh / new

    def renamed(self, project: Path) -> Path:
        """Give a project's install folder its new name, as a person does, and return it."""
        old, new = (project / folder for folder in self.kit.folders)
        return old.rename(new) if old != new else new


class Result(NamedTuple):
    """What an upgrade left behind."""

    install: Path
    told: frozenset[str] = frozenset()
    """What it said that a person has to look at, below the install folder."""
    beside: tuple[Path, ...] = ()
    """Where it keeps the user's side of that, beside what stands in the install folder."""


Step = Callable[[], object]


class Update(NamedTuple):
    """An upgrade made ready: what is timed, and what it came to."""

    step: Step
    result: Callable[[], Result]


Updater = Callable[[Case, Path], Update]
"""Makes an upgrade ready in a folder of its own, which is not timed."""


def copied(folder: Path, to: Path) -> Path:
    """Copy a folder as it is, times and links included."""
    shutil.copytree(folder, to, symlinks=True)
    return to


def become(install: Path, other: Path) -> None:
    """Make an install folder hold exactly what another one holds, but for notes of tools."""
    install.mkdir(parents=True, exist_ok=True)
    for each in install.iterdir():
        if each.name not in _OF_TOOLS:
            shutil.rmtree(each) if each.is_dir() else each.unlink()
    shutil.copytree(other, install, symlinks=True, dirs_exist_ok=True)


_OF_TOOLS = {".copier-answers.yml", ".cruft.json"}


def run(
    *command: str | Path,
    cwd: Path,
    must: bool = True,
    told: bytes = b"",
    settings: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end and return what it said; unless it may fail, that ends it all."""
    done = subprocess.run(
        command,
        cwd=cwd,
        input=told,
        env={**os.environ, **_AS_NOBODY, **(settings or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if must and done.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nended with {done.returncode}: {said}")
    return said


_AS_NOBODY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_NAME": "A User",
    "GIT_AUTHOR_EMAIL": "user@example.org",
    "GIT_COMMITTER_NAME": "A User",
    "GIT_COMMITTER_EMAIL": "user@example.org",
}
"""Nobody's settings of git, so that everybody measures the same."""


def track(project: Path) -> None:
    """Put a project under git as it is."""
    run("git", "init", "-q", "-b", "main", cwd=project)
    commit(project, "the old version")


def commit(project: Path, words: str) -> None:
    """Commit all that stands in a project."""
    run("git", "add", "--all", "--force", cwd=project)
    run("git", "commit", "-q", "--no-verify", "-m", words, cwd=project)


def as_git_left_it(case: Case, install: Path, also_told: Collection[str] = ()) -> Result:
    """Return what stands in a project under git, and what is unmerged or lies there rejected.

    The user's side of that is in their last commit, which holds what they had edited.
    """
    listed = run("git", "ls-files", "-z", "--unmerged", cwd=install).split("\0")
    paths = {line.partition("\t")[2] for line in listed if line}
    rejected = {each.relative_to(install).as_posix() for each in install.rglob("*.rej")}
    paths |= {path.removesuffix(".rej") for path in rejected}
    return Result(install, frozenset({*paths, *also_told}), (case.installs[1],))
