"""Three texts merged by git's own merge, in a folder of this user's that is gone afterwards."""

import os
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.effects.source.git import Git
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.errors import RefusedError
from aos_upgrade_plugin.models.tree import escape

_MOST_PLACES = 127
_NAMES = ("yours", "laid down", "incoming")


class GitMerge(NamedTuple):
    """What git made of three texts."""

    content: bytes
    """With markers, where there are places that it could not merge."""
    places: int
    """How many; from 127 on it stops counting."""


MergeTexts = Callable[[bytes, bytes, bytes], GitMerge]
"""Merges base, local and incoming; raises RefusedError where git cannot say."""


@contextmanager
def merging() -> Generator[MergeTexts]:
    """Offer git's merge. Nothing is written before it is used for the first time."""
    with ExitStack() as stack:
        folders: list[Path] = []

        def merge(base: bytes, local: bytes, incoming: bytes) -> GitMerge:
            if not folders:
                folders.append(stack.enter_context(run_folder.for_planning()))
                stack.callback(run_folder.remove, folders[0])
            return _merge(folders[0], (local, base, incoming))

        yield merge


def _merge(folder: Path, texts: tuple[bytes, bytes, bytes]) -> GitMerge:
    """Merge in the order of git's arguments: local, base, incoming."""
    paths = [folder / name.replace(" ", "-") for name in _NAMES]
    with as_disk_error("merging"):
        for path, text in zip(paths, texts, strict=True):
            durable.remove_tree(path)
            durable.write_new(os.fsencode(path), text)
    labels = [word for name in _NAMES for word in ("-L", name)]
    style = ("-c", "merge.conflictStyle=merge")
    run = Git(folder).run(*style, "merge-file", "-p", "-q", *labels, *map(os.fsencode, paths))
    if not 0 <= run.returncode <= _MOST_PLACES:
        said = escape(run.stderr.strip().rpartition(b"\n")[2])
        raise RefusedError(
            f"git cannot merge: {said or f'status {run.returncode}'}",
            cure="decide without merging: --on-conflict keep, or take",
        )
    return GitMerge(run.stdout, run.returncode)
