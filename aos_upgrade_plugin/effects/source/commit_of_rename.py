"""A commit of an upgrade that gave the install folder another name."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.source.commit import ask_git, head_of
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.errors import RefusedError

_NO_MODE = b"0"
_UNDER_WAY = {"MERGE_HEAD": "a merge", "CHERRY_PICK_HEAD": "a cherry-pick"}
_BY_HAND = "commit the changes yourself; the upgrade itself is good"


class _Entry(NamedTuple):
    """One line of an index, with its path from the top of the repository."""

    mode: bytes
    oid: bytes
    path: bytes


def commit_renamed(
    project: Path,
    names: tuple[bytes, bytes],
    paths: Iterable[bytes],
    message: str,
    *,
    scratch: Path,
) -> str | None:
    """Commit that a folder has another name now, and of its files these paths as they are.

    Every other file under the new name is committed as it was under the old one: an edit that the
    user did not commit is left out, and what is staged stays staged. What is ignored and not in
    git stays out. Nothing where none of it differs. The repository's own hooks run.
    Raises RefusedError with what git said; then nothing is staged that was not before.
    """
    _refuse_in_between(project)
    index = scratch / "index"
    durable.make_directories(scratch, mode=0o700)
    try:
        ours = _prepare(project, names, [*paths], index)
        if not ask_git(project, "diff", "--cached", "--name-only", index=index):
            return None
        ask_git(project, "commit", "--quiet", "-m", message, index=index)
    finally:
        durable.remove_tree(scratch)
    made = head_of(project)
    _follow(project, names, ours, made)
    return made


def _refuse_in_between(project: Path) -> None:
    """Raise RefusedError where a commit would end something else that the user has begun."""
    unmerged = bool(ask_git(project, "ls-files", "--unmerged", "-z"))
    under_way = [what for name, what in _UNDER_WAY.items() if _resolved(project, name) is not None]
    if unmerged or under_way:
        what = under_way[0] if under_way else "a merge"
        raise RefusedError(f"{what} is under way in {project}", cure=_BY_HAND)


def _resolved(project: Path, name: str) -> str | None:
    try:
        return ask_git(project, "rev-parse", "--quiet", "--verify", name).decode("ascii").strip()
    except RefusedError:
        return None


def _prepare(
    project: Path, names: tuple[bytes, bytes], paths: list[bytes], index: Path
) -> list[bytes]:
    """Fill an index with what shall be committed; return the paths that are as they stand."""
    if _resolved(project, "HEAD") is not None:
        ask_git(project, "read-tree", "HEAD", index=index)
    lines = b"".join(_renamed(project, names, index))
    ask_git(project, "update-index", "-z", "--index-info", said=lines, index=index)
    wanted = ("--cached", "--others", "--exclude-standard")
    listed = b""
    if paths:  # without a path it would be everything
        listed = ask_git(project, "ls-files", "-z", *wanted, "--", *paths, index=index)
    ours = sorted({*listed.split(b"\0")} - {b""})
    as_it_stands = ("--add", "--remove", "--replace", "-z", "--stdin")
    ask_git(project, "update-index", *as_it_stands, said=_listing(ours), index=index)
    return ours


def _renamed(project: Path, names: tuple[bytes, bytes], index: Path | None) -> Iterator[bytes]:
    """Yield for each entry below the old name that it leaves, and comes below the new one."""
    top = ask_git(project, "rev-parse", "--show-prefix").rstrip(b"\n")
    old, new = (top + name for name in names)
    listed = ask_git(
        project, "ls-files", "--stage", "--full-name", "-z", "--", names[0], index=index
    )
    for entry in _entries(listed):
        yield _line(_NO_MODE, b"0" * len(entry.oid), entry.path)
        yield _line(entry.mode, entry.oid, new + entry.path.removeprefix(old))


def _follow(project: Path, names: tuple[bytes, bytes], ours: list[bytes], made: str) -> None:
    """Bring the user's own index along: what was staged in it stays so, under the new name."""
    try:
        lines = b"".join(_renamed(project, names, None))
        ask_git(project, "update-index", "-z", "--index-info", said=lines)
        if ours:  # without a path it would be everything
            given = ("--pathspec-from-file=-", "--pathspec-file-nul")
            ask_git(project, "reset", "--quiet", made, *given, said=_listing(ours))
    except RefusedError as error:
        raise RefusedError(
            f"committed as {made}, but what is staged could not follow: {error}",
            cure=f"git -C {project} reset",
        ) from error


def _listing(paths: Iterable[bytes]) -> bytes:
    return b"".join(path + b"\0" for path in paths)


def _entries(listed: bytes) -> Iterator[_Entry]:
    for line in filter(None, listed.split(b"\0")):
        described, _, path = line.partition(b"\t")
        mode, oid, _ = described.split(b" ")
        yield _Entry(mode, oid, path)


def _line(mode: bytes, oid: bytes, path: bytes) -> bytes:
    return b"%s %s\t%s\0" % (mode, oid, path)
