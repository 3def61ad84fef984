"""What an installation was made from, told by its files: which commit had most of them.

Versions that are written down somewhere are not believed; only git's names of contents are.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.plan import Laid, PlannedChange
from aos_upgrade_plugin.models.source import (
    Blob,
    Historic,
    LaidDown,
    ObjectFormat,
    ObjectId,
    blob_id,
)
from aos_upgrade_plugin.models.three_way import Version, Versions
from aos_upgrade_plugin.models.tree import TreePath, unescape


class Trace(NamedTuple):
    """What the history of a source says about an installation."""

    score: int
    """Of the best commits: files that are as it had them, less those it had that are missing."""
    best: tuple[ObjectId, ...]
    """The commits which explain the installation equally well, the oldest first."""
    seen: Mapping[TreePath, Mapping[ObjectId, Blob]]
    """Every content that a path ever had."""
    edited: Mapping[TreePath, Mapping[ObjectId, Blob]]
    """For each file that no commit had: what each of the best commits had there."""


def trace(
    *, history: Sequence[Historic], places: Mapping[TreePath, TreePath], local: Versions
) -> Trace:
    """Follow the history once and find the commits that explain an installation best.

    ``places`` maps paths of the source to paths of the installation.
    """
    scores = scores_of(history=history, places=places, local=local)
    score = max(scores.values(), default=0)
    best = tuple(commit for commit, reached in scores.items() if reached == score > 0)
    seen = _seen(history, places)
    unexplained = {
        path for path, version in local.items() if path in seen and not _match(version, seen[path])
    }
    return Trace(score, best, seen, _at_commits(history, places, unexplained, best))


def ambiguous(found: Trace) -> Mapping[TreePath, frozenset[ObjectId]]:
    """Return the edited files of which the best commits had different contents, with these."""
    contents = {
        path: frozenset(blob.oid for blob in blobs.values()) for path, blobs in found.edited.items()
    }
    return {path: oids for path, oids in contents.items() if len(oids) > 1}


def made_from(
    found: Trace,
    *,
    contents: Mapping[ObjectId, bytes],
    local: Mapping[TreePath, bytes],
    whole: Mapping[ObjectId, int],
) -> ObjectId | None:
    """Return the one commit that an installation was made from, as far as that can be told.

    Among equally good ones it is the one whose files the user's edits resemble most, then the
    one that explains the ``whole`` installation best, then the oldest: it brought what stands
    there. ``contents`` and ``local`` hold what :func:`ambiguous` asked for.
    """

    def likelihood(commit: ObjectId) -> tuple[float, int]:
        had = ((path, found.edited[path].get(commit)) for path in local)
        resemblance = sum(_alike(local[path], contents[blob.oid]) for path, blob in had if blob)
        return resemblance, whole.get(commit, 0)

    return max(found.best, key=likelihood, default=None)


def recovered_base(found: Trace, *, tree: Mapping[TreePath, Blob], local: Versions) -> Versions:
    """Return what was laid down: a content that a path ever had, else what the commit had.

    ``tree`` is the commit's. A file that no commit had at its path is the user's: it has no base.
    """
    base = {path: Version.of(blob) for path, blob in tree.items()}
    for path, version in local.items():
        matches = _match(version, found.seen.get(path, {}))
        if matches and not (path in base and base[path].same_content(version)):
            base[path] = Version.of(matches[-1])
    return base


def unrecovered(found: Trace, *, base: Versions, local: Versions) -> tuple[TreePath, ...]:
    """Return the files at paths of the product of which nothing says what was laid down there."""
    return tuple(sorted(path for path in local if path in found.seen and path not in base))


def score_of(laid: Laid, *, local: Versions) -> int:
    """Say how well a record explains an installation, in the measure of :class:`Trace`.

    What the user had kept or removed at that time is explained by it too; so a decision does not
    make the record look out of date.
    """
    return sum(
        1 if _was_so(path, laid, local.get(path)) else _worth(path, one.in_git, local)
        for path, one in laid.paths.items()
    )


def _was_so(path: TreePath, laid: Laid, version: Version | None) -> bool:
    if version is None:
        return path in laid.away
    return laid.kept.get(path) in version.blobs


def users_own(
    *,
    incoming: Mapping[TreePath, LaidDown],
    local: Versions,
    changes: Iterable[PlannedChange],
    object_format: ObjectFormat,
) -> Mapping[TreePath, ObjectId | None]:
    """Return git's name of what will stand where the user's own is kept; nothing for nothing."""
    planned = {one.change.path: one for one in changes if one.change.place is Place.INSTALL}
    own: dict[TreePath, ObjectId | None] = {}
    for path, comes in incoming.items():
        names = _names_after(path, planned.get(path), local, object_format)
        if names is None:
            own[path] = None
        elif names and comes.blob not in names:
            own[path] = min(names)
    return own


def _names_after(
    path: TreePath, one: PlannedChange | None, local: Versions, object_format: ObjectFormat
) -> AbstractSet[ObjectId] | None:
    """Return git's names of what stands at a path after its change; nothing for nothing."""
    if one and one.text is not None:
        return {blob_id(unescape(one.text), object_format)}
    if one and one.blob is not None:
        return {one.blob}
    stands = local.get(one.stands_at if one else path)
    return stands.blobs if stands else None


def scores_of(
    *, history: Iterable[Historic], places: Mapping[TreePath, TreePath], local: Versions
) -> Mapping[ObjectId, int]:
    """Say how well each commit explains an installation, in the measure of :class:`Trace`."""
    scores: dict[ObjectId, int] = {}
    for commit, parent, changed in history:
        scores[commit] = scores.get(parent or "", 0) + sum(
            _worth(places[path], after, local) - _worth(places[path], before, local)
            for path, before, after in changed
            if path in places
        )
    return scores


def _worth(path: TreePath, blob: Blob | None, local: Versions) -> int:
    if blob is None:
        return 0
    version = local.get(path)
    if version is None:
        return -1
    return 1 if version.same_content(Version.of(blob)) else 0


def _seen(
    history: Iterable[Historic], places: Mapping[TreePath, TreePath]
) -> Mapping[TreePath, Mapping[ObjectId, Blob]]:
    seen: defaultdict[TreePath, dict[ObjectId, Blob]] = defaultdict(dict)
    for _, _, changed in history:
        for path, _, after in changed:
            if after is not None and path in places:
                seen[places[path]][after.oid] = after
    return seen


def _at_commits(
    history: Iterable[Historic],
    places: Mapping[TreePath, TreePath],
    wanted: set[TreePath],
    commits: Iterable[ObjectId],
) -> Mapping[TreePath, Mapping[ObjectId, Blob]]:
    """Return what some commits had at the wanted paths."""
    states: dict[ObjectId, Mapping[TreePath, Blob | None]] = {}
    for commit, parent, changed in history:
        here = {places[path]: after for path, _, after in changed if places.get(path) in wanted}
        before = states.get(parent or "", {})
        states[commit] = {**before, **here} if here else before
    return {
        path: {commit: blob for commit in commits if (blob := states[commit].get(path))}
        for path in wanted
    }


def _match(version: Version, blobs: Mapping[ObjectId, Blob]) -> list[Blob]:
    named = (blobs[oid] for oid in version.blobs if oid in blobs)
    return [blob for blob in named if blob.kind is version.kind]


def _alike(one: bytes, other: bytes) -> float:
    """Return the share of lines that two texts have in common, between 0 and 1."""
    ours, theirs = Counter(one.splitlines()), Counter(other.splitlines())
    total = ours.total() + theirs.total()
    return 2 * (ours & theirs).total() / total if total else 1.0
