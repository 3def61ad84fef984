"""What was laid down in an installation: as it was recorded, else as the history tells."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from aos_upgrade_plugin.decide.content import origin as origins
from aos_upgrade_plugin.decide.content.product import below_roots, only_parts, places_of, that_came
from aos_upgrade_plugin.decide.content.renames import chain
from aos_upgrade_plugin.decide.layout import lay_out
from aos_upgrade_plugin.effects.source.source import read_blobs
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.models.layout import Layout, Part
from aos_upgrade_plugin.models.plan import Laid, Origin
from aos_upgrade_plugin.models.source import Blob, Historic, ObjectId
from aos_upgrade_plugin.models.three_way import Renames, Version, Versions
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.source import Source, laid_out, version_claims


class Base(NamedTuple):
    """What was laid down, and how that is known."""

    versions: Versions
    origin: Origin
    renames: Renames = MappingProxyType({})
    """What upstream renamed since, of what an installation has from it."""
    unrecovered: tuple[TreePath, ...] = ()
    """What stands at paths of the product without a base, and so counts as the user's."""


class _History(NamedTuple):
    """Every commit of a source, and every path that any of them had."""

    commits: Sequence[Historic]
    paths: frozenset[TreePath]


def find_base(
    installation: Installation,
    source: Source,
    part: Part,
    *,
    local: Versions,
    recorded: Laid | None,
) -> Base:
    """Find the base of one part and what was renamed since.

    ``local`` holds what stands there of every part.
    """
    base = _find_base(installation, source, part, local=local, recorded=recorded)
    commit = base.origin.commit
    if commit is None or commit == source.commit or not source.repository.has(commit):
        return base
    return base._replace(renames=_renames(source, commit, only_parts(installation.layout, part)))


def _renames(source: Source, base: ObjectId, only: Layout) -> Renames:
    """Return what was renamed, told by both ends, else by the steps between them."""
    roots = [root.source for root in only.roots]
    direct = source.repository.renames(base, source.commit, roots)
    found = {old: new for old, new in direct if new is not None}
    if len(found) < len(direct):
        steps = chain(source.repository.steps(base, source.commit, roots))
        found |= {old: new for old, new in steps.items() if old not in found}
    return {
        place: to
        for old, new in found.items()
        for place in lay_out([old], only)
        for to in lay_out([new], only)
    }


def _find_base(
    installation: Installation,
    source: Source,
    part: Part,
    *,
    local: Versions,
    recorded: Laid | None,
) -> Base:
    """Return the base of one part, as it was recorded or as history tells.

    A record that explains the installation worse than some commit does is out of date: somebody
    upgraded by other means, or pulled the upgrade of a colleague. Then history is believed.
    """
    only = only_parts(installation.layout, part)
    ours = below_roots(local, only)
    explained = origins.score_of(recorded, local=ours) if recorded else 0
    if recorded and explained == len(recorded.paths):
        return _as_recorded(recorded)
    history = _history(source, installation.layout)
    places = places_of(history.paths, only)
    found = origins.trace(history=history.commits, places=places, local=ours)
    if recorded and explained >= found.score:
        return _as_recorded(recorded)
    whole = origins.scores_of(
        history=history.commits, places=places_of(history.paths, installation.layout), local=local
    )
    asked = origins.ambiguous(found)
    commit = origins.made_from(
        found,
        contents=read_blobs(source.repository, _every(asked.values())),
        local={
            path: paper.content for path, paper in read_papers(installation.path, asked).items()
        },
        whole=whole,
    )
    return _as_history_tells(source, only, found, commit, local=ours)


def _as_recorded(recorded: Laid) -> Base:
    return Base(
        {path: Version.of(laid.in_git) for path, laid in recorded.paths.items()},
        Origin(known_by="record", commit=recorded.commit, version=recorded.version),
    )


def _as_history_tells(
    source: Source, only: Layout, found: origins.Trace, commit: ObjectId | None, *, local: Versions
) -> Base:
    nothing = _recovered(found, Origin(known_by="nothing"), had={}, local=local)
    if commit is None:
        return nothing
    tree = source.repository.tree(commit)
    had = laid_out(tree, that_came(only, local))
    if source.repository.shallow and found.score < len(had):
        return nothing  # a commit beyond where the history ends may explain it better
    claims = version_claims(source.repository, commit, tree)
    version = claims[0].version if claims else None
    origin = Origin(known_by="history", commit=commit, version=version)
    return _recovered(found, origin, had=had, local=local)


def _recovered(
    found: origins.Trace, origin: Origin, *, had: Mapping[TreePath, Blob], local: Versions
) -> Base:
    versions = origins.recovered_base(found, tree=had, local=local)
    unknown = origins.unrecovered(found, base=versions, local=local)
    return Base(versions, origin, unrecovered=unknown)


def _history(source: Source, layout: Layout) -> _History:
    roots = tuple(root.source for root in layout.roots)
    commits = tuple(source.repository.history(source.commit, roots))
    paths = frozenset(path for commit in commits for path, _, _ in commit.changed)
    return _History(commits, paths)


def _every(groups: Iterable[frozenset[ObjectId]]) -> frozenset[ObjectId]:
    return frozenset(oid for group in groups for oid in group)
