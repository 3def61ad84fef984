"""What git itself makes of three trees: ``git merge``, as its plumbing does it, a thousand at once.

Renames are looked for as an upgrade does, half of the text alike and without a limit. That git may
also guess from a renamed folder where a new file belongs is switched off: an upgrade lays down
what comes where it comes.
"""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.source.repository import Repository
from aos_upgrade_plugin.models.tree import unescape
from tests.effects.repositories import Growth, Tree, git, grow
from tests.phases.random_products import Stands

_SETTINGS = ("-c", "merge.renames=true", "-c", "merge.directoryRenames=false")
_LOOKED_FOR = ("-r", "-z", "-M50%", "-l0", "--no-rename-empty", "--diff-filter=R", "--name-status")


Sides = tuple[Tree, Tree, Tree]
"""Base, local, incoming."""


class Merged(NamedTuple):
    """What came of one merge."""

    tree: Mapping[bytes, Stands]
    conflicts: frozenset[bytes]
    """Every path that git names in a conflict, also the ones it makes up for one."""
    moved_here: Mapping[bytes, bytes]
    """What git takes for renamed between base and local."""
    moved_there: Mapping[bytes, bytes]
    """What git takes for renamed between base and incoming."""


def merges(folder: Path, cases: Sequence[Sides]) -> Sequence[Merged]:
    """Make a repository and merge each local tree with its incoming one."""
    git(folder.parent, "init", "-q", str(folder))
    names = _commits(folder, cases)
    trees = [*_merged(folder, [(local, incoming) for _, local, incoming in names])]
    here = _renames(folder, [(base, local) for base, local, _ in names])
    there = _renames(folder, [(base, incoming) for base, _, incoming in names])
    repository = Repository(folder)
    return [
        Merged(_stands(repository, tree), conflicts, *moved)
        for (tree, conflicts), *moved in zip(trees, here, there, strict=True)
    ]


def _commits(folder: Path, cases: Sequence[Sides]) -> Sequence[tuple[str, str, str]]:
    grow(folder, (each for number, sides in enumerate(cases) for each in _growths(number, sides)))
    listed = git(folder, "for-each-ref", "--format=%(refname:strip=2) %(objectname)")
    named = dict(line.split() for line in listed.splitlines())
    return [
        (named[f"base{number}"], named[f"local{number}"], named[f"incoming{number}"])
        for number in range(len(cases))
    ]


def _growths(number: int, sides: Sides) -> Iterator[Growth]:
    base, local, incoming = sides
    yield Growth(f"base{number}", [base])
    yield Growth(f"local{number}", [local], of=f"base{number}")
    yield Growth(f"incoming{number}", [incoming], of=f"base{number}")


def _merged(
    folder: Path, pairs: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, frozenset[bytes]]]:
    """Read ``merge-tree --stdin -z``: a status, a tree, and of a conflict who is in it and why."""
    words = iter(_ask(folder, pairs, *_SETTINGS, "merge-tree", "--write-tree", "--stdin", "-z"))
    for _ in pairs:
        clean, tree = next(words) == b"1", next(words).decode()
        paths = set()
        if clean:
            next(words)
        else:
            while stage := next(words):
                paths.add(stage.partition(b"\t")[2])
            while count := next(words):
                named = [next(words) for _ in range(int(count))]
                if next(words).startswith(b"CONFLICT"):
                    paths |= {*named}
                next(words)
        yield tree, frozenset(paths)


def _renames(folder: Path, pairs: Sequence[tuple[str, str]]) -> Sequence[Mapping[bytes, bytes]]:
    found: dict[str, dict[bytes, bytes]] = {}
    told = [(after, before) for before, after in pairs]
    words = iter(_ask(folder, told, "diff-tree", "--stdin", *_LOOKED_FOR))
    current: dict[bytes, bytes] = {}
    for word in filter(None, words):
        if word.startswith(b"R"):
            old = next(words)
            current[old] = next(words)
        else:
            current = found.setdefault(word.decode().strip(), {})
    return [found.get(after, {}) for _, after in pairs]


def _ask(folder: Path, pairs: Sequence[tuple[str, str]], *arguments: str) -> list[bytes]:
    told = "".join(f"{one} {other}\n" for one, other in pairs).encode()
    run = subprocess.run(
        ["git", *arguments], cwd=folder, input=told, capture_output=True, check=True
    )
    return run.stdout.split(b"\0")


def _stands(repository: Repository, tree: str) -> Mapping[bytes, Stands]:
    found = repository.tree(tree).items()
    return {unescape(path): Stands(each.mode, each.oid) for path, each in found}
