"""Every hook, and what it promises.

A plugin is a module (or any object) that an installed distribution names in its entry-point group
``aos_upgrade``. It implements hooks with ``@aos_upgrade_plugin.api.hookimpl``. Built-in checks and
reporters come through the same hooks.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pluggy
from pydantic import JsonValue

from aos_upgrade_plugin.models.chain import SealedLog
from aos_upgrade_plugin.models.conflict import ConflictDecision, OpenConflict
from aos_upgrade_plugin.models.gate import GateContext
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.migration import Migration, MigrationFacts
from aos_upgrade_plugin.models.packages import PostInstallCommand, PostInstallContext

PROJECT = "aos_upgrade"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def aos_check_modules() -> Sequence[str | Path]:
    """Name where this distribution's checks are.

    Return: dotted names of modules, or of packages whose modules ``check_*`` are meant; or
    folders, for their files ``check_*.py``. Names are better: a folder's files cannot be imported
    by anybody else.

    Called: whenever checks are listed, and at the beginning of each gate, in the gate's own
    process. Results: added up; each check remembers the distribution that brought it.
    """
    raise NotImplementedError


@hookspec
def aos_fixture_modules() -> Sequence[str]:
    """Name the pytest plugin modules that hold the fixtures of this distribution's checks.

    Return: dotted names. Called: at the beginning of each gate, before its checks are collected.
    Results: added up. The project's own fixtures (``target``, ``source``, …) cannot be replaced.
    """
    raise NotImplementedError


@hookspec
def aos_facts(context: GateContext) -> Mapping[str, JsonValue]:
    """Measure, without changing anything, what decides whether this distribution's checks apply.

    Return: JSON values by name; begin the names with your distribution's, such as
    ``acme_docker_version``. Called: once for each gate, in the gate's own process, before any
    check is asked whether it applies. Results: added to ``context.facts``; a name that is there
    already is refused.
    """
    raise NotImplementedError


@hookspec
def aos_migrations(facts: MigrationFacts) -> Sequence[Migration]:
    """Name what has to be done, or can be, because something was renamed, moved or given up.

    Return: the migrations that apply here, told by content alone (``facts`` is what was
    measured); an empty sequence where none does, and so after it was made. Each is shown in the
    plan, path by path, and made when somebody asks for it: ``--migrate ID``. One that is
    ``needed`` stops the run until then. An operation that is not possible is an error.

    Called: whenever a plan is made. Its operations are changes of the plan like all others: made
    in phase 2 in the same transaction (in phase 3 where they are about server code, with the
    server stopped), refused when stale, and taken back by a rollback. Results: added up, in the
    order of plugins; an id that two plugins use is refused.
    """
    raise NotImplementedError


@hookspec
def aos_phase_action(phase: int, context: GateContext) -> Mapping[str, JsonValue]:
    """Do something more in a phase of an upgrade.

    Return: JSON values by name, kept with the phase in the session; an empty mapping where there
    is nothing to do in this phase. Raise to make the phase fail: from phase 2 on the upgrade
    then goes back. What an action itself changes outside of the installation is its own to undo.

    Called: by the runner, with the upgrade lock held, after the built-in action of the phase and
    before its gate; again when an interrupted run is resumed. Results: kept by distribution.
    """
    raise NotImplementedError


@hookspec
def aos_report_gate(report: GateReport, log: SealedLog) -> Sequence[Path]:
    """Write down, in a form of your own, what a gate came to.

    Return: the files that were written; below the folder of the event log is the place for them.
    Called: by the runner, after each gate; the verdict stands, nothing here changes it. Results:
    added up, the built-in JUnit XML first. What a reporter raises is told of, and stops nothing.
    """
    raise NotImplementedError


@hookspec
def aos_workflow_folders() -> Sequence[Path]:
    """Name folders that hold workflows of this distribution.

    Return: absolute folders; each folder in them that has a ``metadata.json`` is a workflow. One
    whose name the installation or the source has, too, is taken from there.

    Called: once, when the workflow tool begins. Results: added up, in the order of plugins; of two
    workflows with one name the first counts.
    """
    raise NotImplementedError


@hookspec
def aos_post_install_steps(context: PostInstallContext) -> Sequence[PostInstallCommand]:
    """Name the commands that packages need after they were installed, such as fetching a browser.

    Return: commands that begin with the name of one of the environment's own executables; an empty
    sequence where nothing that you know is new (``context.is_new("playwright")``). The preview
    shows each with its reason. One that fails makes the phase fail, with its last words.

    Called: once, when the change of the environment is planned; never where it does not change.
    Run: in the new environment while it is built, before the server is stopped, with the upgrade
    lock held; what a command leaves outside of the environment is not taken back. Results: added
    up, in the order of plugins.
    """
    raise NotImplementedError


@hookspec(firstresult=True)
def aos_resolve_conflict(conflict: OpenConflict) -> ConflictDecision | None:
    """Decide a conflict that you know more about than the three texts tell.

    Return: one of ``conflict.choices``, with ``own`` the new content too; nothing where you have no
    opinion. A content with markers of an unfinished merge, and a choice that this conflict does not
    have, are refused. Nothing is to be changed here: what was decided is made true with the rest.

    Called: while a plan is made, once for each conflict that no file of answers decides; before
    anybody is asked and before ``--on-conflict`` counts. Results: the first decision stands, in
    the order of plugins; the plan names the distribution that made it.
    """
    raise NotImplementedError
