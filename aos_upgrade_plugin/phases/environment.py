"""The environment of an installation: built beside the one in use, exchanged, and checked.

Between :func:`build_environment` and :func:`settle_environment` the caller stops the server and
makes :func:`environment_change` part of its transaction. Source: docs/explanation/environment.md.
"""

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from aos_upgrade_plugin.decide.service.packages import (
    changes,
    choose_installer,
    differences,
    read_snapshot,
)
from aos_upgrade_plugin.decide.service.requirements import inconsistent
from aos_upgrade_plugin.effects.environment import environment as environments
from aos_upgrade_plugin.effects.environment import environment_stage as stage
from aos_upgrade_plugin.effects.environment.installers import Installer
from aos_upgrade_plugin.effects.environment.pip import Pip
from aos_upgrade_plugin.effects.environment.relocation import compile_bytecode, relocate
from aos_upgrade_plugin.effects.environment.uv import Uv
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.tree.files import as_disk_error, locate, read_whole_tree
from aos_upgrade_plugin.errors import PackagesError, StaleError, UpgradeError
from aos_upgrade_plugin.models.evidence import PostInstallStep
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.packages import STAGE, Environment, EnvironmentPlan, Pinned
from aos_upgrade_plugin.models.tree import Entry
from aos_upgrade_plugin.phases.installation import Installation


def build_environment(
    installation: Installation, plan: EnvironmentPlan, bench: Workbench
) -> tuple[PostInstallStep, ...]:
    """Build what was planned on the stage, run its steps there, and make it at home.

    The environment in use is only read. Where anything fails, the stage is empty again. The
    caller holds the upgrade lock. Raises StaleError where the environment is not the planned one
    any more, PackagesError, RefusedError.
    """
    present = read_environment(installation)
    if present is None or changes(before=plan.before, after=present.packages):
        raise StaleError(
            f"the packages in {folder_of(installation)} changed after the plan was made",
            cure="make a new plan and run again",
        )
    install, built = installation.path, installation.path / STAGE
    needs_pip = any(each.editable for each in plan.after)
    stage.clear(install)
    try:
        installer = find_installer(installation, present, bench, needs_pip=needs_pip)
        stage.make(present, built, bench)
        installer.install(plan.after, present.model_copy(update={"folder": built}), bench)
        _refuse_other_packages(built, plan.after)
        steps = tuple(stage.run_step(step, built, bench) for step in plan.steps)
        relocate(built, home=present.folder)
        compile_bytecode(built, home=present.folder, bench=bench)
    except BaseException:
        with suppress(UpgradeError):  # the next run clears it too; why it failed says more
            stage.clear(install)
        raise
    return steps


def environment_change(installation: Installation) -> Change:
    """Return the exchange that puts the new environment into its place."""
    return stage.change(installation.path, installation.layout.environment)


def settle_environment(installation: Installation, plan: EnvironmentPlan, bench: Workbench) -> None:
    """Repeat the steps that want their final place. Raises PackagesError."""
    folder = folder_of(installation)
    for step in plan.steps:
        if step.again_in_place:
            stage.run_step(step, folder, bench)


def environment_problems(installation: Installation, plan: EnvironmentPlan) -> tuple[str, ...]:
    """Name what in the environment is not as planned or does not fit together; nothing is run.

    What was inconsistent before is not named again.
    """
    folder = folder_of(installation)
    present = read_environment(installation)
    if present is None:
        return () if plan.nothing_to_do else (f"{folder} is gone",)
    others = differences(planned=plan.after, packages=present.packages) if plan.after else ()
    return (*others, *(each for each in inconsistent(present) if each not in plan.inconsistent))


def unlike_snapshot(installation: Installation, snapshot: str) -> tuple[str, ...]:
    """Name each package that is not as a backup's list of them says, by name."""
    try:
        packages = read_snapshot(snapshot)
    except ValueError as error:
        return (f"the list of packages in the backup cannot be read: {error}",)
    present = read_environment(installation)
    there = present.packages if present else ()
    return tuple(map(str, changes(before=packages, after=there)))


def environment_identity(installation: Installation) -> Entry | None:
    """Return which folder the environment is, on the disk; nothing where there is none."""
    with as_disk_error("looking at the environment"):
        return read_whole_tree(locate(installation.path, installation.layout.environment))


def folder_of(installation: Installation) -> Path:
    """Return where the environment of an installation is."""
    return Path(os.fsdecode(locate(installation.path, installation.layout.environment)))


def read_environment(installation: Installation) -> Environment | None:
    """Describe the environment in use; nothing where an installation has none."""
    return environments.read(folder_of(installation))


def find_installer(
    installation: Installation, present: Environment, bench: Workbench, *, needs_pip: bool
) -> Installer:
    """Find who can build the successor of an environment.

    Raises RefusedError where it cannot be replaced at all, PackagesError where nobody can.
    """
    environments.refuse_immovable(installation.path, present.folder)
    environments.require_interpreter(present)
    uv, pip = Uv.find(), Pip.find(present, bench)
    choice = choose_installer(
        uv=uv is not None,
        pip=pip is not None,
        uv_is_told=uv is not None and uv.is_told(),
        pip_is_told=uv is not None and pip is not None and pip.is_told(bench),
        needs_pip=needs_pip,
    )
    chosen: Installer | None = {"uv": uv, "pip": pip, None: None}[choice]
    if chosen is None:
        raise PackagesError(
            f"neither uv nor a pip from 22.3 on can work on {present.folder}",
            cure="install uv, or pip there: venv/bin/python -m ensurepip --upgrade",
        )
    return chosen


def _refuse_other_packages(built: Path, planned: Sequence[Pinned]) -> None:
    there = environments.read(built)
    if wrong := differences(planned=planned, packages=there.packages if there else ()):
        raise PackagesError(
            f"what was installed is not what was planned: {', '.join(wrong)}",
            cure="look for settings of pip or uv that change what they install, then run again",
        )
