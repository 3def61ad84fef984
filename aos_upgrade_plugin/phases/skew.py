"""Whether content and server fit together where only one of them is upgraded."""

from aos_upgrade_plugin.decide.content.product import only_parts, part_of
from aos_upgrade_plugin.decide.service.skew import Release, Texts, skews
from aos_upgrade_plugin.effects.source.source import read_blobs
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.tree import Tree
from aos_upgrade_plugin.phases.installation import Installation
from aos_upgrade_plugin.phases.source import Source, laid_out


def version_skews(
    installation: Installation, source: Source, parts: tuple[Part, ...], *, tree: Tree
) -> tuple[str, ...]:
    """Name what the content would ask of the server in vain after a partial upgrade.

    ``tree`` is what stands there.
    """
    needs = installation.layout.needs
    if not needs or {*parts} == {*Part}:
        return ()
    before = Release(*(_standing(installation, part, tree) for part in _EVERY))
    whole = Release(*(_coming(source, part) for part in _EVERY))
    after = Release(
        whole.content if Part.CONTENT in parts else before.content,
        whole.server if Part.SERVER in parts else before.server,
    )
    return skews(needs, before=before, after=after, whole=whole)


_EVERY = (Part.CONTENT, Part.SERVER)


def _standing(installation: Installation, part: Part, tree: Tree) -> Texts:
    ours = [path for path in tree if part_of(path, installation.layout) is part]
    return {path: paper.content for path, paper in read_papers(installation.path, ours).items()}


def _coming(source: Source, part: Part) -> Texts:
    blobs = laid_out(source.tree, only_parts(source.layout, part))
    contents = read_blobs(source.repository, {blob.oid for blob in blobs.values()})
    return {path: contents[blob.oid] for path, blob in blobs.items()}
