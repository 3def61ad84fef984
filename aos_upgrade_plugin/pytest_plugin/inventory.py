"""Every check that the plugins bring, found by importing their modules."""

import hashlib
import importlib
import inspect
import pkgutil
import sys
import traceback
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.check import PREFIX, Declaration, declaration_of, declared_in
from aos_upgrade_plugin.models.gate import CheckId, Distribution, PlannedCheck
from aos_upgrade_plugin.models.words import describe
from aos_upgrade_plugin.plugins import DISABLE, OURS, Brought

_OUR_PREFIX = "AOS-"
# What the import of a stranger's module may raise; the last two are no Exception.
_WHATEVER = (Exception, SystemExit, pytest.skip.Exception, pytest.fail.Exception)


class FoundCheck(NamedTuple):
    """A check and its declaration."""

    planned: PlannedCheck
    declaration: Declaration
    path: Path


class FoundModule(NamedTuple):
    """A module of checks."""

    name: str
    path: Path
    distribution: Distribution
    module: ModuleType | None
    problem: str
    """Why it could not be imported, with the traceback; empty when it could."""

    @property
    def headline(self) -> str:
        """The problem in one line."""
        return self.problem.partition("\n")[0]


class Inventory(NamedTuple):
    """All modules and their checks."""

    modules: tuple[FoundModule, ...]
    checks: tuple[FoundCheck, ...]

    @property
    def broken(self) -> tuple[FoundModule, ...]:
        """The modules that could not be imported: nobody knows which checks are missing."""
        return tuple(one for one in self.modules if one.problem)

    def by_name(self) -> dict[CheckId, FoundCheck]:
        """Return the checks by id and by alias."""
        return {name: one for one in self.checks for name in (one.planned.id, *one.planned.aliases)}


def take_inventory(brought: Iterable[Brought]) -> Inventory:
    """Import every module that was brought; assertions in it are rewritten by pytest.

    A module that cannot be imported is part of the inventory. RefusedError for what would let a
    check go missing or be taken for another.
    """
    modules: list[FoundModule] = []
    checks: list[FoundCheck] = []
    for one in brought:
        found = list(_modules(one))
        declared = [check for module in found if module.module for check in _checks(module)]
        if not declared and not any(module.problem for module in found):
            raise RefusedError(
                f"{one.distribution} brings the checks in {one.where}, but there are none",
                cure="reinstall it, its modules check_*.py are missing; or leave it out:"
                f" {DISABLE}={one.distribution.name}",
            )
        modules += found
        checks += declared
    _refuse_ambiguous(check.planned for check in checks)
    return Inventory(tuple(modules), tuple(checks))


def _modules(brought: Brought) -> Iterator[FoundModule]:
    try:
        specs = [spec for name in _names(brought.where) if (spec := find_spec(name))]
    except Exception as error:
        raise RefusedError(
            f"{brought.distribution} brings the checks in {brought.where}, which cannot be"
            f" imported: {type(error).__name__}: {error}",
            cure=f"repair or uninstall it, or leave it out: {DISABLE}={brought.distribution.name}",
        ) from error
    for spec in specs:
        yield _imported(spec, brought.distribution)


def _names(where: str | Path) -> list[str]:
    """Return the dotted names of the modules that a plugin means."""
    if isinstance(where, Path):
        package, folders = _as_package(where), [str(where)]
    else:
        package = where
        spec = find_spec(where)
        if spec is None or spec.submodule_search_locations is None:
            return [where]
        folders = list(spec.submodule_search_locations)
    found = (module.name for module in pkgutil.iter_modules(folders))
    return [f"{package}.{name}" for name in found if name.startswith(PREFIX)]


def _as_package(folder: Path) -> str:
    """Make the files of a folder importable, under a name that nothing else has."""
    if not folder.is_absolute():
        raise ValueError("a folder has to be absolute")
    package = ModuleType(f"aos_checks_{hashlib.sha256(bytes(folder)).hexdigest()[:12]}")
    package.__path__ = [str(folder)]
    sys.modules[package.__name__] = package
    return package.__name__


def _imported(spec: ModuleSpec, distribution: Distribution) -> FoundModule:
    if spec.name not in sys.modules:
        pytest.register_assert_rewrite(spec.name)
    module, problem = None, ""
    try:
        module = importlib.import_module(spec.name)
    except _WHATEVER as error:
        headline = f"{spec.name} of {distribution} cannot be imported: {describe(error)}"
        problem = f"{headline}\n\n{''.join(traceback.format_exception(error))}"
    return FoundModule(spec.name, Path(spec.origin or spec.name), distribution, module, problem)


def _checks(found: FoundModule) -> Iterator[FoundCheck]:
    functions = {
        name: function
        for name, function in vars(found.module).items()
        if inspect.isfunction(function)
        and function.__module__ == found.name
        and (name.startswith(PREFIX) or declaration_of(function))
    }
    reachable = {name: declaration_of(function) for name, function in functions.items()}
    declared = Counter(one.id for one in declared_in(vars(found.module)))
    declared.subtract(one.id for one in reachable.values() if one)
    if hidden := +declared:
        raise RefusedError(
            f"{found.name} of {found.distribution} declares {', '.join(hidden)} for no function",
            cure="look for a second function of that name, or a decorator that hides the check",
        )
    for name, declaration in reachable.items():
        if declaration is None:
            raise RefusedError(
                f"{found.name}.{name} of {found.distribution} is named like a check, but is none",
                cure="decorate it with @check(...), or rename it",
            )
        yield FoundCheck(_planned(found, name, declaration), declaration, found.path)


def _planned(found: FoundModule, name: str, declaration: Declaration) -> PlannedCheck:
    return PlannedCheck(
        id=declaration.id,
        gate=declaration.gate,
        severity=declaration.severity,
        title=declaration.title,
        remedy=declaration.remedy,
        aliases=declaration.aliases,
        limit_s=declaration.limit_s,
        distribution=found.distribution,
        module=found.name,
        function=name,
    )


def _refuse_ambiguous(checks: Iterable[PlannedCheck]) -> None:
    owners: dict[CheckId, PlannedCheck] = {}
    for check in checks:
        if check.id.startswith(_OUR_PREFIX) and check.distribution != OURS:
            raise RefusedError(
                f"{_whose(check)} has the id {check.id}, but {_OUR_PREFIX}… are {OURS.name}'s own",
                cure=f"change its prefix, or leave it out: {DISABLE}={check.distribution.name}",
            )
        for name in (check.id, *check.aliases):
            owner = owners.setdefault(name, check)
            if owner is not check:
                raise RefusedError(
                    f"{name} is the name of two checks: {_whose(owner)}, and {_whose(check)}",
                    cure=f"uninstall one, or leave it out: {DISABLE}={check.distribution.name}",
                )


def _whose(check: PlannedCheck) -> str:
    return f"{check.module}.{check.function} of {check.distribution}"
