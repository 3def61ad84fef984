"""What becomes of the environment of an installation, decided before anything is built."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath

from pydantic import JsonValue

from aos_upgrade_plugin.decide.service.packages import changes, read_snapshot
from aos_upgrade_plugin.decide.service.requirements import (
    attempts,
    extras,
    has_opaque,
    inconsistent,
    lacking,
)
from aos_upgrade_plugin.effects.environment import environment as environments
from aos_upgrade_plugin.effects.environment.installers import Wanted
from aos_upgrade_plugin.effects.environment.requirements import read_requirements
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.session.run_folder import for_planning
from aos_upgrade_plugin.effects.source.source import read_blobs
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import DamagedError, PackagesError
from aos_upgrade_plugin.models.packages import (
    Environment,
    EnvironmentPlan,
    Package,
    Pinned,
    PostInstallCommand,
    PostInstallContext,
)
from aos_upgrade_plugin.phases.environment import find_installer, read_environment
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.source import Source, laid_out

Detect = Callable[[PostInstallContext], Sequence[PostInstallCommand]]
_ABSENT = EnvironmentPlan(notes=("the installation has no environment; it is left so",))
_SHOWN = 8


def plan_environment_of(
    installation: Installation, source: Source, *, detect: Detect
) -> EnvironmentPlan:
    """Plan the environment that a source's commit asks for; nothing of the installation is written.

    Raises as :func:`plan_environment`.
    """
    with for_planning() as folder:
        requirements = lay_out_requirements(source, folder / "asked")
        return plan_environment(installation, requirements, Workbench(folder), detect=detect)


def lay_out_requirements(source: Source, folder: Path) -> Path:
    """Write the requirements of a source's commit, and the lists beside them; name the file.

    There is no file where the commit has none.
    """
    wanted = PurePosixPath(source.layout.requirements)
    beside = {
        PurePosixPath(path).name: blob.oid
        for path, blob in laid_out(source.tree, source.layout).items()
        if PurePosixPath(path).parent == wanted.parent and path.endswith((".txt", ".in"))
    }
    contents = read_blobs(source.repository, beside.values())
    with as_disk_error("writing down the requirements"):
        durable.make_directories(folder, mode=0o700)
        for name, oid in beside.items():
            durable.write_durably(folder / name, contents[oid])
    return folder / wanted.name


def plan_environment(
    installation: Installation, requirements: Path, bench: Workbench, *, detect: Detect
) -> EnvironmentPlan:
    """Plan what a new requirements file changes; nothing of the installation is written.

    Where the environment has all that is asked for, no installer is started and no network needed.
    Raises PackagesError that names what is lacking where it cannot be resolved, RefusedError
    where the environment cannot be replaced.
    """
    present = read_environment(installation)
    if present is None:
        return _ABSENT
    laid_down = read_requirements(installation.path / installation.layout.requirements)
    asked = read_requirements(requirements)
    lacks = lacking(asked, present, laid_down=laid_down)
    if not lacks:
        return EnvironmentPlan(inconsistent=inconsistent(present))
    kept = extras(present, laid_down=laid_down)
    needs_pip = has_opaque(asked.lines) or any(each.editable for each in kept)
    installer = find_installer(installation, present, bench, needs_pip=needs_pip)
    held = attempts(asked, present, lacks=lacks, kept=kept)
    missing = tuple(map(str, lacks))
    try:
        after = installer.resolve(Wanted(requirements, kept, held), present, bench)
    except PackagesError as error:
        raise PackagesError(
            f"the environment lacks {_some(missing)}, and that cannot be had: {error}",
            cure="go online, or tell pip or uv where the packages are (PIP_FIND_LINKS=DIR); "
            f"what was said is in {bench.log}",
        ) from error
    return _plan(installation, present, missing, after, detect)


def plan_former_environment(
    installation: Installation, snapshot: str, *, detect: Detect
) -> EnvironmentPlan:
    """Plan the way back to the packages of a snapshot; nothing is written.

    Whether they can still be had shows when it is built, which is before anything changes.
    Raises DamagedError for a snapshot that cannot be read.
    """
    present = read_environment(installation)
    if present is None:
        return _ABSENT
    try:
        after = read_snapshot(snapshot)
    except ValueError as error:
        raise DamagedError(
            f"the list of packages in the backup cannot be read: {error}",
            cure="choose another backup: aos-upgrade backups list",
        ) from error
    different = changes(before=present.packages, after=after)
    if not after or not different:
        return EnvironmentPlan(inconsistent=inconsistent(present))
    return _plan(installation, present, tuple(map(str, different)), after, detect)


def _plan(
    installation: Installation,
    present: Environment,
    missing: tuple[str, ...],
    after: tuple[Pinned, ...],
    detect: Detect,
) -> EnvironmentPlan:
    changing = changes(before=present.packages, after=after)
    context = PostInstallContext(changes=changing, config=_config(installation))
    return EnvironmentPlan(
        lacking=missing,
        before=tuple(_as_package(each) for each in present.packages),
        after=tuple(sorted(after, key=lambda each: each.name)),
        changes=changing,
        steps=tuple(detect(context)),
        size_bytes=environments.size_bytes(present.folder),
        inconsistent=inconsistent(present),
    )


def _config(installation: Installation) -> Mapping[str, JsonValue]:
    try:
        config = json.loads((installation.path / installation.layout.config).read_bytes())
    except (OSError, ValueError):
        return {}
    return config if isinstance(config, dict) else {}


def _as_package(package: Package) -> Package:
    return Package.model_validate(package.model_dump(include=set(Package.model_fields)))


def _some(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _SHOWN} more" if texts[_SHOWN:] else ""
    return f"{', '.join(texts[:_SHOWN])}{more}"
