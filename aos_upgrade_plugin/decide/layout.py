"""Which layout an installation or a source has, and whose each of its paths is."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache

from aos_upgrade_plugin.errors import NotFoundError, RefusedError
from aos_upgrade_plugin.models.layout import Layout, PathClass, Pattern
from aos_upgrade_plugin.models.tree import TreePath, in_repository


def classify(path: TreePath, layout: Layout) -> PathClass:
    """Say whose a path of an installation is."""
    return classifier(layout)(path)


@lru_cache(maxsize=8)
def classifier(layout: Layout) -> Callable[[TreePath], PathClass]:
    """Return :func:`classify` for one layout, quick enough to be asked for every file.

    A repository's own folder, by whatever name a file system knows it, is never changed.
    """
    classes = [each for each in PathClass if each is not PathClass.USER]
    patterns: dict[PathClass, tuple[Pattern, ...]] = {
        each: getattr(layout.classes, each) for each in classes
    }
    search = _any_of(patterns)

    def class_of(path: TreePath) -> PathClass:
        if in_repository(path):
            return PathClass.CONTROL
        match = search(path)
        return PathClass(match.lastgroup) if match and match.lastgroup else PathClass.USER

    return class_of


def recognise(*, name: str, listing: AbstractSet[TreePath], layouts: Iterable[Layout]) -> Layout:
    """Tell an installation's layout from its folder's name and the paths in it.

    ``listing`` needs to hold the paths that :func:`signs` asks for, if they are there. Raises
    NotFoundError, RefusedError for a generation that is not known; both say what was looked for.
    """
    layouts = tuple(layouts)
    newest_first = sorted(layouts, key=lambda layout: -layout.generation)
    named = [layout for layout in newest_first if layout.folder == name]
    if not named:
        names = " or ".join(sorted({layout.folder for layout in layouts}))
        raise NotFoundError(
            f"{name!r} is no installation: its name is not {names}",
            cure="name the install folder, or the project that holds it: --target DIR",
        )
    for layout in named:
        if not listing & set(layout.signs):
            continue
        if foreign := listing & set(layout.foreign_signs):
            raise RefusedError(
                f"{name} holds {', '.join(sorted(foreign))}: a generation of {layout.product} "
                "that this version does not know",
                cure="look for a newer version of aos-upgrade",
            )
        return layout
    looked_for = ", ".join(sorted({sign for layout in named for sign in layout.signs}))
    raise NotFoundError(
        f"{name} is no installation: it holds none of {looked_for}",
        cure="name another folder with --target DIR, or restore this one from its backups",
    )


def recognise_source(*, listing: AbstractSet[TreePath], layouts: Iterable[Layout]) -> Layout:
    """Tell which layout a source installs, from the paths in it; the newest that it could."""
    layouts = sorted(layouts, key=lambda layout: -layout.generation)
    for layout in layouts:
        if listing & set(layout.source_signs):
            return layout
    looked_for = ", ".join(sign for layout in layouts for sign in layout.source_signs)
    raise NotFoundError(
        f"this is no source of Agent OS or prAxIs OS: it holds none of {looked_for}",
        cure="name a git checkout of the product: --source DIR",
    )


def signs(layouts: Iterable[Layout]) -> frozenset[TreePath]:
    """Return every path of an installation that tells something about its layout."""
    return frozenset(sign for layout in layouts for sign in (*layout.signs, *layout.foreign_signs))


def lay_out(paths: Iterable[TreePath], layout: Layout) -> Mapping[TreePath, TreePath]:
    """Map each path that an installation has from a source to the source's path for it."""
    stays_behind = _stays_behind(layout.never_installed)
    paths = tuple(paths)
    return {
        root.install + path.removeprefix(root.source): path
        for root in layout.roots
        for path in paths
        if path == root.source
        or (path.startswith(f"{root.source}/") and not stays_behind(path[len(root.source) + 1 :]))
    }


@lru_cache(maxsize=8)
def _stays_behind(
    never_installed: tuple[Pattern, ...],
) -> Callable[[TreePath], re.Match[str] | None]:
    """Return the search for what is left in the source; asked for again for every single path."""
    return _any_of({PathClass.SYSTEM: never_installed})


def _any_of(
    patterns: Mapping[PathClass, Sequence[Pattern]],
) -> Callable[[TreePath], re.Match[str] | None]:
    """Return a search that names the first group of patterns which covers a path."""
    groups = (
        f"(?P<{name}>{'|'.join(_expression(each) for each in group)})"
        for name, group in patterns.items()
        if group
    )
    return re.compile(f"^(?:{'|'.join(groups)})(?:/|$)").search


def _expression(pattern: Pattern) -> str:
    anywhere = "(?:.*/)?" if pattern.startswith("**/") else ""
    name = re.escape(pattern.removeprefix("**/"))
    return anywhere + name.replace(r"\*", "[^/]*")
