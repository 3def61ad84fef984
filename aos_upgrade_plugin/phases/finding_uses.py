"""Where a project speaks of the older separate tools."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.decide.layout import classifier
from aos_upgrade_plugin.decide.service.older_tools import uses_in
from aos_upgrade_plugin.effects.project_texts import project_texts
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.cut_over import FoundUse, LeftToDo
from aos_upgrade_plugin.models.layout import Layout, Part, PathClass
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases.cutting_over import known_servers
from aos_upgrade_plugin.phases.installation import Installation, lies_in_project

_NOT_READ = frozenset({PathClass.CONTROL, PathClass.ENVIRONMENT, PathClass.DERIVED})
_OF_PRODUCT = frozenset({PathClass.SYSTEM, PathClass.MIXED})


class Uses(NamedTuple):
    """What was found, and in how many files."""

    found: tuple[FoundUse, ...]
    files_read: int
    unread: tuple[LeftToDo, ...]


def find_uses(installation: Installation, *, instead: Mapping[TreePath, bytes]) -> Uses:
    """Read every text of a project, those of its installation among them; nothing is written.

    ``instead`` is what some files are taken to hold. The server's own code is not read: it is
    what registers the tools.
    """
    layout, folder = installation.layout, installation.path.name
    if not lies_in_project(installation):
        folder = ""  # it is only seen by a link, which is not followed
    servers = known_servers(installation)
    found: list[FoundUse] = []
    unread: list[LeftToDo] = []
    files_read = 0
    with as_disk_error("reading the texts of the project"):
        for text in project_texts(installation.project, enter=_enters(layout, folder)):
            if text.problem is not None:
                unread.append(LeftToDo(file=text.path, why=text.problem))
                continue
            files_read += 1
            content = text.content
            if text.path in instead:
                content = instead[text.path].decode("utf-8", "replace")
            of_product = _is_of_product(text.path, layout, folder)
            found += [
                FoundUse(file=text.path, of_product=of_product, **use.model_dump())
                for use in uses_in(content, servers=servers, is_code=text.is_code)
            ]
    return Uses(tuple(found), files_read, tuple(unread))


def _enters(layout: Layout, folder: str) -> Callable[[TreePath], bool]:
    class_of = classifier(layout)
    code = tuple(root.install for root in layout.roots if root.part is Part.SERVER)

    def enters(path: TreePath) -> bool:
        below = _below(path, folder)
        if below is None:
            return True
        return class_of(below) not in _NOT_READ and below not in code

    return enters


def _is_of_product(path: TreePath, layout: Layout, folder: str) -> bool:
    below = _below(path, folder)
    return below is not None and classifier(layout)(below) in _OF_PRODUCT


def _below(path: TreePath, folder: str) -> TreePath | None:
    if not folder or not path.startswith(f"{folder}/"):
        return None
    return path.removeprefix(f"{folder}/")
