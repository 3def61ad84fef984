"""What a git repository holds: commits, their trees and contents, their history."""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.source.git import Git
from aos_upgrade_plugin.errors import DamagedError, NotFoundError, RefusedError
from aos_upgrade_plugin.models.source import Blob, Historic, ObjectFormat, ObjectId, blob_id
from aos_upgrade_plugin.models.tree import TreePath, escape, in_repository, shown, unescape

Renamed = tuple[TreePath, TreePath | None]
"""An old path and its new one; nothing where it was removed."""

_HOSTILE_NAMES = {b"", b".", b".."}


class Committed(NamedTuple):
    """One thing in a commit's tree: a file, a link, or another repository's commit."""

    mode: str
    oid: ObjectId

    @property
    def blob(self) -> Blob | None:
        """The file or link; nothing for another repository."""
        return Blob.of(self.mode, self.oid)


class Repository:
    """One repository, named by its work tree or, where it has none, by itself."""

    def __init__(self, path: Path) -> None:
        """Open the repository that a folder is; one that merely lies in another's is refused."""
        self.path = path
        self._git = Git(path)
        if not path.is_dir():
            raise NotFoundError(f"there is no folder {path}", cure="name a git checkout: --source")
        asked = ("--is-inside-work-tree", "--is-bare-repository", "--is-shallow-repository")
        answer = self._git.ask("rev-parse", *asked, "--show-object-format", "--show-prefix")
        in_work_tree, bare, shallow, object_format, prefix = answer.split(b"\n", 4)
        if prefix.strip():
            raise NotFoundError(
                f"{path} is no git checkout of its own: it lies in another repository",
                cure="name the folder that was cloned: --source DIR",
            )
        if b"true" not in {in_work_tree, bare}:
            raise NotFoundError(
                f"{path} is the inside of a repository", cure="name the folder that holds .git"
            )
        self.has_work_tree = in_work_tree == b"true"
        self.shallow = shallow == b"true"
        self.object_format: ObjectFormat = "sha256" if object_format == b"sha256" else "sha1"

    def commit(self, reference: str) -> ObjectId:
        """Return the commit that a branch, a tag or an abbreviated commit names."""
        asked = f"{reference}^{{commit}}"
        run = self._git.run("rev-parse", "--verify", "--quiet", "--end-of-options", asked)
        found = run.stdout.decode("ascii", "replace").split()
        if run.returncode or not found:
            raise NotFoundError(
                f"{shown(reference)} names no commit in {self.path}",
                cure=f"look at the names there are: git -C {self.path} log --all --decorate",
            )
        return found[-1]

    def tree(self, commit: ObjectId) -> Mapping[TreePath, Committed]:
        """Return everything in a commit that is no folder."""
        listed = self._git.ask("ls-tree", "-r", "-z", "--full-tree", commit)
        tree: dict[TreePath, Committed] = {}
        for line in filter(None, listed.split(b"\0")):
            described, _, raw_path = line.partition(b"\t")
            mode, _, oid = described.decode("ascii").split(" ")
            tree[_path(raw_path)] = Committed(mode, oid)
        return tree

    def dirt(self, *, but: Iterable[bytes] = ()) -> tuple[TreePath, ...]:
        """Return what the work tree has beside its commit, without the paths in ``but``.

        An ignored file is no dirt. A folder of untracked files is named once.
        """
        if not self.has_work_tree:
            return ()
        excluded = [b":(top,exclude,literal)" + path for path in but]
        options = ("-z", "--no-renames", "--untracked-files=normal", "--ignore-submodules=all")
        listed = self._git.ask("status", "--porcelain=v1", *options, "--", ".", *excluded)
        return tuple(escape(line[3:].rstrip(b"/")) for line in listed.split(b"\0") if line)

    def tags(self, commit: ObjectId) -> tuple[str, ...]:
        """Return the names of the tags on exactly this commit."""
        form = "--format=%(refname:strip=2)"
        listed = self._git.ask("for-each-ref", f"--points-at={commit}", form, "refs/tags")
        return tuple(escape(name) for name in sorted(listed.splitlines()))

    def history(self, commit: ObjectId, roots: Iterable[TreePath]) -> Iterator[Historic]:
        """Yield what each commit changed below some roots, parents before their children.

        Every branch there is belongs to the history, not only the way to the given commit: an
        installation may come from any. Where a clone is shallow, its oldest commits add it all.
        """
        order = ("--parents", "--topo-order", "--reverse")
        listed = self._git.ask("rev-list", *order, "--all", commit).decode("ascii")
        lines = [line.split()[:2] for line in listed.splitlines()]
        form = ("--raw", "-r", "-z", "--root", "--no-renames", "--no-abbrev")
        pairs = "".join(f"{' '.join(line)}\n" for line in lines).encode("ascii")
        told = self._git.ask("diff-tree", "--stdin", *form, "--", *roots, told=pairs)
        changes = _changes(told)
        for one, *parents in lines:
            yield Historic(one, next(iter(parents), None), tuple(changes.get(one, ())))

    def has(self, commit: ObjectId) -> bool:
        """Say whether a commit is here, and not only its name."""
        return self._git.run("cat-file", "-e", f"{commit}^{{commit}}").returncode == 0

    def renames(self, old: ObjectId, new: ObjectId, roots: Sequence[TreePath]) -> Sequence[Renamed]:
        """Return what git takes for renamed or removed below some roots between two commits."""
        return self._renamed([(new, old)], roots).get(new, ())

    def steps(
        self, old: ObjectId, new: ObjectId, roots: Sequence[TreePath]
    ) -> Iterator[Sequence[Renamed]]:
        """Yield the same for each commit of the main line from one to the other."""
        order = ("--first-parent", "--parents", "--reverse")
        listed = self._git.ask("rev-list", *order, f"{old}..{new}").decode("ascii")
        pairs = [
            (line[0], line[1]) for each in listed.splitlines() if len(line := each.split()) > 1
        ]
        renamed = self._renamed(pairs, roots)
        yield from (renamed.get(commit, ()) for commit, _ in pairs)

    def _renamed(
        self, pairs: Iterable[tuple[ObjectId, ObjectId]], roots: Sequence[TreePath]
    ) -> Mapping[ObjectId, Sequence[Renamed]]:
        """Ask for renames between commits and others; by name of content alone if need be.

        A partial clone has not all the contents that are to be compared. Two empty files are no
        renamed one, as in git's merge: nothing in them says that they belong together.
        """
        told = "".join(f"{commit} {other}\n" for commit, other in pairs).encode("ascii")
        form = ("diff-tree", "--stdin", "--raw", "-r", "-z", "--no-abbrev", "--diff-filter=DR")
        for similar in ("--find-renames=50%", "--find-renames=100%"):
            run = self._git.run(
                *form, similar, "--no-rename-empty", "-l0", "--", *map(_literal, roots), told=told
            )
            if run.returncode == 0:
                return _renames(run.stdout)
        return {}

    @contextmanager
    def blobs(self) -> Generator[Callable[[ObjectId], bytes]]:
        """Offer a function that reads a file's content and proves that it is the right one."""
        with self._git.contents() as read:

            def read_proven(oid: ObjectId) -> bytes:
                content = read(oid)
                if blob_id(content, self.object_format) != oid:
                    raise DamagedError(
                        f"the content {oid} in {self.path} is not what its name says",
                        cure=f"look at it with: git -C {self.path} fsck",
                    )
                return content

            yield read_proven


def _path(raw: bytes) -> TreePath:
    path = escape(raw)
    if in_repository(path) or not _HOSTILE_NAMES.isdisjoint(raw.split(b"/")):
        raise RefusedError(
            f"a commit holds the path {path}, which leads out of its folder",
            cure="do not use this source; git fsck says more",
        )
    return path


def _changes(told: bytes) -> Mapping[ObjectId, list[tuple[TreePath, Blob | None, Blob | None]]]:
    """Read ``diff-tree --stdin --raw -z``: a commit, then for each change a line and a path."""
    changes: dict[ObjectId, list[tuple[TreePath, Blob | None, Blob | None]]] = {}
    current: list[tuple[TreePath, Blob | None, Blob | None]] = []
    words = iter(told.split(b"\0"))
    for word in filter(None, words):
        if word.startswith(b":"):
            old_mode, new_mode, old, new, _ = word[1:].decode("ascii").split(" ")
            current.append((_path(next(words)), Blob.of(old_mode, old), Blob.of(new_mode, new)))
        else:
            current = changes.setdefault(word.decode("ascii").strip(), [])
    return changes


def _renames(told: bytes) -> Mapping[ObjectId, Sequence[Renamed]]:
    """Read the same with renames: there a line has two paths."""
    renamed: dict[ObjectId, list[Renamed]] = {}
    current: list[Renamed] = []
    words = iter(told.split(b"\0"))
    for word in filter(None, words):
        if word.startswith(b":"):
            old = _path(next(words))
            current.append((old, _path(next(words)) if b" R" in word else None))
        else:
            current = renamed.setdefault(word.decode("ascii").strip(), [])
    return renamed


def _literal(root: TreePath) -> bytes:
    return b":(top,literal)" + unescape(root)
