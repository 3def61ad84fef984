"""An installation whose folder gets another name: whether it may, and where it is meanwhile."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from aos_upgrade_plugin.decide.migration.install_folder import with_new_folder
from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.environment.relocation import rehome
from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.layout import Layout, Part
from aos_upgrade_plugin.models.run import Run
from aos_upgrade_plugin.models.server import ServerProcess
from aos_upgrade_plugin.phases.installation import Installation, lies_in_project
from aos_upgrade_plugin.phases.source import Source


def other_layout(
    installation: Installation, source: Source, parts: tuple[Part, ...]
) -> Layout | None:
    """Return the layout that a source brings under another name; nothing where it is the same.

    Raises RefusedError where the installation cannot become that.
    """
    ours, theirs = installation.layout, source.layout
    if theirs.name == ours.name:
        return None
    if theirs.folder == ours.folder or theirs.generation < ours.generation:
        by_folder = theirs.folder != ours.folder
        new, old = (each.folder if by_folder else each.product for each in (theirs, ours))
        raise RefusedError(
            f"the source installs {new}, and this is {old}",
            cure=f"name a source that still installs {old}",
        )
    what = f"the source installs {theirs.folder}, and this is {ours.folder}"
    if {*parts} != {*Part}:
        raise RefusedError(
            f"{what}: content or server alone cannot follow, because the server of "
            f"{theirs.folder} does not start in {ours.folder}, nor the one that is here in "
            f"{theirs.folder}",
            cure="upgrade both: leave --only out",
        )
    if not lies_in_project(installation):
        raise RefusedError(
            f"{what}, which {installation.project} has as a link only: a link is not renamed",
            cure=f"move {installation.path} to the place of the link, then run again",
        )
    if os.path.lexists(installation.project / theirs.folder):
        raise RefusedError(
            f"{what}, and {installation.project / theirs.folder} is there already",
            cure="move that one away, then run again",
        )
    return theirs


def located(run: Run) -> Run:
    """Return the run with its installation where it is now, under the old name or the new one."""
    rename = run.plan.rename
    if rename is None:
        return run
    for name, layout in ((rename.before, run.plan.layout), (rename.after, run.plan.becomes)):
        install = run.install.with_name(name)
        folder = run_folder.of_session(install, run.session.session_id)
        if folder.is_dir():
            named = {each.name: each for each in layouts.known()}
            return replace(run, install=install, layout=named[str(layout)], folder=folder)
    return run


def rehome_environment(run: Run) -> None:
    """Let the environment's scripts name the folder that they are in now; may be repeated."""
    rename, site = run.plan.rename, located(run).site
    if rename is None or not site.environment.is_dir():
        return
    before = rename.after if site.install.name == rename.before else rename.before
    with as_disk_error("rewriting the scripts of the environment"):
        rehome(site.environment, formerly=site.environment.parents[0].with_name(before))


def with_present_folder(run: Run, servers: Iterable[ServerProcess]) -> tuple[ServerProcess, ...]:
    """Return how servers were started, as it would be said of the folder's name of now."""
    rename, install = run.plan.rename, located(run).install
    if rename is None:
        return tuple(servers)
    old = rename.after if install.name == rename.before else rename.before

    def said(word: str) -> str:
        text = with_new_folder(
            os.fsencode(word), old=old, new=install.name, project=os.fsencode(install.parent)
        )
        return os.fsdecode(text)

    return tuple(
        each.model_copy(
            update={
                "arguments": tuple(map(said, each.arguments)),
                "variables": {name: said(value) for name, value in each.variables.items()},
            }
        )
        for each in servers
    )


def new_name(run: Run) -> Path:
    """Return the install folder as it is called once the run has changed the server."""
    rename = run.plan.rename
    return run.install if rename is None else run.install.with_name(rename.after)
