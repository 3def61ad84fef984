"""Open conflicts for tests: three texts, and what git made of them."""

from aos_upgrade_plugin.models.conflict import Merge, OpenConflict, Side
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.three_way import Relation
from aos_upgrade_plugin.models.tree import Kind, TreePath


def side(content: bytes | None, *, kind: Kind = Kind.FILE) -> Side | None:
    """Return what one side has; nothing for nothing."""
    return None if content is None else Side(kind=kind, content=content)


def conflict(  # noqa: PLR0913  a side each
    base: bytes | None,
    local: bytes | None,
    incoming: bytes | None,
    *,
    path: TreePath = "a.md",
    relation: Relation = Relation.EDIT_EDIT,
    merge: Merge = Merge(),  # noqa: B008  frozen
    is_config: bool = False,
) -> OpenConflict:
    """Return a conflict of three texts."""
    return OpenConflict(
        path=path,
        relation=relation,
        part=Part.CONTENT,
        is_config=is_config,
        base=side(base),
        local=side(local),
        incoming=side(incoming),
        merge=merge,
    )
