"""Whether an installation is still the one that a plan was made for."""

from collections.abc import Iterator, Mapping

from aos_upgrade_plugin.models.journal import Place
from aos_upgrade_plugin.models.plan import Moved, UpgradePlan
from aos_upgrade_plugin.models.source import ObjectId
from aos_upgrade_plugin.models.tree import Entry, TreePath


def stale(
    plan: UpgradePlan,
    *,
    target: Mapping[TreePath, Entry],
    project: Mapping[TreePath, Entry | None],
    commit: ObjectId,
) -> tuple[Moved, ...]:
    """Name everything that moved since the plan was made; nothing when it may be applied."""
    moved = [Moved("source", commit)] if commit != plan.source.commit else []
    return (
        *moved,
        *_moved(Place.INSTALL, plan.target, target),
        *_moved(Place.PROJECT, plan.project, project),
    )


def _moved(
    place: Place,
    planned: Mapping[TreePath, Entry | None],
    standing: Mapping[TreePath, Entry | None],
) -> Iterator[Moved]:
    for path in sorted({*planned, *standing}):
        what = _difference(planned.get(path), standing.get(path))
        if what is not None:
            yield Moved(what, path, place)


def _difference(planned: Entry | None, standing: Entry | None) -> str | None:
    if planned == standing:
        return None
    if planned is None or standing is None:
        return "added" if planned is None else "removed"
    if planned.kind is not standing.kind:
        return f"{planned.kind} became {standing.kind}"
    if planned.link_target != standing.link_target:
        return "link"
    return "mode" if planned.digest == standing.digest else "content"
