"""What content asks of a server: told by the text of both, where only one of them is upgraded."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.models.layout import Need
from aos_upgrade_plugin.models.tree import TreePath

Texts = Mapping[TreePath, bytes]


class Release(NamedTuple):
    """One side: the files of each part, by their places in an installation."""

    content: Texts
    server: Texts


def skews(
    needs: Collection[Need], *, before: Release, after: Release, whole: Release
) -> tuple[str, ...]:
    """Name what content needs after a partial upgrade and the server lacks.

    What it lacked ``before``, and what it would lack after a ``whole`` upgrade, is not due to
    leaving a part out.
    """
    lacks = unmet(needs, after) - unmet(needs, before) - unmet(needs, whole)
    return tuple(need.what for need in needs if need.what in lacks)


def unmet(needs: Iterable[Need], release: Release) -> frozenset[str]:
    """Name what the content of a release asks for and its server does not have."""
    return frozenset(
        need.what
        for need in needs
        if _asks(need, release.content) and not _has(need, release.server)
    )


def _asks(need: Need, content: Texts) -> bool:
    word = re.compile(rb"\b%s\b" % re.escape(need.content.encode()))
    return any(
        word.search(path.encode() if need.by_path else text) for path, text in content.items()
    )


def _has(need: Need, server: Texts) -> bool:
    code = re.compile(need.server.encode())
    return any(code.search(text) for path, text in server.items() if path.endswith(".py"))
