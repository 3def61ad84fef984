"""Which installation a command is about."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.decide.layout import recognise, signs
from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.tree.files import as_disk_error, entry_at
from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.layout import Layout
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import Site
from aos_upgrade_plugin.models.tree import Entry, TreePath


class Installation(NamedTuple):
    """One installation on the disk."""

    path: Path
    """The install folder; no link on the way to it."""
    project: Path
    """The folder in which people see it."""
    layout: Layout


def lies_in_project(installation: Installation) -> bool:
    """Say whether the project is the folder that really holds it: else it is seen by a link."""
    return installation.path == installation.project / installation.path.name


def installation_of(run: Run) -> Installation:
    """Return the installation that a run upgrades."""
    return Installation(run.install, run.project, run.layout)


def site_of(installation: Installation) -> Site:
    """Return where what belongs to an installation's server lies."""
    path, project, layout = installation
    return Site.of(install=path, project=project.resolve(), layout=layout)


def standing(installation: Installation, change: Change) -> Entry | None:
    """Describe what stands now where a change is made, in the installation or its project."""
    roots = {Place.INSTALL: installation.path, Place.PROJECT: installation.project}
    return entry_at(roots[change.place], change.path)


def find(start: Path) -> Installation:
    """Find the installation that a folder is, holds or lies in.

    Raises NotFoundError, also where the nearest folder only has the name; RefusedError where its
    generation is not known, or where two lie side by side.
    """
    names = {layout.folder for layout in layouts.known()}
    with as_disk_error("looking for the installation"):
        candidates = _without_impostors(list(layouts.named(start, names)))
        if not candidates:
            raise NotFoundError(
                f"there is no {' or '.join(sorted(names))} in {start} or above it",
                cure="name the installation or its project: --target DIR",
            )
        nearest = candidates[0]
        _refuse_twins(nearest, candidates[1:], start)
        return Installation(nearest.path, nearest.project, _layout(nearest))


def _without_impostors(candidates: list[layouts.Named]) -> Sequence[layouts.Named]:
    """Drop folders inside an installation that only have the name: the server code holds one."""
    return [
        each
        for each in candidates
        if _listing(each)
        or not any(other != each and each.path.is_relative_to(other.path) for other in candidates)
    ]


def _refuse_twins(nearest: layouts.Named, others: Sequence[layouts.Named], start: Path) -> None:
    twins = [each.name for each in others if each.project == nearest.project and _listing(each)]
    if twins and not start.resolve().is_relative_to(nearest.path):
        raise RefusedError(
            f"{nearest.project} holds {nearest.name} and {', '.join(twins)}",
            cure=f"name one of them: --target {nearest.project / nearest.name}",
        )


def _layout(candidate: layouts.Named) -> Layout:
    return recognise(name=candidate.name, listing=_listing(candidate), layouts=layouts.known())


def _listing(candidate: layouts.Named) -> frozenset[TreePath]:
    return layouts.present(candidate.path, signs(layouts.known()))
