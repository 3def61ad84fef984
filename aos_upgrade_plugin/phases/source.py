"""What a folder is worth as a source: looked at for pre-flight, or taken for a plan."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from aos_upgrade_plugin.decide.content.product import looked_for, recognise_product
from aos_upgrade_plugin.decide.content.version import PLACES, claims
from aos_upgrade_plugin.decide.layout import lay_out
from aos_upgrade_plugin.effects import layouts
from aos_upgrade_plugin.effects.service.clients import CLIENT_FILES
from aos_upgrade_plugin.effects.source.repository import Committed, Repository
from aos_upgrade_plugin.effects.source.source import paths_within, read_blobs, read_contents
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.layout import Layout
from aos_upgrade_plugin.models.source import Blob, ObjectId, SourceFacts, VersionClaim
from aos_upgrade_plugin.models.tree import TreePath, shown
from aos_upgrade_plugin.phases.installation import Installation


class Source(NamedTuple):
    """A commit of the product that an installation can be brought to."""

    repository: Repository
    commit: ObjectId
    tree: Mapping[TreePath, Committed]
    layout: Layout


def take(path: Path, reference: str = "HEAD") -> Source:
    """Open a source at a commit.

    Raises NotFoundError where there is no folder, repository or commit, or it is not the
    product; RefusedError where git cannot or will not read it.
    """
    repository = Repository(path)
    commit = repository.commit(reference)
    tree = repository.tree(commit)
    return Source(repository, commit, tree, recognise_product(tree, layouts.known()))


def look(
    path: Path, reference: str = "HEAD", *, installation: Installation | None = None
) -> SourceFacts:
    """Tell what is found where a source should be; what is wrong is a fact, not an error.

    The paths of the installation, when it lies in the same checkout, are no dirt.
    """
    facts = SourceFacts(
        path=shown(path),
        reference=reference,
        exists=path.is_dir(),
        looked_for=looked_for(layouts.known()),
    )
    try:
        for found in _findings(path, reference, installation):
            facts = facts.model_copy(update=found)
    except UpgradeError as error:
        return facts.model_copy(update={"problem": str(error), "cure": error.cure})
    return facts


def version_claims(
    repository: Repository, commit: ObjectId, tree: Mapping[TreePath, Committed]
) -> tuple[VersionClaim, ...]:
    """Return every version that a commit claims to be, the one to believe first."""
    named = {path: blob.oid for path in PLACES if path in tree and (blob := tree[path].blob)}
    contents = read_blobs(repository, named.values())
    files = {path: contents[oid] for path, oid in named.items()}
    return claims(files=files, tags=repository.tags(commit))


def laid_out(source_tree: Mapping[TreePath, Committed], layout: Layout) -> Mapping[TreePath, Blob]:
    """Return what a commit has for each path of an installation; submodules are left out."""
    places = lay_out(source_tree, layout).items()
    return {path: blob for path, origin in places if (blob := source_tree[origin].blob)}


def submodules(source_tree: Mapping[TreePath, Committed], layout: Layout) -> tuple[TreePath, ...]:
    """Return the folders of other repositories that would belong to an installation."""
    places = lay_out(source_tree, layout).values()
    return tuple(path for path in sorted(places) if source_tree[path].blob is None)


def _findings(
    path: Path, reference: str, installation: Installation | None
) -> Iterator[dict[str, Any]]:
    """Yield more and more facts, until something makes the rest impossible."""
    repository = Repository(path)
    yield {
        "is_repository": True,
        "shallow": repository.shallow,
        "object_format": repository.object_format,
    }
    commit = repository.commit(reference)
    yield {"commit": commit}
    yield {"dirt": repository.dirt(but=paths_within(path, _own_paths(installation)))}
    source = take(path, reference)
    yield {"layout": source.layout.name, "submodules": submodules(source.tree, source.layout)}
    found = version_claims(repository, commit, source.tree)
    yield {"claims": found, "version": found[0].version if found else None}
    contents = read_contents(repository, laid_out(source.tree, source.layout))
    yield {"lfs_pointers": contents.lfs_pointers}


def _own_paths(installation: Installation | None) -> Iterator[Path]:
    """Yield what is the installation's in its project: itself, and what it told git and clients."""
    if installation is not None:
        yield installation.path
        for name in (".gitignore", *CLIENT_FILES):
            yield installation.project / name
