"""Random histories of a product, and what a user made of an installation, from one number each.

A history is a few releases, each with files changed, added, removed, renamed, made links or
folders. A user installs one of them, mixes in files of another, edits, adds, moves and removes.
What only the user has holds a mark of its own, so that it can be looked for afterwards.
"""

import hashlib
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from aos_upgrade_plugin.models.source import Blob, Historic, LaidDown, ObjectId, blob_id, blob_names
from aos_upgrade_plugin.models.three_way import Target, Version, Versions
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, escape, unescape

_LINES = 8
_FOLDERS = ("a", "a/b", "c", "odd \n\xff name", "x" * 60)
_NAMES = ("one.md", "two.md", "Three.md", "three.md", "b", "run.sh", "data.bin", "e" * 90)


class Item(NamedTuple):
    """A file, or a link whose content is where it points."""

    content: bytes
    kind: Kind = Kind.FILE
    executable: bool = False


Release = Mapping[bytes, Item]
Step = Sequence[tuple[TreePath, TreePath | None]]
"""What a release renamed, and what it removed."""


class History(NamedTuple):
    """Releases of a product, the oldest first, with the steps between them."""

    releases: Sequence[Release]
    steps: Sequence[Step]
    """One fewer than releases."""


class User(NamedTuple):
    """An installation as a user left it."""

    items: Release
    folders: frozenset[bytes]
    """Empty ones of the user's."""
    marks: Mapping[bytes, bytes]
    """A mark for each path whose content only the user has."""


def history(chance: random.Random) -> History:
    """Make up two to five releases."""
    release: dict[bytes, Item] = {}
    for _ in range(chance.randint(2, 7)):
        _add(release, _text(chance), chance)
    releases, steps = [dict(release)], []
    for _ in range(chance.randint(1, 4)):
        steps.append(_step(release, chance))
        releases.append(dict(release))
    return History(releases, steps)


def user(chance: random.Random, releases: Sequence[Release], installed: int) -> User:
    """Make up what became of an installed release."""
    items = dict(releases[installed])
    if chance.random() < 0.2:  # a few files of another release, copied by hand
        other = chance.choice(releases)
        for path in chance.sample(sorted(other), min(2, len(other))):
            _put(items, path, other[path])
    marks: dict[bytes, bytes] = {}
    for number in range(chance.randint(0, 5)):
        _do_something(items, marks, b"only the user has this %d" % number, chance, releases)
    marks = {path: mark for path, mark in marks.items() if path in items}
    free = (
        {b"mine", b"a/empty", b"c/one.md", b"a/b"}
        - {*items}
        - {folder for path in items for folder in above(path)}
    )
    below = {path for path in free if not any(folder in items for folder in above(path))}
    folders = chance.sample(sorted(below), min(len(below), chance.randint(0, 1)))
    return User(items, frozenset(folders), marks)


def versions(items: Release, *, on_disk: bool = False) -> Versions:
    """Return one side in git's terms; what is on a disk may have other line ends."""
    return {
        escape(path): Version(
            item.kind,
            item.executable,
            blob_names(item.content, "sha1")
            if on_disk and item.kind is Kind.FILE
            else frozenset({blob_id(item.content, "sha1")}),
        )
        for path, item in items.items()
    }


def laid(items: Release) -> Mapping[TreePath, LaidDown]:
    """Return what a source brings."""
    return {
        escape(path): LaidDown(entry=entry(item), blob=blob_id(item.content, "sha1"))
        for path, item in items.items()
    }


def target(mine: User) -> Target:
    """Return what stands on the disk."""
    folders = {folder for path in (*mine.items, *mine.folders) for folder in above(path)}
    tree = {escape(path): Entry(kind=Kind.DIRECTORY, mode=0o755) for path in folders | mine.folders}
    tree |= {escape(path): entry(item) for path, item in mine.items.items()}
    return Target(0o755, tree, versions(mine.items, on_disk=True), frozenset())


def entry(item: Item) -> Entry:
    """Return what stands at a path."""
    if item.kind is Kind.LINK:
        return Entry(kind=Kind.LINK, link_target=escape(item.content))
    return Entry(
        kind=Kind.FILE,
        mode=0o755 if item.executable else 0o644,
        size_bytes=len(item.content),
        digest=hashlib.sha256(item.content).hexdigest(),
    )


def historic(releases: Sequence[Release]) -> Sequence[Historic]:
    """Return the releases as commits in a row, as a source's history tells of them."""
    commits: list[Historic] = []
    before: Release = {}
    for number, release in enumerate(releases):
        changed = tuple(
            (escape(path), _blob(before.get(path)), _blob(release.get(path)))
            for path in sorted({*before, *release})
            if before.get(path) != release.get(path)
        )
        commits.append(Historic(commit(number), commit(number - 1) if number else None, changed))
        before = release
    return commits


def commit(number: int) -> ObjectId:
    """Return the name of a release's commit."""
    return f"{number + 1:040x}"


def blobs(release: Release) -> Mapping[TreePath, Blob]:
    """Return what a commit has."""
    return {escape(path): blob for path, item in release.items() if (blob := _blob(item))}


def above(path: bytes) -> Iterator[bytes]:
    """Yield the folders that a path lies in."""
    while path := path.rpartition(b"/")[0]:
        yield path


# ---- what a release does ---------------------------------------------------------------------


def _step(release: dict[bytes, Item], chance: random.Random) -> Step:
    """Change a release; return what was renamed and removed."""
    step: dict[bytes, bytes | None] = {}
    touched: set[bytes] = set()
    for _ in range(chance.randint(1, 5)):
        free = sorted({*release} - touched)
        what = chance.choice(("add", "change", "change", "remove", "rename", "rename", "turn"))
        if what == "add" or not free:
            touched.add(_add(release, _text(chance), chance))
            continue
        path = chance.choice(free)
        if what == "change":
            release[path] = _changed(release[path], chance)
        elif what == "turn":
            release[path] = _turned(release[path], chance)
        elif what == "remove":
            del release[path]
            step[path] = None
        else:
            item = release.pop(path)
            step[path] = _add(release, item, chance, beside=path)
            if chance.random() < 0.4:
                release[step[path] or path] = _changed(item, chance)
            touched.add(step[path] or path)
        touched.add(path)
    return [(escape(old), escape(new) if new else None) for old, new in step.items() if old != new]


def _add(
    release: dict[bytes, Item], item: Item, chance: random.Random, beside: bytes | None = None
) -> bytes:
    """Put something where there is room for it, sometimes just beside a name; return where."""
    while True:
        folder, name = chance.choice(_FOLDERS), chance.choice(_NAMES)
        path = f"{folder}/{name}".encode("latin-1")
        if beside and chance.random() < 0.3:
            path = chance.choice((beside.swapcase(), beside + b"/index", beside + b".new"))
        if chance.random() < 0.3:
            path += b"%d" % chance.randint(0, 9)
        if _is_free(release, path):
            release[path] = item
            return path


def _is_free(items: Mapping[bytes, Item], path: bytes) -> bool:
    if any(folder in items for folder in above(path)):
        return False
    return not any(other == path or other.startswith(path + b"/") for other in items)


def _put(items: dict[bytes, Item], path: bytes, item: Item) -> bool:
    """Put something at a path over what is there, if there is room for it."""
    if path not in items and not _is_free(items, path):
        return False
    items[path] = item
    return True


def _text(chance: random.Random) -> Item:
    if chance.random() < 0.1:
        return Item(b"")
    token = chance.getrandbits(32)
    lines = [b"line %d of the text %08x\n" % (number, token) for number in range(_LINES)]
    if chance.random() < 0.2:
        lines = [each for line in lines for each in (line, b"\n")]
    if chance.random() < 0.1:
        return Item(b"\0" + b"".join(lines))
    return Item(b"".join(lines), executable=chance.random() < 0.1)


def _changed(item: Item, chance: random.Random) -> Item:
    if item.kind is Kind.LINK:
        return item._replace(content=b"elsewhere/%d" % chance.getrandbits(16))
    new = b"changed upstream %d\n" % chance.getrandbits(32)
    return item._replace(content=_with_line(item.content, new, chance))


def _turned(item: Item, chance: random.Random) -> Item:
    """Change what is not content: whether it can be run, its line ends, or what it is."""
    if item.kind is Kind.LINK:
        return _text(chance)
    match chance.randint(0, 2):
        case 0:
            return item._replace(executable=not item.executable)
        case 1:
            return item._replace(content=_other_line_ends(item.content))
        case _:
            return Item(b"../somewhere/%d" % chance.getrandbits(16), Kind.LINK)


def _other_line_ends(content: bytes) -> bytes:
    with_lf = content.replace(b"\r\n", b"\n")
    return with_lf if with_lf != content else content.replace(b"\n", b"\r\n")


# ---- what a user does ------------------------------------------------------------------------


def _do_something(
    items: dict[bytes, Item],
    marks: dict[bytes, bytes],
    mark: bytes,
    chance: random.Random,
    releases: Sequence[Release],
) -> None:
    """Edit, add, remove, move or convert one file."""
    there = _wanted(chance, releases)
    what = chance.choice(("edit", "edit", "add", "add", "remove", "move", "convert"))
    if what == "add" or not items:
        if there not in items and _put(items, there, Item(mark + b"\n")):
            marks[there] = mark
        return
    path = chance.choice(sorted(items))
    if what == "edit":
        items[path] = _edited(items[path], mark, chance)
        marks[path] = mark
    elif what == "convert" and items[path].kind is Kind.FILE and b"\0" not in items[path].content:
        items[path] = items[path]._replace(content=_other_line_ends(items[path].content))
    elif what == "remove" or (what == "move" and _is_free(items, there)):
        item, marked = items.pop(path), marks.pop(path, None)
        if what == "move":
            items[there] = item
            marks |= {there: marked} if marked else {}


def _wanted(chance: random.Random, releases: Sequence[Release]) -> bytes:
    """Return a path of the user's own, or one that some release has, or lies below one."""
    upstream = chance.choice(sorted(chance.choice(releases)) or [b"mine"])
    return chance.choice(
        (b"mine", b"a/mine.md", upstream, upstream, upstream + b"/mine", upstream.split(b"/")[0])
    )


def _edited(item: Item, mark: bytes, chance: random.Random) -> Item:
    if item.kind is Kind.LINK:
        return item._replace(content=mark)
    return item._replace(content=_with_line(item.content, mark + b"\n", chance))


def _with_line(content: bytes, line: bytes, chance: random.Random) -> bytes:
    """Put a line between others, or into the place of one or two."""
    lines = content.splitlines(keepends=True)
    start = chance.randint(0, len(lines))
    lines[start : start + chance.choice((0, 0, 1, 2))] = [line]
    return b"".join(lines)


def _blob(item: Item | None) -> Blob | None:
    return Blob(item.kind, item.executable, blob_id(item.content, "sha1")) if item else None


def contents(trees: Iterable[Release]) -> Mapping[str, Item]:
    """Return every item by the digest or link target that an entry has of it."""
    return {known_by(entry(item)): item for tree in trees for item in tree.values()}


def known_by(stands: Entry) -> str:
    """Return what tells the content of an entry from all others."""
    return stands.digest or f"-> {stands.link_target}"


def left(tree: Mapping[TreePath, Entry], known: Mapping[str, Item]) -> User:
    """Return what stands after an upgrade as an installation again."""
    items = {
        unescape(path): known[known_by(stands)]._replace(
            executable=stands.kind is Kind.FILE and bool(stands.mode & 0o100)
        )
        for path, stands in tree.items()
        if stands.kind is not Kind.DIRECTORY
    }
    folders = {unescape(path) for path in tree} - {*items}
    empty = folders - {folder for path in (*items, *folders) for folder in above(path)}
    return User(items, frozenset(empty), {})
