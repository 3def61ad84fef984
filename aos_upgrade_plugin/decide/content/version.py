"""Which version a source is of. Its files disagree, so the rule is fixed and all are reported."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from aos_upgrade_plugin.models.source import VersionClaim
from aos_upgrade_plugin.models.tree import TreePath

_NUMBER = r"\d+(?:\.\d+){1,3}(?:[-.+]?[0-9A-Za-z]+(?:\.[0-9A-Za-z]+)*)?"
_VERSION = re.compile(rf"(?<![\w.])v?({_NUMBER})(?![\w.-])")
_HEADING = re.compile(rf"^#+ \[?v?({_NUMBER})\]?", re.MULTILINE)
_CURRENT = re.compile(rf"^Current Version:\s*v?({_NUMBER})\s*$", re.MULTILINE)

VERSION_FILES: tuple[TreePath, ...] = (
    "VERSION.txt",
    "VERSION",
    "universal/VERSION.txt",
    "universal/VERSION",
)
CHANGELOGS: tuple[TreePath, ...] = ("CHANGELOG.md", "mcp_server/CHANGELOG.md")
MANIFESTS: tuple[TreePath, ...] = ("universal/.universal-manifest.json",)
PROJECTS: tuple[TreePath, ...] = ("pyproject.toml",)
PLACES = (*VERSION_FILES, *CHANGELOGS, *MANIFESTS, *PROJECTS)
"""The files of a source that may name its version."""


def claims(*, files: Mapping[TreePath, bytes], tags: Iterable[str]) -> tuple[VersionClaim, ...]:
    """Return every version that a source claims to be, the one to believe first.

    A version file counts most, then a tag on the very commit, then the newest release in a
    changelog, then the manifest, then the project file: in that order they were seen to be
    kept up to date.
    """
    return tuple(
        VersionClaim(where=where, version=version)
        for where, version in _claims(files, tags)
        if version is not None
    )


def version_in(text: bytes) -> str | None:
    """Read the version from a version file: the one it calls current, else the first."""
    readable = text.decode("utf-8", "replace")
    found = _CURRENT.search(readable) or _VERSION.search(readable)
    return found[1] if found else None


def _claims(
    files: Mapping[TreePath, bytes], tags: Iterable[str]
) -> Iterator[tuple[str, str | None]]:
    for path in VERSION_FILES:
        yield path, version_in(files.get(path, b""))
    for tag in tags:
        found = _VERSION.fullmatch(tag)
        yield f"tag {tag}", found[1] if found else None
    for path in CHANGELOGS:
        found = _HEADING.search(files.get(path, b"").decode("utf-8", "replace"))
        yield path, found[1] if found else None
    for path in MANIFESTS:
        yield path, _manifest_version(files.get(path, b""))
    for path in PROJECTS:
        yield path, _project_version(files.get(path, b""))


def _manifest_version(text: bytes) -> str | None:
    with suppress(ValueError, AttributeError):
        return _exactly(json.loads(text).get("version"))
    return None


def _project_version(text: bytes) -> str | None:
    with suppress(ValueError, AttributeError):
        return _exactly(tomllib.loads(text.decode("utf-8")).get("project", {}).get("version"))
    return None


def _exactly(stated: object) -> str | None:
    found = _VERSION.fullmatch(stated) if isinstance(stated, str) else None
    return found[1] if found else None
