"""Whether a commit is the product: told by what it holds, and what was looked for is said."""

from collections.abc import Iterable, Mapping

from aos_upgrade_plugin.decide.layout import lay_out, recognise_source
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.layout import Layout, Part, Root
from aos_upgrade_plugin.models.source import LaidDown
from aos_upgrade_plugin.models.three_way import Version, Versions
from aos_upgrade_plugin.models.tree import TreePath


def recognise_product(paths: Iterable[TreePath], layouts: Iterable[Layout]) -> Layout:
    """Return the layout that a source installs; NotFoundError where it is not the product.

    A sign alone is not enough: a project that has the product installed bears it too. So each
    part of the product has to be there.
    """
    paths = tuple(paths)
    listing = frozenset(
        "/".join(parts[:depth])
        for path in paths
        if (parts := path.split("/"))
        for depth in range(1, len(parts) + 1)
    )
    layout = recognise_source(listing=listing, layouts=layouts)
    for part in Part:
        only = only_parts(layout, part)
        if not lay_out(paths, only):
            roots = ", ".join(root.source for root in only.roots)
            raise NotFoundError(
                f"this is no source of {layout.product}: of its {part} it holds none of {roots}",
                cure="name a git checkout of the product: --source DIR",
            )
    return layout


def looked_for(layouts: Iterable[Layout]) -> tuple[str, ...]:
    """Return the paths by which a source is recognised."""
    wanted = (
        path
        for layout in layouts
        for path in (*layout.source_signs, *(root.source for root in layout.roots))
    )
    return tuple(sorted(set(wanted)))


def only_parts(layout: Layout, *parts: Part) -> Layout:
    """Return a layout with the roots of some parts."""
    roots = tuple(root for root in layout.roots if root.part in parts)
    return layout.model_copy(update={"roots": roots})


def that_came(layout: Layout, local: Versions) -> Layout:
    """Return a layout without the roots of the server that nothing stands of.

    They were not removed, they never came: for a time the product's own instructions forgot one.
    What is missing of the content may well have been removed by the user.
    """
    roots = tuple(
        root
        for root in layout.roots
        if root.part is not Part.SERVER
        or any(f"{path}/".startswith(f"{root.install}/") for path in local)
    )
    return layout.model_copy(update={"roots": roots})


def that_comes(
    incoming: Mapping[TreePath, LaidDown], *, base: Versions, local: Versions, layout: Layout
) -> Mapping[TreePath, LaidDown]:
    """Return what a source brings: all of it, but where upstream changed nothing only what came.

    What the instructions forgot is brought by the next upgrade. The same version again is none.
    """
    stands = that_came(layout, local).roots
    came = {path: laid for path, laid in incoming.items() if _root_of(path, layout) in stands}
    unchanged = {path: Version.of(laid.in_git) for path, laid in came.items()} == base
    return came if unchanged else incoming


def part_of(path: TreePath, layout: Layout) -> Part | None:
    """Return the part that has a path below one of its roots."""
    root = _root_of(path, layout)
    return root.part if root else None


def _root_of(path: TreePath, layout: Layout) -> Root | None:
    return next((root for root in layout.roots if f"{path}/".startswith(f"{root.install}/")), None)


def places_of(paths: Iterable[TreePath], layout: Layout) -> Mapping[TreePath, TreePath]:
    """Map each path that a source has or ever had to its place in an installation."""
    return {path: place for path in paths for place in lay_out([path], layout)}


def below_roots(local: Versions, layout: Layout) -> Versions:
    """Return what stands below the roots of a layout."""
    prefixes = tuple(f"{root.install}/" for root in layout.roots)
    return {path: side for path, side in local.items() if f"{path}/".startswith(prefixes)}
