"""What becomes of an environment: the change of each package, and with what it is built."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from aos_upgrade_plugin.models.packages import (
    ChangeKind,
    Name,
    Package,
    PackageChange,
    Pinned,
    PostInstallCommand,
    PostInstallContext,
)

_EDITABLE = re.compile(r"^-e (?P<address>\S+)#egg=(?P<name>[\w.-]+)$")


def changes(*, before: Iterable[Package], after: Iterable[Package]) -> tuple[PackageChange, ...]:
    """Plan what becomes of each package, by name. What stays as it is is not mentioned."""
    old = {each.name: each for each in before}
    new = {each.name: each for each in after}
    pairs = ((name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys()))
    return tuple(_change(name, *pair) for name, *pair in pairs if not _stays(*pair))


def _stays(before: Package | None, after: Package | None) -> bool:
    return before is not None and after is not None and before.is_same(after)


def _change(name: Name, before: Package | None, after: Package | None) -> PackageChange:
    kind, jump = ChangeKind.REPLACED, False
    if before is None:
        kind = ChangeKind.INSTALLED
    elif after is None:
        kind = ChangeKind.REMOVED
    elif step := _step(before, after):
        kind = ChangeKind.UPGRADED if step[0] < step[1] else ChangeKind.DOWNGRADED
        jump = _series(step[0]) != _series(step[1])
    shown = [each and (each.version or each.address) for each in (before, after)]
    return PackageChange(name=name, kind=kind, before=shown[0], after=shown[1], jump=jump)


def _step(before: Package, after: Package) -> tuple[Version, Version] | None:
    """Return both versions; nothing where they are equal or one is none that has an order."""
    try:
        step = Version(before.version or ""), Version(after.version or "")
    except InvalidVersion:
        return None
    return step if step[0] != step[1] else None


def _series(version: Version) -> tuple[int, ...]:
    """Return what stays the same as long as nothing is meant to break. Source: semver.org, 4."""
    if version.major:
        return version.epoch, version.major
    return version.epoch, version.major, version.minor


def differences(*, planned: Iterable[Package], packages: Iterable[Package]) -> tuple[str, ...]:
    """Name the packages of an environment that are not as planned, by name.

    By name and version: an address is written down by each installer in its own way.
    """
    wanted = {each.name: each.version for each in planned}
    there = {each.name: each.version for each in packages}
    return tuple(
        f"{name} {there.get(name, 'missing')}, planned {wanted.get(name, 'nothing')}"
        for name in sorted(wanted.keys() | there.keys())
        if name not in there or name not in wanted or wanted[name] not in {None, there[name]}
    )


def choose_installer(
    *, uv: bool, pip: bool, uv_is_told: bool, pip_is_told: bool, needs_pip: bool
) -> Literal["uv", "pip"] | None:
    """Choose what resolves and installs; nothing where neither can.

    uv is quicker, but does not read pip's configuration: where only pip is told of an index, of
    wheels or of a proxy, pip is who knows the way. Only pip names what an editable folder holds.
    """
    if uv and not needs_pip and (uv_is_told or not (pip and pip_is_told)):
        return "uv"
    return "pip" if pip else None


def read_snapshot(text: str) -> tuple[Pinned, ...]:
    """Return the packages of a snapshot. Raises ValueError for a line that is none of ours."""
    lines = [line for each in text.splitlines() if (line := each.strip()) and line[0] != "#"]
    return tuple(map(_read_line, lines))


def _read_line(line: str) -> Pinned:
    if editable := _EDITABLE.match(line):
        name = canonicalize_name(editable["name"])
        return Pinned(name=name, address=editable["address"], editable=True)
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        raise ValueError(f"{line!r} is no requirement") from error
    versions = [each.version for each in requirement.specifier if each.operator in {"==", "==="}]
    if requirement.url is None and not versions:
        raise ValueError(f"{line!r} names no version")
    return Pinned(
        name=canonicalize_name(requirement.name),
        version=versions[0] if versions else None,
        address=requirement.url,
    )


def browser_steps(context: PostInstallContext) -> tuple[PostInstallCommand, ...]:
    """Fetch the browser that a new playwright drives, where the server's browser tool is on."""
    if not context.is_new("playwright") or "browser" not in _tool_groups(context):
        return ()
    return (
        PostInstallCommand(
            package="playwright",
            reason="each version of playwright drives a browser of its own",
            command=("playwright", "install", "chromium"),
            # Removing what no environment seems to use would take the present one's browser.
            variables={"PLAYWRIGHT_SKIP_BROWSER_GC": "1"},
            again_in_place=True,
        ),
    )


def _tool_groups(context: PostInstallContext) -> Sequence[object]:
    """Return the tools that the server offers; all of them unless its configuration says else."""
    match context.config:
        case {"mcp": {"enabled_tool_groups": [*groups]}}:
            return groups
        case _:
            return ("rag", "workflow", "browser")
