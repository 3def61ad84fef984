"""Collects the wanted checks, wherever their modules are, as ordinary pytest functions."""

import os
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

import pytest

from aos_upgrade_plugin.models.gate import PlannedCheck
from aos_upgrade_plugin.pytest_plugin.duty import Duty

CHECK = pytest.StashKey[PlannedCheck]()
_COLLECTION = pytest.StashKey["Collection"]()


class Collection:
    """Knows the modules of a gate, and where node ids begin."""

    def __init__(self, duty: Duty, config: pytest.Config) -> None:
        """Let pytest collect these modules and nothing else."""
        paths = {path for path, _ in duty.wanted} | {one.path for one in duty.inventory.broken}
        self.duty = duty
        self.modules = {one.path: one for one in duty.inventory.modules if one.path in paths}
        self.root = _common_folder(paths) or config.rootpath
        self.below: dict[Path, set[Path]] = defaultdict(set)
        for path in paths:
            for child in (path, *path.parents[:-1]):  # the root of all is nobody's child
                self.below[child.parent].add(child)
        config.stash[_COLLECTION] = self
        config.args[:] = self._arguments(config)

    def pytest_collect_directory(self, path: Path, parent: pytest.Collector) -> pytest.Collector:
        """Enter folders only on the way to a module of ours."""
        folder: pytest.Collector = CheckFolder.from_parent(parent, path=path)
        return folder

    def pytest_pycollect_makemodule(
        self, module_path: Path, parent: pytest.Collector
    ) -> pytest.Module:
        """Take a file that was named on the command line for a module of checks, or for none."""
        return _module(parent, module_path)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Ask the built-in checks first, wherever the modules lie on this machine."""
        turn = {path: number for number, path in enumerate(self.modules)}
        items.sort(key=lambda item: turn.get(item.path, len(turn)))

    def node_path(self, path: Path, rootpath: Path) -> str:
        """Return the first part of the node ids of a module, however it was asked for."""
        base = rootpath if path.is_relative_to(rootpath) else self.root
        return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)

    def _arguments(self, config: pytest.Config) -> list[str]:
        if config.args_source is not pytest.Config.ArgsSource.ARGS:
            return [str(self.root)]
        return [self._located(argument, config.invocation_params.dir) for argument in config.args]

    def _located(self, argument: str, started_in: Path) -> str:
        """Let the node ids that we print be given back to us, from any folder."""
        path, colons, names = argument.partition("::")
        ours = self.root / path
        if (started_in / path).exists() or not ours.exists():
            return argument
        return f"{ours}{colons}{names}"


class CheckFolder(pytest.Directory):
    """A folder on the way to modules of checks; nothing else in it is looked at."""

    def collect(self) -> Iterable[pytest.Collector]:
        """Yield what leads to checks, in the order of names."""
        collection = self.config.stash[_COLLECTION]
        for path in sorted(collection.below.get(self.path, ())):
            if path in collection.modules:
                yield _module(self, path)
            else:
                yield CheckFolder.from_parent(self, path=path)


class CheckModule(pytest.Module):
    """A module that brings checks, imported under its own name."""

    def _getobj(self) -> ModuleType | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        found = self.config.stash[_COLLECTION].modules.get(self.path)
        return found.module if found else None

    def funcnamefilter(self, name: str) -> bool:
        """Take the wanted checks only."""
        return (self.path, name) in self._duty.wanted

    def classnamefilter(self, name: str) -> bool:
        """Take no class: a check is a function."""
        del name
        return False

    def collect(self) -> Iterable[pytest.Item | pytest.Collector]:
        """Return one item for each wanted check."""
        found = self.config.stash[_COLLECTION].modules.get(self.path)
        if found is None:
            return []
        if found.problem:
            raise self.CollectError(found.problem)
        items = [one for one in super().collect() if isinstance(one, pytest.Function)]
        times = Counter(one.originalname for one in items)
        for item in items:
            check = self._duty.wanted[self.path, item.originalname]
            if times[item.originalname] > 1:
                raise self.CollectError(
                    f"{check.id} ({item.originalname}) is parametrised: a check is one item, so"
                    " that it ends once; loop inside it, or declare one check for each value"
                )
            _label(item, check)
        return items

    @property
    def _duty(self) -> Duty:
        return self.config.stash[_COLLECTION].duty


def _module(parent: pytest.Collector, path: Path) -> pytest.Module:
    rootpath = parent.config.rootpath
    node_id = parent.config.stash[_COLLECTION].node_path(path, rootpath)
    module: pytest.Module = CheckModule.from_parent(parent, path=path, nodeid=node_id)
    return module


def _label(item: pytest.Function, check: PlannedCheck) -> None:
    """Let the id be found: by reporters, by -k, and in the headline of a failure."""
    item.stash[CHECK] = check
    item.user_properties += [("aos_check", check.id), ("aos_severity", check.severity.value)]
    item.extra_keyword_matches |= {check.id, check.severity.value}
    path, number, _ = item.location
    item.location = (path, number, f"{check.id} {item.name}")


def _common_folder(paths: set[Path]) -> Path | None:
    return Path(os.path.commonpath([path.parent for path in paths])) if paths else None
