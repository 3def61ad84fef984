"""The versions of the sample's source as data, read from this package's own folder."""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import NamedTuple

from aos_upgrade_plugin.models.base import Frozen, Utc

_FOLDER = resources.files("aos_upgrade_plugin.sample") / "versions"


class Version(Frozen):
    """One commit: what it follows, and how it differs."""

    name: str
    follows: str | None = None
    """The version before it in the list where nothing is said."""
    date: Utc
    subject: str
    removed: tuple[str, ...] = ()
    executable: tuple[str, ...] = ()
    manifest: bool = False
    """Whether the content manifest was made anew, or left stale."""


class File(NamedTuple):
    """What git stores of a file."""

    content: bytes
    executable: bool = False


Files = Mapping[str, File]
"""Every file of a version by its path."""


@cache
def versions() -> tuple[Version, ...]:
    """Read the history, oldest first, each version with the one it follows."""
    told = tomllib.loads((_FOLDER / "history.toml").read_text(encoding="utf-8"))["versions"]
    names = [None, *(each["name"] for each in told)]
    return tuple(
        Version.model_validate({"follows": before, **each})
        for each, before in zip(told, names, strict=False)
    )


@cache
def files_of(name: str) -> Files:
    """Return every file of a version."""
    (version,) = (each for each in versions() if each.name == name)
    inherited: Files = files_of(version.follows) if version.follows else {}
    files = {
        path: file
        for path, file in inherited.items()
        if not any(path == gone or path.startswith(f"{gone}/") for gone in version.removed)
    }
    files |= {path: File(content) for path, content in _overlay(_FOLDER / name)}
    files |= {path: File(files[path].content, executable=True) for path in version.executable}
    if version.manifest:
        files["universal/.universal-manifest.json"] = File(_manifest(version, files))
    return files


def _overlay(folder: Traversable, above: str = "") -> Iterator[tuple[str, bytes]]:
    """Find the files of one folder under the names that they have in the source."""
    for each in folder.iterdir():
        path = above + each.name
        if each.is_dir():
            yield from _overlay(each, f"{path}/")
        else:
            yield path.replace("dot-", ".").replace(".py.txt", ".py"), each.read_bytes()


def _manifest(version: Version, files: Files) -> bytes:
    """List the content with its digests, in the form that the real product has."""
    content = {
        path.removeprefix("universal/"): {
            "checksum": f"sha256:{hashlib.sha256(file.content).hexdigest()}",
            "size": len(file.content),
            "last_updated": version.date.date().isoformat(),
        }
        for path, file in sorted(files.items())
        if path.startswith("universal/") and path.endswith((".md", ".json"))
    }
    manifest = {
        "version": version.name,
        "generated": version.date.isoformat(),
        "generator_version": "1.0.0",
        "files": content,
    }
    return json.dumps(manifest, indent=2).encode() + b"\n"
