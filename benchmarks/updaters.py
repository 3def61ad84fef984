"""Who upgrades an edited installation: git as the yardstick, copying, and the product's own script.

Each is used in the best way that is known for it, which its docstring tells in a line. What a
project would have had before, as its history, is made ready and not timed.
"""

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from aos_upgrade_plugin import __version__
from benchmarks.upgrading import (
    Case,
    Result,
    Update,
    as_git_left_it,
    become,
    commit,
    copied,
    run,
    track,
)

PARTS = ("standards/universal", "usage", "workflows", "mcp_server", "scripts")
"""What is the product's in an installation."""


def versions(*, with_rsync: bool) -> Iterator[tuple[str, str]]:
    """Yield what is measured with here, and its version."""
    here = Path(__file__).parent
    yield "aos-upgrade", __version__
    yield "Python", platform.python_version()
    yield "git", run("git", "--version", cwd=here).split()[2]
    if with_rsync:
        yield "rsync", run("rsync", "--version", cwd=here).split()[2]


def git_merge(case: Case, place: Path) -> Update:
    """Merge a branch of what is laid down into the project, its folder renamed beforehand."""
    return _git_merge(case, place, case.kit.folders[1])


def git_merge_alone(case: Case, place: Path) -> Update:
    """The same, with the new name of the folder left to git's following of renamed folders."""
    return _git_merge(case, place, case.kit.folders[0])


def _git_merge(case: Case, place: Path, folder: str) -> Update:
    project, (laid_down, edited, fresh) = place / "project", case.installs
    become(project / folder, laid_down)
    track(project)
    run("git", "checkout", "-q", "-b", "product", cwd=project)
    shutil.rmtree(project / folder)
    become(project / fresh.name, fresh)
    commit(project, "the new version")
    run("git", "checkout", "-q", "main", cwd=project)
    become(project / folder, edited)
    commit(project, "our own")
    options = ("-c", "merge.directoryRenames=true", "-c", "merge.renameLimit=0")
    merge = ("git", *options, "merge", "-q", "--no-edit", "product")
    return Update(
        step=lambda: run(*merge, cwd=project, must=False),
        result=lambda: as_git_left_it(case, project / fresh.name),
    )


def rsync(case: Case, place: Path) -> Update:
    """Copy each folder over what is there, as the product's guide for doing it by hand says."""
    return _rsync(case, place)


def rsync_delete(case: Case, place: Path) -> Update:
    """Make each folder of the product what it is in the new version."""
    return _rsync(case, place, "--delete")


def _rsync(case: Case, place: Path, *options: str) -> Update:
    install = case.renamed(copied(case.edited, place / "project"))
    comes = case.installs[2]
    parts = [part for part in PARTS if (comes / part).is_dir()]

    def step() -> None:
        for part in parts:
            run("rsync", "-a", *options, f"{comes / part}/", install / part, cwd=place)

    return Update(step, lambda: Result(install))


def safe_upgrade(case: Case, place: Path) -> Update:
    """Say yes to what is new, and skip what it calls a conflict."""
    return _safe_upgrade(case, place, case.source)


def safe_upgrade_made_anew(case: Case, place: Path) -> Update:
    """Make the stale manifest anew before, by the product's script, as for a correct release."""
    source = copied(case.source, place / "source")
    script = ("scripts/generate-manifest.py", "--version", "9.9.9")
    run(sys.executable, *script, cwd=source)
    return _safe_upgrade(case, place, source)


def _safe_upgrade(case: Case, place: Path, source: Path) -> Update:
    project = copied(case.edited, place / "project")
    install = case.renamed(project)
    script = (sys.executable, source / "scripts/safe-upgrade.py", "--source", source)
    command = (*script, "--target", install.name)
    shown = run(*command, "--dry-run", cwd=project)
    answers = "y\n" * _count(shown, "New files") + "s\n" * _count(shown, "Conflicts")
    told = frozenset(re.findall(r"(?m)^ +⚠️ +(\S+)$", shown))
    return Update(
        step=lambda: run(*command, cwd=project, told=answers.encode()),
        result=lambda: Result(install, told),
    )


def _count(said: str, what: str) -> int:
    found = re.search(rf"(?m)^ +{what}: (\d+)$", said)
    if found is None:
        raise SystemExit(f"safe-upgrade.py does not say any more how many: {what}")
    return int(found[1])
