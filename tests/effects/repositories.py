"""Git repositories for tests, made commit by commit with whatever paths and modes."""

import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

NO_TEXT = b"z" if sys.platform == "darwin" else b"\xff"
"""A name that is not UTF-8, where the file system takes such names."""


class Item(NamedTuple):
    """What a commit has at a path; the content of a link is where it points."""

    content: bytes
    mode: str = "100644"


Tree = Mapping[bytes | str, bytes | Item]


class Growth(NamedTuple):
    """A branch, with a commit for each tree."""

    branch: str
    trees: Sequence[Tree]
    of: str | None = None
    """The branch that it grows out of."""


def build(folder: Path, *trees: Tree, object_format: str = "sha1") -> list[str]:
    """Make a repository with one commit for each tree, the last checked out; return their names."""
    git(folder.parent, "init", "-q", "-b", "main", f"--object-format={object_format}", str(folder))
    return extend(folder, *trees)


def extend(folder: Path, *trees: Tree, branch: str = "main") -> list[str]:
    """Add a commit for each tree to a branch that starts at none, or at the current commit."""
    stream = b"".join(_stream(branch, trees, _head(folder)))
    git(folder, "fast-import", "--quiet", "--force", told=stream)
    git(folder, "checkout", "-q", "-f", branch)
    listed = git(folder, "rev-list", "--reverse", "HEAD").split()
    return listed[-len(trees) :]


def grow(folder: Path, growths: Iterable[Growth]) -> None:
    """Add many branches at once; nothing is checked out."""
    told = b"".join(
        line
        for branch, trees, of in growths
        for line in _stream(branch, trees, f"refs/heads/{of}" if of else None)
    )
    git(folder, "fast-import", "--quiet", "--force", told=told)


def git(folder: Path, *arguments: str | bytes, told: bytes = b"") -> str:
    """Run git in a folder and return what it says."""
    run = subprocess.run(
        ["git", *arguments], cwd=folder, input=told, capture_output=True, check=True
    )
    return run.stdout.decode()


def _head(folder: Path) -> str | None:
    run = subprocess.run(
        ["git", "rev-parse", "-q", "--verify", "HEAD"], cwd=folder, capture_output=True, check=False
    )
    return run.stdout.decode().strip() or None


def _stream(branch: str, trees: Sequence[Tree], parent: str | None) -> Iterator[bytes]:
    for number, tree in enumerate(trees):
        yield f"commit refs/heads/{branch}\n".encode()
        yield f"committer A Tester <tester@example.org> {1700000000 + number} +0000\n".encode()
        yield b"data 1\n.\n"
        if number == 0 and parent:
            yield f"from {parent}\n".encode()
        yield b"deleteall\n"
        for path, item in tree.items():
            yield from _file(path, item)


def _file(path: bytes | str, item: bytes | Item) -> Iterator[bytes]:
    content, mode = item if isinstance(item, Item) else Item(item)
    name = path.encode() if isinstance(path, str) else path
    quoted = b'"' + b"".join(b"\\%03o" % byte for byte in name) + b'"'
    if mode == "160000":
        yield b"M 160000 %s %s\n" % (content, quoted)
        return
    yield b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), quoted, len(content), content)
