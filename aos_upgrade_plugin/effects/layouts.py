"""The layouts that we know, and the folders that bear the name of an installation."""

import os
import tomllib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import aos_upgrade_plugin
from aos_upgrade_plugin.effects.tree import files
from aos_upgrade_plugin.models.layout import Layout
from aos_upgrade_plugin.models.tree import TreePath


class Named(NamedTuple):
    """A folder that bears the name of an installation."""

    path: Path
    """The folder itself, no link on the way to it."""
    name: str
    """The name it was found by; a link may have another than what it points to."""
    project: Path
    """The folder that holds that name."""


@cache
def known() -> tuple[Layout, ...]:
    """Read the layouts that come with this package, the oldest generation first."""
    folder = resources.files(aos_upgrade_plugin) / "layouts"
    layouts = (
        Layout.model_validate(tomllib.loads(each.read_text(encoding="utf-8")))
        for each in folder.iterdir()
        if each.name.endswith(".toml")
    )
    return tuple(sorted(layouts, key=lambda layout: layout.generation))


def named(start: Path, names: Collection[str]) -> Iterator[Named]:
    """Find the folders with one of these names, from a folder upwards, the nearest first.

    A folder counts before what it holds. The way up is the one that was written, so that a
    link keeps its name and project; then the one without links.
    """
    written = Path(os.path.abspath(start))
    seen = set()
    for way in (written, written.resolve()):
        for folder in (way, *way.parents):
            inside = (folder / name for name in sorted(names))
            for each in (folder, *inside) if folder.name in names else inside:
                path = each.resolve()
                if path not in seen and path.is_dir():
                    seen.add(path)
                    yield Named(path, each.name, each.parent)


def present(folder: Path, paths: Iterable[TreePath]) -> frozenset[TreePath]:
    """Return those of the paths that stand in a folder."""
    return frozenset(path for path in paths if os.path.lexists(files.locate(folder, path)))
