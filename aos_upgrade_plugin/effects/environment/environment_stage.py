"""The stage, where a new environment is built beside the one in use."""

import os
import stat
from pathlib import Path

from aos_upgrade_plugin.effects import disk
from aos_upgrade_plugin.effects.environment.environment import require_interpreter
from aos_upgrade_plugin.effects.environment.workbench import Workbench
from aos_upgrade_plugin.effects.service import processes
from aos_upgrade_plugin.effects.tree import durable, files, journal
from aos_upgrade_plugin.effects.tree.transaction import leftovers
from aos_upgrade_plugin.errors import BusyError, PackagesError, RefusedError
from aos_upgrade_plugin.models.evidence import PostInstallStep
from aos_upgrade_plugin.models.journal import Change
from aos_upgrade_plugin.models.packages import STAGE, Environment, PostInstallCommand
from aos_upgrade_plugin.models.tree import TreePath


def clear(install: Path) -> None:
    """Remove what an interrupted run left on the stage.

    Raises RefusedError while a transaction needs what is there, which may be the environment that
    was in use before; BusyError while an installer without its master still works there.
    """
    stage = install / STAGE
    if not os.path.lexists(stage):
        return
    with files.as_disk_error("clearing the stage of the environment"):
        _refuse_needed(install)
        _refuse_busy(stage)
        durable.remove_tree(stage)


def make(environment: Environment, stage: Path, bench: Workbench) -> None:
    """Make an environment without packages on the stage, of the same kind as the present one."""
    prompt = environment.prompt or environment.folder.name
    kind = ("--system-site-packages",) if environment.system_packages else ()
    python = (require_interpreter(environment), "-I", "-m", "venv")
    bench.run(
        (*python, "--without-pip", f"--prompt={prompt}", *kind, stage),
        doing="making the new environment",
    )
    mode = stat.S_IMODE(environment.folder.stat().st_mode)
    disk.set_mode(os.fsencode(stage), mode)


def run_step(step: PostInstallCommand, folder: Path, bench: Workbench) -> PostInstallStep:
    """Run a step with an environment's own executable. Raises PackagesError with its last words."""
    program, *arguments = step.command
    executable = folder / "bin" / program
    if Path(program).name != program or not os.access(executable, os.X_OK):
        raise PackagesError(
            f"{step} cannot be run: {step.package} brings no {program} into {folder / 'bin'}",
            cure="report it to who wrote the step: it names one of the environment's executables",
        )
    path = os.pathsep.join((str(folder / "bin"), os.environ.get("PATH", os.defpath)))
    bench._replace(limit_s=step.limit_s).run(
        (executable, *arguments),
        doing=str(step),
        variables={**step.variables, "PATH": path, "VIRTUAL_ENV": str(folder)},
    )
    return PostInstallStep(command=str(step), status="success")


def change(install: Path, environment: TreePath) -> Change:
    """Return the exchange of the environment in use for the one on the stage."""
    before, after = (
        files.read_whole_tree(files.locate(install, path)) for path in (environment, STAGE)
    )
    return Change(path=environment, before=before, after=after, built_at=STAGE)


def _refuse_needed(install: Path) -> None:
    for folder in leftovers(install):
        found = journal.read(folder)
        if found is not None and any(change.built_at == STAGE for change in found[0].changes):
            raise RefusedError(
                f"the session {found[0].owner} still needs {install / STAGE} for its way back",
                cure=f"end it first: aos-upgrade resume {found[0].owner}, or roll it back",
            )


def _refuse_busy(stage: Path) -> None:
    for process in processes.running(str(stage)):
        raise BusyError(
            f"process {process.pid} of an interrupted run still works in {stage}",
            cure=f"wait for its end, or end it: kill {process.pid}",
        )
