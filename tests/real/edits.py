"""Every kind of edit that a user makes, in an installation of the real product, and what is owed.

Chosen from the files that are there and from what upstream changes between two commits, the same
ones every time. What a correct upgrade owes is told by git: where its three-way merge of a file
is clean, both changes; where it is not, a question. Nothing here asks the code under test.
"""

import os
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from tests.real.own_files import CONFIG, WORKFLOW
from tests.real.sides import File, Files, is_server, laid_down, merged, renamed

_COMMENTS = {".md": "<!-- {} -->", ".py": "# {}", ".yaml": "# {}", ".txt": "# {}"}
_RULES = "standards/development/our-rules.md"
_NEEDED = "mcp_server/requirements.txt"


class Kind(StrEnum):
    """What a user did."""

    MERGES = "edited, upstream changes other lines"
    CONFLICTS = "edited, upstream changes the same lines"
    KEPT = "edited, upstream leaves it alone"
    MOVED = "edited, upstream moves it"
    DELETED = "edited, upstream deletes it"
    REMOVED = "removed, upstream leaves it alone"
    REMOVED_CHANGED = "removed, upstream changes it"
    ADDED = "added inside a system folder"
    ADDED_ALSO = "added, upstream adds another of that name"
    ADDED_SAME = "added, upstream adds the same"
    CONFIG = "the configuration"
    WORKFLOW = "a workflow of one's own"
    OWN = "standards and specs of one's own"
    MODE = "made executable, upstream leaves it alone"
    MODE_CHANGED = "made executable, upstream changes the text"
    LINK = "a link added inside a system folder"
    LINKED = "replaced by a link, upstream leaves it alone"


class Edit(NamedTuple):
    """One thing that the user did, and what an upgrade owes for it."""

    kind: Kind
    path: str
    """Where the user did it, below the install folder."""
    stands_at: str
    """Where it must be after the upgrade: another place where upstream moved the file."""
    made: File | None
    """What the user left there; nothing where they removed it."""
    owed: File | None
    """What must stand there, when nobody has to decide: the merge, or what the user made."""
    marker: bytes = b""
    """The bytes that only the user has; none where there are none, as of a mode."""
    decision: bool = False
    """A person has to decide: git's merge is not clean, or only one side still has the file."""
    may_go: str = ""
    """Where it may stand as well: of what was added in a folder that upstream moved."""

    @property
    def server(self) -> bool:
        """Whether it is in the server's code."""
        return is_server(self.path)


class Kit(NamedTuple):
    """All edits of an installation, and the two sides between which it is upgraded."""

    old: str
    new: str
    folders: tuple[str, str]
    """What the install folder is called before and after."""
    base: Files
    incoming: Files
    renames: Mapping[str, str]
    """What upstream moved, as git detects it: old path to new path."""
    edits: tuple[Edit, ...]


def edit(
    clone: Path, old: str, new: str, install: Path, *, but: Collection[Kind] = frozenset()
) -> Kit:
    """Make every kind of edit, ``but`` some, in an installation of ``old`` as it was laid down."""
    folder, base = laid_down(clone, old)
    becomes, incoming = laid_down(clone, new)
    renames = renamed(clone, old, new, base, incoming)
    chosen = _Choosing(base, incoming, renames, folder).edits()
    edits = tuple(each for each in chosen if each.kind not in but)
    for each in edits:
        _make(install, each)
    return Kit(old, new, (folder, becomes), base, incoming, renames, edits)


def marker(kind: Kind, path: str) -> str:
    """Return words that stand nowhere else."""
    return f"our team, {kind.name.lower().replace('_', ' ')}, {path}"


def _make(install: Path, made: Edit) -> None:
    place = install / made.path
    place.unlink(missing_ok=True)
    if made.made is None:
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if made.made.link:
        place.symlink_to(os.fsdecode(made.made.content))
        return
    place.write_bytes(made.made.content)
    place.chmod(0o755 if made.made.executable else 0o644)


_Make = Callable[[Kind, str], Edit | None]


class _Choosing:
    """Chooses the files to be edited, none of them twice, and more than it edits left alone."""

    def __init__(
        self, base: Files, incoming: Files, renames: Mapping[str, str], folder: str
    ) -> None:
        self.base, self.incoming, self.renames, self.folder = base, incoming, renames, folder
        self.used: set[str] = set()
        plain = [path for path in base if Path(path).suffix in _COMMENTS and path != _NEEDED]
        self.changed = [each for each in plain if each in incoming and incoming[each] != base[each]]
        self.still = [each for each in plain if incoming.get(each) == base[each]]
        self.gone = [each for each in plain if each not in incoming and each not in renames]
        self.moved = [each for each in plain if each in renames]
        known = {*base, *renames.values()}
        self.new = [each for each in incoming if each not in known and each.endswith(".md")]

    def edits(self) -> Iterator[Edit]:
        """Yield every edit; kinds that upstream's changes make possible for these commits."""
        for server in (False, True):
            changed, still, gone, moved = (
                [path for path in paths if is_server(path) is server]
                for paths in (self.changed, self.still, self.gone, self.moved)
            )
            yield from self._take(Kind.MERGES, changed, self._inserted, 3)
            yield from self._take(Kind.CONFLICTS, changed, self._overwritten, 2)
            yield from self._take(Kind.REMOVED_CHANGED, changed, self._removed)
            yield from self._take(Kind.MODE_CHANGED, changed, self._executable)
            yield from self._take(Kind.MOVED, moved, self._inserted, 3)
            yield from self._take(Kind.DELETED, gone, self._inserted)
            yield from self._take(Kind.KEPT, still, self._inserted, 2)
            yield from self._take(Kind.REMOVED, still, self._removed)
            yield from self._take(Kind.MODE, still, self._executable)
            yield from self._take(Kind.LINKED, still, self._linked)
        yield from self._take(Kind.ADDED_ALSO, self.new, self._added_also)
        yield from self._take(Kind.ADDED_SAME, self.new, self._added_also)
        yield from self._beside()
        yield from self._own()

    def _take(
        self, kind: Kind, paths: Sequence[str], make: _Make, count: int = 1
    ) -> Iterator[Edit]:
        """Make an edit in some files, from all over the list; half of it is left alone."""
        free = [path for path in paths if path not in self.used]
        spare = max(1, len(free) - len(paths) // 2) if free else 0
        for _ in range(min(count, spare)):
            found = next((one for path in _shuffled(free) if (one := make(kind, path))), None)
            if found is None:
                return
            self.used.add(found.path)
            free.remove(found.path)
            yield found

    def _edit(self, kind: Kind, path: str, content: bytes, words: str) -> Edit:
        """Return an edit with what git makes of it and of what comes."""
        base, to = self.base[path], self.renames.get(path, path)
        comes = self.incoming.get(to)
        both = merged(content, base.content, comes.content) if comes else None
        owed = File(both, comes.executable) if comes and both is not None else None
        made = File(content, base.executable)
        return Edit(kind, path, to, made, owed, words.encode(), decision=owed is None)

    def _inserted(self, kind: Kind, path: str) -> Edit | None:
        """Add a line of one's own, where git merges it if it does anywhere."""
        lines = _lines(self.base[path].content)
        words = marker(kind, path)
        for at in dict.fromkeys((len(lines), len(lines) // 2, 1)):
            text = b"".join((*lines[:at], _comment(path, words), *lines[at:]))
            found = self._edit(kind, path, text, words)
            if found.decision is (kind is Kind.DELETED):
                return found
        return None

    def _overwritten(self, kind: Kind, path: str) -> Edit | None:
        """Change a line that upstream changes too."""
        lines, words = _lines(self.base[path].content), marker(kind, path)
        comes = set(_lines(self.incoming[path].content))
        for at, line in enumerate(lines):
            if line in comes or not line.strip() or line.endswith(b"\\\n"):
                continue
            with_ours = line.rstrip(b"\r\n") + b"  " + _comment(path, words)
            found = self._edit(
                kind, path, b"".join((*lines[:at], with_ours, *lines[at + 1 :])), words
            )
            if found.decision:
                return found
        return None

    def _removed(self, kind: Kind, path: str) -> Edit:
        return Edit(kind, path, path, None, None, decision=kind is Kind.REMOVED_CHANGED)

    def _executable(self, kind: Kind, path: str) -> Edit | None:
        base, comes = self.base[path], self.incoming[path]
        if base.executable or comes.executable:
            return None
        made, owed = (each._replace(executable=True) for each in (base, comes))
        return Edit(kind, path, path, made, owed)

    def _linked(self, kind: Kind, path: str) -> Edit:
        """Put a link to a file of one's own into its place."""
        up = "../" * path.count("/")
        words = f"{up}{_RULES}"
        made = File(words.encode(), link=True)
        return Edit(kind, path, path, made, made, words.encode())

    def _added_also(self, kind: Kind, path: str) -> Edit:
        words = marker(kind, path)
        made = File(b"# Ours\n\n" + _comment(path, words))
        if kind is Kind.ADDED_SAME:
            return Edit(kind, path, path, self.incoming[path], self.incoming[path])
        return Edit(kind, path, path, made, None, words.encode(), decision=True)

    def _beside(self) -> Iterator[Edit]:
        """Add files and a link in folders of the product, one of them in each that moves."""
        chosen = (*self.still[:1], *self.changed[:1], *self.moved, *self.gone)
        folders = dict.fromkeys(("standards/universal", "workflows", "mcp_server"), "")
        for path in chosen:
            goes = self.renames.get(path, path)
            folders[str(Path(path).parent)] = str(Path(goes).parent)
        for folder, goes in sorted(folders.items()):
            name = "our_notes.py" if is_server(f"{folder}/") else "our-notes.md"
            yield _new(Kind.ADDED, f"{folder}/{name}")._replace(may_go=f"{goes}/{name}")
        link = File(b"our-notes.md", link=True)
        path = "standards/universal/our-link.md"
        yield Edit(Kind.LINK, path, path, link, link, link.content)

    def _own(self) -> Iterator[Edit]:
        """Add what is the user's own altogether."""
        for path in (_RULES, "specs/2025-11-01-ours/README.md"):
            yield _new(Kind.OWN, path)
        for name in ("metadata.json", "phases/0/phase.md", "phases/0/task-1-ours.md"):
            yield _new(Kind.WORKFLOW, f"workflows/our_release_v1/{name}")
        yield _new(Kind.CONFIG, "config.json", self.folder)


def _new(kind: Kind, path: str, folder: str = "") -> Edit:
    words = marker(kind, path)
    if path.endswith(".json"):
        form = CONFIG if kind is Kind.CONFIG else WORKFLOW
        content = form.format(folder=folder, words=words).encode()
    else:
        content = _comment(path, words)
    return Edit(kind, path, path, File(content), File(content), words.encode())


def _comment(path: str, words: str) -> bytes:
    return _COMMENTS[Path(path).suffix].format(words).encode() + b"\n"


def _lines(content: bytes) -> list[bytes]:
    """Return the lines of a text, each with an end."""
    lines = content.splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines[-1] += b"\n"
    return lines


def _shuffled(paths: Iterable[str]) -> list[str]:
    """Return paths in an order of no meaning, the same every time."""
    return sorted(paths, key=lambda path: zlib.crc32(path.encode()))
