"""What an environment lacks for its requirements, and what nobody asked it for."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple

from packaging.markers import UndefinedComparison
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from aos_upgrade_plugin.models.packages import Environment, Installed, Name, Requirements
from aos_upgrade_plugin.models.tree import escape

Markers = Mapping[str, str]


class Lack(NamedTuple):
    """Something that an environment has to change for its requirements."""

    name: Name | None
    """The package that is not as it should be; nothing where only an installer knows its name."""
    said: str

    def __str__(self) -> str:
        """Say what is asked for and what is there."""
        return self.said


class _Asked(NamedTuple):
    """A requirement that counts, and who has it."""

    by: Installed | None
    """Nothing for the requirements file."""
    requirement: Requirement

    @property
    def name(self) -> Name:
        return canonicalize_name(self.requirement.name)


def lacking(
    requirements: Requirements, environment: Environment, *, laid_down: Requirements
) -> tuple[Lack, ...]:
    """Name what the environment has to change for its requirements; nothing where they hold.

    ``laid_down`` is what it was made for. Where that asked for the same, only the requirements
    themselves count: what was inconsistent before this upgrade is not this upgrade's to repair.
    """
    known, markers = environment.importable, environment.markers
    roots, opaque = _parsed(requirements.lines)
    asked = list(_asked_by_file(roots, markers))
    if requirements != laid_down:
        asked = list(_closure(asked, known, markers))
    limits, _ = _parsed(requirements.constraints)
    asked += [limit for limit in _asked_by_file(limits, markers) if limit.name in known]
    # What an address holds today only an installer can say; that it was asked for before is known.
    before = {each.url for each in _parsed(laid_down.lines)[0]}
    missing = [
        Lack(each.name, _said(each, known))
        for each in asked
        if not _holds(each.requirement, known, trusted=before)
    ]
    news = (Lack(None, escape(line.encode())) for line in opaque if line not in laid_down.lines)
    return tuple(dict.fromkeys((*missing, *news)))


def attempts(
    requirements: Requirements,
    environment: Environment,
    *,
    lacks: Iterable[Lack],
    kept: Iterable[Installed],
) -> tuple[frozenset[Name], ...]:
    """Return what to hold fast while resolving, the most first; the next where that fails.

    First everything but what is lacking, so that as little as possible moves; then only what is
    asked for itself; then nothing.
    """
    moving = {lack.name for lack in lacks}
    asked: set[Name] = {each.name for each in kept}
    asked |= {canonicalize_name(each.name) for each in _parsed(requirements.lines)[0]}
    everything = {each.name for each in environment.packages}
    return tuple(frozenset(held - moving) for held in (everything, asked & everything, set[str]()))


def inconsistent(environment: Environment) -> tuple[str, ...]:
    """Name every installed package whose own requirements do not hold, as ``pip check`` does."""
    known, markers = environment.importable, environment.markers
    return tuple(
        f"{package.name} {package.version} needs {_said(_Asked(None, requirement), known)}"
        for package in environment.packages
        for requirement in _requirements_of(package, frozenset(), markers)
        if not _holds(requirement, known)
    )


def extras(environment: Environment, *, laid_down: Requirements) -> tuple[Installed, ...]:
    """Return what the environment holds that its requirements do not explain, by name.

    Somebody put it there, so it is kept.
    """
    known = {each.name: each for each in environment.packages}
    roots = _asked_by_file(_parsed(laid_down.lines)[0], environment.markers)
    explained = {each.name for each in _closure(roots, known, environment.markers)}
    return tuple(package for name, package in sorted(known.items()) if name not in explained)


def has_opaque(lines: Iterable[str]) -> bool:
    """Say whether something is asked for that only an installer can name, such as a folder."""
    return bool(_parsed(lines)[1])


def _parsed(lines: Iterable[str]) -> tuple[list[Requirement], list[str]]:
    """Sort lines into requirements and those that only an installer understands."""
    requirements, opaque = [], []
    for line in lines:
        try:
            requirements.append(_parse(line))
        except InvalidRequirement:
            opaque.append(line)
    return requirements, opaque


@lru_cache(maxsize=4096)
def _parse(line: str) -> Requirement:
    return Requirement(line)


def _asked_by_file(requirements: Iterable[Requirement], markers: Markers) -> Iterator[_Asked]:
    return (_Asked(None, each) for each in requirements if _applies(each, frozenset(), markers))


def _closure(
    roots: Iterable[_Asked], known: Mapping[Name, Installed], markers: Markers
) -> Iterator[_Asked]:
    """Yield every requirement that counts, those of what is installed for them included."""
    waiting = list(roots)[::-1]
    seen: set[tuple[Name, frozenset[str]]] = set()
    while waiting:
        asked = waiting.pop()
        yield asked
        wanted = frozenset(asked.requirement.extras)
        package = known.get(asked.name)
        if package is None or (asked.name, wanted) in seen:
            continue
        seen.add((asked.name, wanted))
        waiting += [
            _Asked(package, requirement)
            for requirement in _requirements_of(package, wanted, markers)
        ]


def _requirements_of(
    package: Installed, wanted: frozenset[str], markers: Markers
) -> Iterator[Requirement]:
    """Yield what a package needs, with the extras that are wanted of it."""
    requirements, _ = _parsed(package.requires)
    return (each for each in requirements if _applies(each, wanted, markers))


def _applies(requirement: Requirement, wanted: frozenset[str], markers: Markers) -> bool:
    marker = requirement.marker
    try:
        return marker is None or any(
            marker.evaluate({**markers, "extra": extra}) for extra in ("", *sorted(wanted))
        )
    except (UndefinedComparison, InvalidVersion):
        return False  # no installer could tell either


def _holds(
    requirement: Requirement,
    known: Mapping[Name, Installed],
    trusted: Collection[str | None] = (),
) -> bool:
    package = known.get(canonicalize_name(requirement.name))
    if package is None:
        return False
    if requirement.url is not None:
        return requirement.url in {package.address, *trusted}
    try:
        return requirement.specifier.contains(package.version, prereleases=True)
    except InvalidVersion:
        return not requirement.specifier


def _said(asked: _Asked, known: Mapping[Name, Installed]) -> str:
    """Say what is asked for, by whom, and what is there instead."""
    requirement, package = asked.requirement, known.get(asked.name)
    wanted = f"{requirement.name}{requirement.specifier}" + (
        f" @ {requirement.url}" if requirement.url else ""
    )
    by = f" for {asked.by.name}" if asked.by else ""
    there = f"{package.version} is installed" if package else "not installed"
    return escape(f"{wanted}{by} ({there})".encode())
