"""The registered plugins: the built-in one first, then what installed distributions bring."""

import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import NamedTuple

import pluggy
from pydantic import JsonValue, TypeAdapter

from aos_upgrade_plugin import __version__, hookspecs
from aos_upgrade_plugin.decide.migration.install_folder import install_folder
from aos_upgrade_plugin.decide.migration.migrating import Offered
from aos_upgrade_plugin.decide.migration.moved_content import content_folders, usage_folder
from aos_upgrade_plugin.decide.migration.renamed_index import search_index
from aos_upgrade_plugin.decide.migration.renamed_workflows import workflow_sessions
from aos_upgrade_plugin.decide.migration.workflow_metadata import workflow_metadata
from aos_upgrade_plugin.decide.service.packages import browser_steps
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.chain import SealedLog
from aos_upgrade_plugin.models.conflict import ConflictDecision, Decided, OpenConflict
from aos_upgrade_plugin.models.gate import Distribution, GateContext
from aos_upgrade_plugin.models.gate_report import GateReport
from aos_upgrade_plugin.models.migration import Migration, MigrationFacts
from aos_upgrade_plugin.models.packages import PostInstallCommand, PostInstallContext
from aos_upgrade_plugin.reporters import junit

OURS = Distribution(name="aos-upgrade", version=__version__)
DISABLE = "AOS_UPGRADE_DISABLE_PLUGINS"
"""Names of distributions, separated by commas, whose plugins are left out."""

_PACKAGE = Path(__file__).parent
_NAMES: TypeAdapter[list[str | Path]] = TypeAdapter(list[str | Path])
_PATHS: TypeAdapter[list[Path]] = TypeAdapter(list[Path])
_FACTS: TypeAdapter[dict[str, JsonValue]] = TypeAdapter(dict[str, JsonValue])
_MIGRATIONS: TypeAdapter[list[Migration]] = TypeAdapter(list[Migration])
_COMMANDS: TypeAdapter[list[PostInstallCommand]] = TypeAdapter(list[PostInstallCommand])


class Brought(NamedTuple):
    """A module, package or folder that a distribution named."""

    distribution: Distribution
    where: str | Path


class Reported(NamedTuple):
    """What reporters wrote, and what went wrong with them."""

    files: tuple[Path, ...]
    problems: tuple[str, ...]


class Plugins:
    """The registered plugins, each with the distribution it came from.

    A plugin that cannot be used is a :class:`RefusedError` that names its distribution: leaving
    it out silently would leave out its checks.
    """

    def __init__(self) -> None:
        """Know the hooks, and no plugin."""
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        self._origins: dict[str, Distribution] = {}

    def register(self, plugin: object, distribution: Distribution, *, name: str) -> None:
        """Add a plugin; its hooks must be ones that are specified."""
        with _blaming(distribution):
            self._manager.register(plugin, name)
            self._manager.check_pending()
        self._origins[name] = distribution

    def check_modules(self) -> tuple[Brought, ...]:
        """Return where checks are, plugin by plugin."""
        return tuple(self._named("aos_check_modules"))

    def fixture_modules(self) -> tuple[Brought, ...]:
        """Return the pytest plugin modules that hold fixtures, plugin by plugin."""
        return tuple(self._named("aos_fixture_modules"))

    def with_facts(self, context: GateContext) -> GateContext:
        """Return the context with what plugins measured added to its facts."""
        facts = dict(context.facts)
        for distribution, answer in self._ask("aos_facts", context=context):
            with _blaming(distribution):
                measured = _FACTS.validate_python(answer)
                if twice := sorted(measured.keys() & facts.keys()):
                    raise ValueError(f"aos_facts: {', '.join(twice)} is measured already")
            facts |= measured
        return context.model_copy(update={"facts": facts})

    def phase_actions(self, phase: int, context: GateContext) -> dict[str, JsonValue]:
        """Let plugins act in a phase; return what they measured, by distribution.

        What an action raises is a :class:`RefusedError` that names its distribution.
        """
        kept: dict[str, dict[str, JsonValue]] = {}
        for distribution, answer in self._ask("aos_phase_action", phase=phase, context=context):
            with _blaming(distribution):
                if facts := _FACTS.validate_python(answer):
                    kept.setdefault(distribution.name, {}).update(facts)
        return {**kept}

    def report_gate(self, report: GateReport, log: SealedLog) -> Reported:
        """Let every reporter write down what a gate came to; the JUnit XML is the first file."""
        files: list[Path] = []
        problems: list[str] = []
        for name, distribution in self._origins.items():
            try:
                for answer in self._ask_one(name, "aos_report_gate", report=report, log=log):
                    with _blaming(distribution):
                        files += _PATHS.validate_python(answer)
            except RefusedError as error:
                problems.append(str(error))
        return Reported(tuple(files), tuple(problems))

    def post_install_steps(self, context: PostInstallContext) -> tuple[PostInstallCommand, ...]:
        """Return what has to be run after packages were installed, plugin by plugin."""
        commands: list[PostInstallCommand] = []
        for distribution, answer in self._ask("aos_post_install_steps", context=context):
            with _blaming(distribution):
                commands += _COMMANDS.validate_python(answer)
        return tuple(commands)

    def migrations(self, facts: MigrationFacts) -> tuple[Offered, ...]:
        """Return the migrations that apply, plugin by plugin; no two of them have one id."""
        offered: dict[str, Offered] = {}
        for distribution, answer in self._ask("aos_migrations", facts=facts):
            with _blaming(distribution):
                for each in _MIGRATIONS.validate_python(answer):
                    if each.id in offered:
                        raise ValueError(
                            f"aos_migrations: {each.id} is one of {offered[each.id].distribution}"
                        )
                    offered[each.id] = Offered(each, str(distribution))
        return tuple(offered.values())

    def workflow_folders(self) -> tuple[Path, ...]:
        """Return the folders that hold workflows, plugin by plugin."""
        folders: list[Path] = []
        for distribution, answer in self._ask("aos_workflow_folders"):
            with _blaming(distribution):
                folders += _PATHS.validate_python(answer)
        return tuple(folders)

    def resolve_conflict(self, conflict: OpenConflict) -> Decided | None:
        """Return what the first plugin with an opinion decides about a conflict."""
        for name, distribution in self._origins.items():
            with _blaming(distribution):
                answer = self._caller(name, "aos_resolve_conflict")(conflict=conflict)
                if answer is not None:
                    return Decided(ConflictDecision.model_validate(answer), str(distribution))
        return None

    def _named(self, hook: str) -> Iterator[Brought]:
        for distribution, answer in self._ask(hook):
            with _blaming(distribution):
                names = _NAMES.validate_python(answer)
            yield from (Brought(distribution, name) for name in names)

    def _ask(self, hook: str, **arguments: object) -> Iterator[tuple[Distribution, object]]:
        """Yield each plugin's answer to a hook, in the order of registration."""
        for name, distribution in self._origins.items():
            for answer in self._ask_one(name, hook, **arguments):
                yield distribution, answer

    def _ask_one(self, name: str, hook: str, **arguments: object) -> list[object]:
        """Return what one plugin answers to a hook; nothing when it does not implement it."""
        with _blaming(self._origins[name]):
            answers: list[object] = self._caller(name, hook)(**arguments)
        return answers

    def _caller(self, name: str, hook: str) -> pluggy.HookCaller:
        """Return what calls a hook of one plugin alone."""
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        return self._manager.subset_hook_caller(hook, others)


class BuiltIn:
    """The project's own checks, detectors, migrations and reporters, brought like a stranger's."""

    @hookspecs.hookimpl
    def aos_check_modules(self) -> list[Path]:
        """Name the folder of the built-in checks: the wheel's, else the checkout's."""
        folders = (_PACKAGE / "_bundled" / "checks", _PACKAGE.parent / "checks")
        return [folder for folder in folders if folder.is_dir()][:1]

    @hookspecs.hookimpl
    def aos_migrations(self, facts: MigrationFacts) -> list[Migration]:
        """Follow what the product itself renamed, moved and gave up."""
        known = (
            install_folder,
            search_index,
            content_folders,
            usage_folder,
            workflow_metadata,
            workflow_sessions,
        )
        return [each for migration in known if (each := migration(facts)) is not None]

    @hookspecs.hookimpl
    def aos_post_install_steps(self, context: PostInstallContext) -> tuple[PostInstallCommand, ...]:
        """Fetch the browser of a new playwright."""
        return browser_steps(context)

    @hookspecs.hookimpl
    def aos_report_gate(self, report: GateReport, log: SealedLog) -> list[Path]:
        """Write the JUnit XML beside the event log."""
        return [junit.write(report, log.path.parent, log)]


def installed_plugins() -> Plugins:
    """Return the built-in plugin and those of installed distributions, by their names."""
    plugins = Plugins()
    plugins.register(BuiltIn(), OURS, name="built-in")
    left_out = _normal(os.environ.get(DISABLE, "").split(","))
    for point in sorted(entry_points(group=hookspecs.PROJECT), key=_key):
        distribution = _distribution(point)
        if _normal([distribution.name]) & left_out:
            continue
        with _blaming(distribution):
            plugin = point.load()
        plugins.register(plugin, distribution, name=_key(point))
    return plugins


@contextmanager
def _blaming(distribution: Distribution) -> Generator[None]:
    """Name the distribution whose code went wrong, whatever it raised, and how to go on."""
    try:
        yield
    except (Exception, SystemExit) as error:
        raise RefusedError(
            f"the plugin of {distribution} cannot be used: {type(error).__name__}: {error}",
            cure=f"repair or uninstall it, or leave it out: {DISABLE}={distribution.name}",
        ) from error


def _distribution(point: EntryPoint) -> Distribution:
    found = point.dist
    if found is None:
        return Distribution(name=point.name, version="unknown")
    return Distribution(name=found.name, version=found.version or "unknown")


def _key(point: EntryPoint) -> str:
    return f"{_distribution(point).name}:{point.name}"


def _normal(names: Iterable[str]) -> set[str]:
    """Source: the normalised names of packages of the packaging user guide."""
    return {re.sub(r"[-_.]+", "-", name.strip()).lower() for name in names if name.strip()}
