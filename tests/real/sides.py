"""The sides of an upgrade of the real product, as its own instructions and git tell them."""

import os
import subprocess
import tempfile
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.real.installations import INSTALLED, lay_down, run_git

_SERVER = ("mcp_server/", "scripts/")
_MADE = "standards/.rebuild_index"


class File(NamedTuple):
    """What stands at a path; of a link, where it points."""

    content: bytes
    executable: bool = False
    link: bool = False


Files = Mapping[str, File]
"""Files by their path below the install folder."""


@cache
def laid_down(clone: Path, commit: str) -> tuple[str, Files]:
    """Return the install folder's name and the files that a fresh installation has."""
    with tempfile.TemporaryDirectory() as project:
        install = lay_down(clone, commit, Path(project))
        files = read(install)
        return install.name, {path: file for path, file in files.items() if path != _MADE}


def read(install: Path, *, but: Collection[str] = ()) -> Files:
    """Read every file and link below a folder, ``but`` those in some folders of it."""
    places = (
        Path(folder, name)
        for folder, folders, names in os.walk(install)
        for name in (*folders, *names)
        if not Path(folder, name).relative_to(install).as_posix().startswith(tuple(but))
    )
    found = (each for each in sorted(places) if each.is_symlink() or each.is_file())
    return {each.relative_to(install).as_posix(): _file(each) for each in found}


def renamed(clone: Path, old: str, new: str, base: Files, incoming: Files) -> Mapping[str, str]:
    """Return what git says was renamed of what is installed."""
    diff = ("diff", "-M", "--diff-filter=R", "--name-status", "-z", old, new, "--")
    told = run_git(clone, *diff, *INSTALLED)
    words = told.decode().split("\0")
    pairs = (
        (_place(one), _place(other)) for one, other in zip(words[1::3], words[2::3], strict=True)
    )
    return {one: other for one, other in pairs if one in base and other in incoming}


def merged(ours: bytes, base: bytes, theirs: bytes) -> bytes | None:
    """Return git's merge of a text, or nothing where it is not clean."""
    with tempfile.TemporaryDirectory() as folder:
        names = ("ours", "base", "theirs")
        for name, content in zip(names, (ours, base, theirs), strict=True):
            (Path(folder) / name).write_bytes(content)
        command = ["git", "merge-file", "-p", *names]
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def is_server(path: str) -> bool:
    """Say whether a path is the server's, not the content's."""
    return path.startswith(_SERVER)


def _file(path: Path) -> File:
    if path.is_symlink():
        return File(os.fsencode(os.readlink(path)), link=True)
    return File(path.read_bytes(), executable=bool(path.stat().st_mode & 0o100))


def _place(path: str) -> str:
    """Return where the product's instructions put a file of the source; nothing for the others."""
    for root, install in INSTALLED.items():
        if path.startswith(f"{root}/"):
            return install + path.removeprefix(root)
    return ""
