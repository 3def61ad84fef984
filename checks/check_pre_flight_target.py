"""Phase 0: the installation can be upgraded, and there is room. Nothing here changes anything."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aos_upgrade_plugin.api import (
    Applicability,
    Applies,
    Gate,
    GateContext,
    Installation,
    Kind,
    NotApplies,
    PathClass,
    Severity,
    Tree,
    TreePath,
    UpgradeError,
    UpgradePlan,
    check,
    classify,
    find_installation,
    free_bytes,
)

RecordFact = Callable[[str, object], None]

_PRODUCTS = {PathClass.SYSTEM, PathClass.MIXED}
_SPACE_FACTOR = 2


def configured(context: GateContext) -> Applicability:
    """Apply where the installation has a configuration; a fresh one has none."""
    if context.target is None:
        return Applies()
    try:
        installation = find_installation(context.target)
    except UpgradeError:  # that the target is not right is for its own check to say
        return Applies()
    config = installation.layout.config
    if not config.endswith(".json"):
        return NotApplies(reason=f"{config} is not in a form that this version reads")
    if (installation.path / config).is_file():
        return Applies()
    return NotApplies(reason="the installation has no configuration of its own")


@check(
    "AOS-P004",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="name the install folder or its project: --target DIR",
)
def check_target_is_an_installation(target: Path, record_fact: RecordFact) -> None:
    """The target is an installation of a generation that we know."""
    assert target.is_dir(), f"there is no folder {target}"
    try:
        installation = find_installation(target)
    except UpgradeError as error:
        pytest.fail(str(error), pytrace=False)
    parts = {
        name: (installation.path / path).exists()
        for name, path in {
            "server": installation.layout.server,
            "config": installation.layout.config,
            "version": installation.layout.version,
            "environment": installation.layout.environment,
        }.items()
    }
    record_fact("target_exists", target.is_dir())
    record_fact("target_structure_valid", installation.path == target.resolve())
    record_fact("target_layout", installation.layout.name)
    record_fact("target_parts", parts)
    assert installation.path == target.resolve(), (
        f"{target} is not the install folder itself, that is {installation.path}"
    )


@check(
    "AOS-P005",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="give yourself the right to write there, or run as who owns the installation",
)
def check_target_is_writable(installation: Installation, tree: Tree) -> None:
    """We may write in every folder of the product's."""
    read_only = os.statvfs(installation.path).f_flag & os.ST_RDONLY
    assert not read_only, "the file system is mounted read-only"
    folders = [
        path
        for path, entry in tree.items()
        if entry.kind is Kind.DIRECTORY and classify(path, installation.layout) in _PRODUCTS
    ]
    closed = [
        path
        for path in ("", *folders)
        # A folder of our own that only its mode closes is opened and closed again on the way.
        if not os.access(installation.path / path, os.W_OK | os.X_OK)
        and (installation.path / path).stat().st_uid != os.geteuid()
    ]
    assert not closed, f"no right to write in {', '.join(path or '.' for path in closed[:5])}"


@check(
    "AOS-P006",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="replace the link with what it points to, or move it out of the product's folders",
)
def check_no_link_leaves_the_target(installation: Installation, tree: Tree) -> None:
    """No link among the product's paths leads out of the installation."""
    leaving = [
        path
        for path, entry in tree.items()
        if entry.kind is Kind.LINK
        and classify(path, installation.layout) in _PRODUCTS
        and not _stays_inside(installation.path, path)
    ]
    assert not leaving, f"links that leave the installation: {', '.join(leaving[:5])}"


def _stays_inside(install: Path, path: TreePath) -> bool:
    try:
        return (install / path).resolve().is_relative_to(install)
    except (OSError, RuntimeError):
        return False


@check(
    "AOS-P007",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="free some disk space, or remove old backups: aos-upgrade backups list",
)
def check_disk_space(
    gate_context: GateContext, installation: Installation, tree: Tree, record_fact: RecordFact
) -> None:
    """There is room for twice of what the run will write: backup, what comes, environment."""
    kept = sum(entry.size_bytes for entry in tree.values())
    comes = 0
    if gate_context.plan is not None:
        plan = UpgradePlan.model_validate_json(gate_context.plan.read_bytes())
        comes = sum(one.change.after.size_bytes for one in plan.changes if one.change.after)
        if plan.environment is not None:  # a new one is built beside the one in use
            comes += plan.environment.size_bytes
    needed = _SPACE_FACTOR * (kept + comes)
    free = free_bytes(installation.path)
    record_fact("disk_space_available_bytes", free)
    record_fact("disk_space_required_bytes", needed)
    record_fact("installation_size_bytes", kept)
    assert free >= needed, f"{needed} bytes are needed and {free} are free"


@check(
    "AOS-P012",
    gate=Gate.PRE_FLIGHT,
    severity=Severity.BLOCKER,
    remedy="correct the configuration, so that the server finds its folders",
    applies=configured,
)
def check_config_is_valid(installation: Installation, record_fact: RecordFact) -> None:
    """The configuration can be read, and the folders that it names are there."""
    path = installation.path / installation.layout.config
    try:
        config = json.loads(path.read_bytes())
    except ValueError as error:
        pytest.fail(f"{installation.layout.config} is no JSON: {error}", pytrace=False)
    assert isinstance(config, dict), f"{installation.layout.config} holds no object"
    named = dict(_folders_named(config.get("rag")))
    record_fact("config_folders", named)
    missing = [
        f"{key}: {value}"
        for key, value in named.items()
        if not (installation.project / value).exists() and not (installation.path / value).exists()
    ]
    assert not missing, f"folders that the configuration names are missing: {', '.join(missing)}"


def _folders_named(section: object) -> Iterator[tuple[str, str]]:
    """Yield the folders that have to be there; the index is made by the server itself."""
    if isinstance(section, dict):
        for key, value in section.items():
            if key.endswith("_path") and key != "index_path" and isinstance(value, str) and value:
                yield key, value
