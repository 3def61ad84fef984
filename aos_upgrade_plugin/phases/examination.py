"""An installation looked at from all sides. Nothing is written, and nothing is started."""

import json
import os
import shlex
from collections.abc import Mapping

from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.decide.service.requirements import inconsistent, lacking
from aos_upgrade_plugin.decide.service.server import shell_line
from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.environment.requirements import read_requirements
from aos_upgrade_plugin.effects.service.clients import read_clients
from aos_upgrade_plugin.effects.source import git
from aos_upgrade_plugin.effects.source.base_store import read_record
from aos_upgrade_plugin.effects.target import under_git
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError, UpgradeError
from aos_upgrade_plugin.models.diagnosis import (
    Content,
    Disk,
    EnvironmentView,
    Findings,
    GitView,
)
from aos_upgrade_plugin.models.layout import KEPT
from aos_upgrade_plugin.models.plan import Laid
from aos_upgrade_plugin.models.server import Servers, Site
from aos_upgrade_plugin.models.service import Measured
from aos_upgrade_plugin.models.status import DamagedBackup, NextStep
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases import serving
from aos_upgrade_plugin.phases.environment import read_environment
from aos_upgrade_plugin.phases.installation import Installation, site_of
from aos_upgrade_plugin.phases.measuring import measure_server
from aos_upgrade_plugin.phases.overview import status_of

_ANSWERS_WITHIN_S = 2.0
_SPACE_FACTOR = 2


def examine(installation: Installation) -> Findings:
    """Find out everything about an installation that can be seen without changing it."""
    install, layout = installation.path, installation.layout
    site = site_of(installation)
    with as_disk_error("looking at the installation"):
        servers = serving.look(site)
        url = _url(site, servers)
        environment, problem = _environment(installation)
        listed = backups.listed(install)
        return Findings(
            status=status_of(installation),
            content=_content(installation),
            config_problem=_config_problem(installation),
            environment=environment,
            environment_problem=problem,
            python=shlex.quote(f"{site.environment}/bin/python"),
            requirements=shlex.quote(str(install / layout.requirements)),
            servers=servers,
            url=url,
            measured=_measured(site, url),
            start=_start(site, servers),
            index=str(site.index_folder),
            clients=read_clients(site),
            backups=len(listed),
            damaged=tuple(
                DamagedBackup(name=each.name, problem=each.problem or "it has no manifest")
                for each in listed
                if each.manifest is None
            ),
            disk=_disk(installation),
            git=_git(installation),
        )


def _content(installation: Installation) -> Content:
    install, kept = installation.path, read_record(installation.path)
    if kept.record is None:
        return Content(problem=kept.problem)
    laid = kept.record.parts.values()
    differing = sorted({path for each in laid for path in _differing(installation, each)})
    return Content(
        edited=tuple(path for path in differing if os.path.lexists(install / path)),
        removed=tuple(path for path in differing if not os.path.lexists(install / path)),
    )


def _differing(installation: Installation, laid: Laid) -> list[TreePath]:
    """Return what stands there otherwise than it was laid down; modes are each user's own."""
    found: Mapping[TreePath, object] = {
        path: (there.kind, there.digest, there.link_target) if there else None
        for path in laid.paths
        for there in [files.entry_at(installation.path, path)]
    }
    return [
        path
        for path, each in laid.paths.items()
        if found[path] != (each.entry.kind, each.entry.digest, each.entry.link_target)
    ]


def _config_problem(installation: Installation) -> str | None:
    config = installation.layout.config
    if not config.endswith(".json"):
        return None
    try:
        json.loads((installation.path / config).read_bytes())
    except FileNotFoundError:
        return None
    except ValueError as error:
        return f"{config} is no JSON: {error}"
    return None


def _environment(installation: Installation) -> tuple[EnvironmentView | None, NextStep | None]:
    layout = installation.layout
    folder = shlex.quote(str(installation.path / layout.environment))
    wanted = installation.path / layout.requirements
    make = f"python3 -m venv {folder} && {folder}/bin/pip install -r {shlex.quote(str(wanted))}"
    try:
        present = read_environment(installation)
    except RefusedError as error:
        return None, NextStep(why=str(error), command=None)
    if present is None:
        return None, NextStep(why="there is no environment to run the server with", command=make)
    if present.interpreter is None:
        why = f"the Python {present.python} of the environment is gone"
        return None, NextStep(why=why, command=f"rm -r {folder} && {make}")
    asked = read_requirements(wanted)
    view = EnvironmentView(
        python=present.python,
        packages=len(present.importable),
        lacking=tuple(map(str, lacking(asked, present, laid_down=asked))),
        inconsistent=inconsistent(present),
    )
    return view, None


def _url(site: Site, servers: Servers) -> str | None:
    """Return where a running server of this installation answers, or wrote down that it does."""
    ours = [each for each in servers.running if each.may_be_stopped]
    return serving.address_of(site, ours, limit_s=_ANSWERS_WITHIN_S)


def _measured(site: Site, url: str | None) -> Measured | None:
    return None if url is None else measure_server(site, url, limit_s=_ANSWERS_WITHIN_S)


def _start(site: Site, servers: Servers) -> str | None:
    command = serving.recorded_command(site, servers)
    return None if command is None else shell_line(command)


def _disk(installation: Installation) -> Disk:
    class_of = classifier(installation.layout)
    kept = files.scan(installation.path, enter=lambda path: class_of(path) in KEPT)
    needed = _SPACE_FACTOR * sum(each.status.st_size for each in kept)
    return Disk(free_bytes=files.free_bytes(installation.path), needed_bytes=needed)


def _git(installation: Installation) -> GitView | None:
    """Ask git about the install folder; nothing where it is not there, or does not answer."""
    if not under_git(installation.project):
        return None
    asked = git.Git(installation.project)
    try:
        if asked.run("check-ignore", "--quiet", installation.layout.folder).returncode == 0:
            return GitView(ignored=True)
        said = asked.ask("status", "--porcelain", "-z", "--", installation.layout.folder)
    except UpgradeError:
        return None
    return GitView(uncommitted=sum(bool(each) for each in said.split(b"\0")))
