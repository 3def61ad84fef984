"""From what shall stand at each path to the changes that lead there, with their modes."""

import hashlib
from collections.abc import Iterable, Mapping

from aos_upgrade_plugin.decide.content.resolution import Resolution, folders_above
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.plan import PlannedChange
from aos_upgrade_plugin.models.source import LaidDown
from aos_upgrade_plugin.models.three_way import Compared, Relation, Target
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath, escape

_ALL_READ = 0o666
_READERS = 0o444
_RUNNERS = 0o111


def planned_changes(
    *, resolution: Resolution, target: Target, incoming: Mapping[TreePath, LaidDown]
) -> tuple[PlannedChange, ...]:
    """Plan one change for each path that becomes something else, in path order."""
    brought = resolution.brought
    choices = {conflict.path: conflict.choice for conflict in resolution.conflicts}
    planned = {
        path: _folder(path, Relation.REMOVED_UPSTREAM, before=target.tree[path], after=None)
        for path in resolution.emptied
    }
    for path, one in brought.items():
        content = resolution.contents.get(path)
        change = _change(one, target, _comes(one, incoming.get(path), content))
        if change is not None:
            planned[path] = PlannedChange(
                change=change,
                relation=one.relation,
                choice=choices.get(path),
                renamed_from=one.renamed_from,
                base=min(one.base.blobs) if one.base else None,
                blob=incoming[path].blob if content is None and _content_comes(one) else None,
                text=None if content is None else escape(content),
            )
    planned |= _new_folders(brought.values(), target)  # one may come where a file goes
    return tuple(planned[path] for path in sorted(planned))


def mode_of_new(path: TreePath, target: Target, *, kind: Kind, executable: bool = False) -> int:
    """Return the mode of something new: what its folder lets whom do, it lets them do too."""
    above = (target.tree.get(folder) for folder in folders_above(path))
    folders = (entry.mode for entry in above if entry and entry.kind is Kind.DIRECTORY)
    mode = next(folders, target.root_mode) & 0o777
    return mode if kind is Kind.DIRECTORY else _runnable(mode & _ALL_READ, executable=executable)


def _comes(one: Compared, incoming: LaidDown | None, content: bytes | None) -> Entry | None:
    """Return what comes to a path: what the source has, or a content that neither side had."""
    if content is not None:
        digest = hashlib.sha256(content).hexdigest()
        return Entry(kind=Kind.FILE, size_bytes=len(content), digest=digest)
    return incoming.entry if incoming is not None and one.incoming is not None else None


def _change(one: Compared, target: Target, incoming: Entry | None) -> Change | None:
    before = target.tree.get(one.path)
    stands = target.tree.get(one.renamed_from) if one.renamed_from else before
    after = None
    if incoming is not None:
        comes = incoming if _content_comes(one) or stands is None else stands
        after = comes.model_copy(update={"mode": _mode(one, comes, stands, target)})
    if before == after:
        return None
    return Change(path=one.path, before=before, after=after)


def _content_comes(one: Compared) -> bool:
    stays = one.carries or one.relation is Relation.MODE_UPDATED
    return one.incoming is not None and not stays


def _mode(one: Compared, comes: Entry, stands: Entry | None, target: Target) -> int:
    """Keep the mode that stands, but for whether it can be run."""
    if comes.kind is Kind.LINK:
        return comes.mode
    if stands is None or stands.kind is not Kind.FILE:
        return mode_of_new(one.path, target, kind=Kind.FILE, executable=one.executable)
    if one.local is not None and one.local.executable == one.executable:
        return stands.mode
    return _runnable(stands.mode, executable=one.executable)


def _runnable(mode: int, *, executable: bool) -> int:
    """Let everybody who may read a file run it, or nobody."""
    return mode | ((mode & _READERS) >> 2) if executable else mode & ~_RUNNERS


def _new_folders(brought: Iterable[Compared], target: Target) -> Mapping[TreePath, PlannedChange]:
    """Plan the folders that are not there yet."""
    comes = (one.path for one in brought if one.incoming is not None)
    wanted = {folder for path in comes for folder in folders_above(path)}
    standing = {path: target.tree.get(path) for path in wanted}
    return {
        path: _folder(path, Relation.NEW, before=before, after=_new_folder(path, target))
        for path, before in standing.items()
        if before is None or before.kind is not Kind.DIRECTORY
    }


def _new_folder(path: TreePath, target: Target) -> Entry:
    return Entry(kind=Kind.DIRECTORY, mode=mode_of_new(path, target, kind=Kind.DIRECTORY))


def _folder(
    path: TreePath, relation: Relation, *, before: Entry | None, after: Entry | None
) -> PlannedChange:
    return PlannedChange(change=Change(path=path, before=before, after=after), relation=relation)
