"""A Python environment as its files tell it; nothing of it is started or changed."""

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from packaging.markers import default_environment

from aos_upgrade_plugin.effects.environment.distributions import installed, package_folders
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.packages import Environment
from aos_upgrade_plugin.models.tree import shown

_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_BLOCK_BYTES = 512


def read(folder: Path) -> Environment | None:
    """Describe an environment; nothing where none stands.

    Raises RefusedError where something else stands there.
    """
    with files.as_disk_error("reading the environment"):
        if not os.path.lexists(folder):
            return None
        own = package_folders(folder)
        settings = _read_settings(folder / "pyvenv.cfg")
        version = _version(settings, own)
        if version is None:
            raise RefusedError(
                f"{shown(folder)} is no Python environment",
                cure="move it away, or make one there: python3 -m venv, with its requirements",
            )
        interpreter = _interpreter(settings, version)
        system = settings.get("include-system-site-packages", "").lower() == "true"
        beside = _beside(interpreter, version) if system and interpreter else ()
        return Environment(
            folder=folder,
            python=version,
            interpreter=interpreter,
            system_packages=system,
            prompt=settings.get("prompt", "").strip("'\"") or None,
            markers=_markers(version),
            packages=installed(own),
            borrowed=installed([*(each for one in own for each in _named_in(one)), *beside]),
        )


def refuse_immovable(install: Path, folder: Path) -> None:
    """Raise RefusedError for an environment that cannot be exchanged as a whole."""
    with files.as_disk_error("looking at the environment"):
        if folder.is_symlink():
            raise RefusedError(
                f"the environment {shown(folder)} is a link to {shown(folder.readlink())}",
                cure="replace the link with an environment of its own, or let its requirements "
                "hold already: install them where it points",
            )
        is_mount = str(folder.resolve()) in files.mount_points()
        if is_mount or os.stat(folder).st_dev != os.stat(install).st_dev:
            raise RefusedError(
                f"the environment {shown(folder)} is a mount, it cannot be exchanged",
                cure="unmount it for the time of the upgrade, or install its requirements there",
            )


def require_interpreter(environment: Environment) -> Path:
    """Return the Python that an environment was made with; raise RefusedError where it is gone."""
    if environment.interpreter is None:
        raise RefusedError(
            f"the Python {environment.python} that made {shown(environment.folder)} is gone",
            cure="install that Python again where it was, or make the environment anew with "
            "another one: python3 -m venv --clear, then install its requirements",
        )
    return environment.interpreter


def size_bytes(folder: Path) -> int:
    """Return what an environment takes on the disk."""
    with files.as_disk_error("measuring the environment"):
        return sum(found.status.st_blocks * _BLOCK_BYTES for found in files.scan(folder))


def _read_settings(path: Path) -> Mapping[str, str]:
    try:
        text = path.read_text("utf-8", "surrogateescape")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _version(settings: Mapping[str, str], own: tuple[Path, ...]) -> str | None:
    """Return the version of its Python: as written down, else as its folders say."""
    named = [settings.get("version", ""), settings.get("version_info", "")]
    matches = (_VERSION.search(text) for text in (*named, *(each.parent.name for each in own)))
    return next((match[0] for match in matches if match), None)


def _interpreter(settings: Mapping[str, str], version: str) -> Path | None:
    """Find the Python it was made with: the one of that version first."""
    home = settings.get("home")
    names = (f"python{_minor(version)}", "python3", "python", "pypy3")
    candidates = [Path(home) / name for name in names] if home else []
    if "executable" in settings:
        candidates.insert(1, Path(settings["executable"]))
    return next((each for each in candidates if os.access(each, os.X_OK)), None)


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _markers(version: str) -> Mapping[str, str]:
    """Answer markers for its Python: the same machine and system as ours."""
    ours = {key: str(value) for key, value in default_environment().items()}
    return ours | {
        "python_version": _minor(version),
        "python_full_version": version,
        "implementation_version": version,
    }


def _named_in(folder: Path) -> Iterator[Path]:
    """Yield the folders that ``.pth`` files add. Their code is not run."""
    for path in sorted(folder.glob("*.pth")):
        for line in path.read_text("utf-8", "replace").splitlines():
            if line.strip() and not line.startswith(("#", "import ", "import\t")):
                added = folder / line.strip()
                if added.is_dir():
                    yield added


def _beside(interpreter: Path, version: str) -> tuple[Path, ...]:
    """Return where packages beside a Python are; Debian has its own two places."""
    prefix = interpreter.resolve().parent.parent
    python = f"python{_minor(version)}"
    places = (f"{sys.platlibdir}/{python}/site-packages", f"lib/{python}/site-packages")
    debian = (f"local/lib/{python}/dist-packages", "lib/python3/dist-packages")
    return tuple(dict.fromkeys(prefix / place for place in (*places, *debian)))
