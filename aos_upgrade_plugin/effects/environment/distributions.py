"""What is installed in an environment, read from its files; nothing of it is started."""

import json
from collections.abc import Iterable
from contextlib import suppress
from email.parser import HeaderParser
from importlib import metadata
from pathlib import Path

from packaging.utils import canonicalize_name
from pydantic import JsonValue

from aos_upgrade_plugin.models.packages import Installed

_NOTHING = "# nothing is installed: the installation has no environment\n"


def requirements(environment: Path) -> str:
    """Return what is installed there as requirements that pip takes, a line each, sorted."""
    packages = installed(package_folders(environment))
    return "".join(f"{each.requirement}\n" for each in packages) or _NOTHING


def package_folders(environment: Path) -> tuple[Path, ...]:
    """Return the folders of an environment that packages are installed into."""
    return tuple(sorted(environment.glob("lib/*/site-packages")))


def installed(folders: Iterable[Path]) -> tuple[Installed, ...]:
    """Describe what is installed in folders, by name; where one is there twice, the first."""
    paths = [str(folder) for folder in folders]
    found: dict[str, Installed] = {}
    for distribution in metadata.distributions(path=paths) if paths else ():
        with suppress(OSError, ValueError):  # what is unreadable or no package is passed over
            package = _describe(distribution)
            if package is not None:
                found.setdefault(package.name, package)
    return tuple(package for _, package in sorted(found.items()))


def origin(recorded: JsonValue) -> tuple[str | None, bool]:
    """Return the address of what did not come from an index, and whether it is editable.

    Source: PEP 610.
    """
    match recorded:
        case {"url": str(url), "vcs_info": {"vcs": str(vcs), "commit_id": str(commit)}}:
            address = f"{vcs}+{url}@{commit}"
        case {"url": str(url)}:
            address = url
        case _:
            return None, False
    if not address.isprintable() or " " in address:
        return None, False  # it would be more than one line or word of a requirements file
    match recorded:
        case {"subdirectory": str(folder)}:
            return f"{address}#subdirectory={folder}", False
        case {"dir_info": {"editable": True}}:
            return address, True
        case _:
            return address, False


def _describe(distribution: metadata.Distribution) -> Installed | None:
    """Return one package; nothing for what a broken installation left behind."""
    text = distribution.read_text("METADATA") or distribution.read_text("PKG-INFO")
    headers = HeaderParser().parsestr(text or "")
    name, version = headers.get("Name"), headers.get("Version")
    if not name or not version:
        return None
    address, editable = origin(_read_origin(distribution))
    return Installed(
        name=canonicalize_name(name),
        version=version,
        address=address,
        editable=editable,
        requires=tuple(distribution.requires or ()),
    )


def _read_origin(distribution: metadata.Distribution) -> JsonValue:
    try:
        recorded: JsonValue = json.loads(distribution.read_text("direct_url.json") or "null")
    except ValueError:
        return None
    return recorded
