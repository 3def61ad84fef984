"""What an upgrade of an edited installation came to, judged by what git says is owed.

For any tool: it gets what stands there afterwards, and of which paths a person was asked.
"""

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.real.edits import Edit, Kind, Kit
from tests.real.sides import File, Files, is_server, read

_NOT_READ = (".upgrades/", ".backups/", ".cache/", "state/", "venv/")
"""What an upgrade keeps for itself: what is left there only is no longer where it is used."""


class Judgement(NamedTuple):
    """Paths, below the install folder, for each way of being wrong; none is right."""

    lost: tuple[str, ...]
    """Edits of which nothing is left, or whose mode, link or removal was undone."""
    stranded: tuple[str, ...]
    """Edits that are left at a place where upstream has no such file any more."""
    wrong: tuple[str, ...]
    """What a person was asked about although git's merge is clean or one side only changed."""
    missed: tuple[str, ...]
    """What upstream changed, added, moved or deleted, and did not arrive."""
    unasked: tuple[str, ...]
    """What a person should have been asked about and was not."""


def judge(
    kit: Kit,
    install: Path,
    told: Collection[str],
    *,
    server: bool = True,
    beside: Collection[Path] = (),
) -> Judgement:
    """Judge what stands in an install folder after an upgrade.

    ``told`` are the paths that a person was asked about, at the old or the new place. Without
    ``server`` only the content was upgraded. ``beside`` are folders or files in which the tool said
    that it keeps the other side of a conflict; files named after a path (``.rej``, ``.orig``) count
    by themselves.
    """
    edits = [each for each in kit.edits if server or not each.server]
    stands = read(install, but=_NOT_READ)
    words = [content for path in beside for content in _contents(path)]
    asked = {each.path for each in edits if {each.path, each.stands_at} & {*told}}
    lost, stranded, missed = set[str](), set[str](), set[str]()
    for each in edits:
        if _is_there(each, stands, words, asked=each.path in asked):
            continue
        (stranded if _is_stranded(each, stands) else lost).add(each.path)
    for each in edits:
        if not each.decision and each.path not in lost | stranded and not _arrived(each, stands):
            missed.add(each.path)
        if each.decision and each.path not in asked and not _is_incoming(kit, each, stands):
            missed.add(each.path)
    needed = {each.path for each in edits if each.decision}
    places = {each.path for each in edits} | {each.stands_at for each in edits}
    return Judgement(
        lost=tuple(sorted(lost)),
        stranded=tuple(sorted(stranded)),
        wrong=tuple(sorted((asked - needed) | ({*told} - places))),
        missed=tuple(sorted(missed | {*_not_arrived(kit, stands, places, server=server)})),
        unasked=tuple(sorted(needed - asked)),
    )


def _contents(path: Path) -> Iterator[bytes]:
    for each in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if each.is_symlink():
            yield os.fsencode(each.readlink())
        elif each.is_file():
            yield each.read_bytes()


def _is_there(each: Edit, stands: Files, words: list[bytes], *, asked: bool) -> bool:
    """Say whether what the user did is still so, or can be had back where somebody was asked."""
    here = stands.get(each.stands_at) or stands.get(each.may_go)
    if each.made is None:
        return here is None or asked
    if each.kind in {Kind.MODE, Kind.MODE_CHANGED}:
        return here is not None and here.executable
    if each.kind in {Kind.LINK, Kind.LINKED}:
        stays = here is not None and here.link and here.content == each.made.content
        return stays or (asked and each.made.content in words)
    if here is not None and each.marker in here.content and not here.link:
        return True
    named = (file for path, file in stands.items() if path.startswith(f"{each.stands_at}."))
    kept = stands.get(each.path) if asked else None
    return asked and (
        any(each.marker in text for text in words)
        or any(each.marker in file.content for file in named)
        or (kept is not None and each.marker in kept.content)
    )


def _is_stranded(each: Edit, stands: Files) -> bool:
    return bool(each.marker) and any(each.marker in file.content for file in stands.values())


def _arrived(each: Edit, stands: Files) -> bool:
    """Say whether what comes is there beside the user's own."""
    if each.kind is Kind.CONFIG:
        return True  # its paths change with the install folder, and how is a migration's affair
    if each.stands_at != each.path and each.path in stands:
        return False
    return (stands.get(each.stands_at) or stands.get(each.may_go)) == each.owed


def _is_incoming(kit: Kit, each: Edit, stands: Files) -> bool:
    comes, here = kit.incoming.get(each.stands_at), stands.get(each.stands_at)
    return comes == here


def _not_arrived(kit: Kit, stands: Files, edited: set[str], *, server: bool) -> Iterator[str]:
    """Yield what upstream has or had, the user did not touch, and does not stand as it should."""
    for path in sorted({*kit.base, *kit.incoming} - edited):
        owed: File | None = kit.incoming.get(path)
        if (server or not is_server(path)) and stands.get(path) != owed:
            yield path
