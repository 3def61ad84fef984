"""What migrations are decided from, made of plain dictionaries: path → content."""

from collections.abc import Mapping

from aos_upgrade_plugin.effects.layouts import known
from aos_upgrade_plugin.models.layout import Layout, Part
from aos_upgrade_plugin.models.migration import MigrationFacts
from aos_upgrade_plugin.models.source import LaidDown, blob_id
from aos_upgrade_plugin.models.three_way import Version
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath

Texts = Mapping[TreePath, bytes]
BOTH = (Part.CONTENT, Part.SERVER)


def facts(  # noqa: PLR0913  a side each
    *,
    base: Texts | None = None,
    local: Texts | None = None,
    incoming: Texts | None = None,
    outside: Texts | None = None,
    index: tuple[str, ...] = (),
    parts: tuple[Part, ...] = BOTH,
    layout: Layout | None = None,
    becomes: Layout | None = None,
    renames: Mapping[TreePath, TreePath] | None = None,
    sessions: Mapping[str, str] | None = None,
) -> MigrationFacts:
    """Return what would be measured; every side is empty that is not given."""
    base, local, incoming = base or {}, local or {}, incoming or {}
    return MigrationFacts(
        layout=layout or known()[0],
        becomes=becomes,
        project=b"/home/me/project",
        parts=parts,
        target={path: Entry(kind=Kind.FILE, mode=0o644) for path in local},
        laid_down={
            path: Version(Kind.FILE, executable=False, blobs=frozenset({blob_id(text, "sha1")}))
            for path, text in base.items()
        },
        incoming={
            path: LaidDown(entry=Entry(kind=Kind.FILE), blob=blob_id(text, "sha1"))
            for path, text in incoming.items()
        },
        renames=renames or {},
        sessions=lambda: sessions or {},
        outside=outside or {},
        index=frozenset(index),
        read=local.__getitem__,
        read_incoming=incoming.__getitem__,
    )
