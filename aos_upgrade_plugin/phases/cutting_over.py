"""The cut-over from the older separate tools: planned from what real servers list."""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from aos_upgrade_plugin.decide.service import cutting_over as decide
from aos_upgrade_plugin.decide.service.client_files import Entry as HowToStart
from aos_upgrade_plugin.decide.service.older_tools import OLDER_TOOLS
from aos_upgrade_plugin.effects.service.clients import CLIENT_FILES, read_clients
from aos_upgrade_plugin.effects.target import read_papers
from aos_upgrade_plugin.effects.tree.files import as_disk_error, link_above, locate
from aos_upgrade_plugin.errors import InvalidError, RefusedError
from aos_upgrade_plugin.models.cut_over import ChangedFile, LeftToDo, ToolCount
from aos_upgrade_plugin.models.journal import Change, Place
from aos_upgrade_plugin.models.plan import Paper
from aos_upgrade_plugin.models.tree import Entry, Kind, TreePath
from aos_upgrade_plugin.phases.installation import Installation, lies_in_project, site_of

Tools = tuple[str, ...]
Measure = Callable[[Mapping[TreePath, bytes]], Tools]
"""Returns the tools of the installation's server as if some of its files held something else."""

_FILES = tuple(sorted({*CLIENT_FILES, *decide.SETTINGS}))
_NEW_MODE = 0o644


class OurServer(NamedTuple):
    """The server that has the one new tool."""

    name: str
    """What clients call it."""
    entry: HowToStart
    tools: Tools


class Edit(NamedTuple):
    """One file with its new content."""

    file: ChangedFile
    before: bytes
    after: bytes


class Edits(NamedTuple):
    """Everything that changes, and what cannot be changed by us."""

    made: tuple[Edit, ...]
    by_hand: tuple[LeftToDo, ...]
    before: ToolCount
    after: ToolCount

    @property
    def of_clients(self) -> Mapping[TreePath, bytes]:
        """What the files of clients hold then, for whoever looks for uses in them."""
        outside = (each for each in self.made if each.file.change.place is Place.PROJECT)
        return {each.file.change.path: each.after for each in outside}


def plan_edits(
    installation: Installation, *, before: Tools, ours: OurServer, measure: Measure
) -> Edits:
    """Plan what changes; nothing does yet. ``before`` is what the server has now.

    Raises RefusedError where a tool would go that is none of the older ones, ServerError where
    the server does not answer.
    """
    with as_disk_error("reading the files of clients"):
        outside = _outside(installation)
        known = known_servers(installation)
    knows_ours = any(decide.tells_of(_text(each), {ours.name}) for each in outside.values())
    config, by_hand = _config(installation, before)
    after = before
    if config is not None:
        after = measure({config.file.change.path: config.after})
        _refuse_other_loss(before, after)
    clients, left = _clients(outside, ours, servers=known, still=after)
    if not knows_ours and config is None and not any(each.file.removed for each in clients):
        clients = []  # nothing of the older ones goes, so ours is not pressed on anybody
    made = (*((config,) if config else ()), *clients)
    told = knows_ours or any(each.file.added for each in made)
    return Edits(
        made=made,
        by_hand=(*by_hand, *left, *_by_link(installation, outside)),
        before=ToolCount(of_product=before, of_ours=ours.tools if knows_ours else ()),
        after=ToolCount(of_product=after, of_ours=ours.tools if told else ()),
    )


def known_servers(installation: Installation) -> frozenset[str]:
    """Return what clients call the installation's server, or are told to by the product."""
    return decide.server_names(each.name for each in read_clients(site_of(installation)))


def _outside(installation: Installation) -> Mapping[TreePath, Paper]:
    """Read the files of clients that are there, in the order of their names."""
    project = installation.project
    if not lies_in_project(installation):
        return {}
    papers = read_papers(project, (each for each in _FILES if link_above(project, each) is None))
    return {path: paper for path, paper in papers.items() if paper.entry is not None}


def _by_link(installation: Installation, outside: Mapping[TreePath, Paper]) -> Iterator[LeftToDo]:
    """Yield what is there and was not read, because links are not followed."""
    if not lies_in_project(installation):
        why = "it is a link, so the files of clients beside it were not looked at"
        yield _left(installation.layout.folder, why)
        return
    for path in _FILES:
        if path not in outside and os.path.lexists(locate(installation.project, path)):
            yield _left(path, "it is no file of its own, or lies behind a link: look yourself")


def _text(paper: Paper) -> str:
    return paper.content.decode("utf-8", "replace")


# ---- the server's configuration ------------------------------------------------------------------


def _config(installation: Installation, tools: Tools) -> tuple[Edit | None, tuple[LeftToDo, ...]]:
    """Plan the configuration without the group of the older tools, if the server has them."""
    path = installation.layout.config
    shown, older = f"{installation.path.name}/{path}", decide.are_old(tools)
    if not older:
        return None, ()
    with as_disk_error("reading the configuration of the server"):
        paper = read_papers(installation.path, [path]).get(path)
        usual = decide.usual_groups(_code(installation))
    if paper is None:
        return None, (
            _left(shown, "it is a link or no file: leave its group workflow out by hand"),
        )
    if usual == ():
        why = "the server has them in its code, whatever is configured: upgrade it to a later one"
        return None, (_left(shown, f"{', '.join(older)}: {why}"),)
    try:
        edited = decide.without_group(_decoded(paper.content), usual=usual)
    except InvalidError as error:
        return None, (_left(shown, f"{error}; {error.cure}"),)
    if not edited.removed:
        why = "the group workflow is off already, and the server has them all the same"
        return None, (_left(shown, f"{', '.join(older)}: {why}"),)
    return _edit(path, paper, edited, Place.INSTALL), ()


def _code(installation: Installation) -> Iterator[str]:
    for file in sorted((installation.path / installation.layout.server).rglob("*.py")):
        if file.is_file() and not file.is_symlink():
            yield file.read_text(encoding="utf-8", errors="replace")


def _refuse_other_loss(before: Tools, after: Tools) -> None:
    lost = [each for each in before if each not in after]
    strange = [each for each in lost if each not in OLDER_TOOLS and each not in decide.IN_GROUP]
    if strange:
        raise RefusedError(
            f"with the older tools {', '.join(strange)} would go, too",
            cure="leave the group on, and take out what the clients allow by hand",
        )


# ---- the files of clients ------------------------------------------------------------------------


def _clients(
    papers: Mapping[TreePath, Paper],
    ours: OurServer,
    *,
    servers: frozenset[str],
    still: Tools,
) -> tuple[list[Edit], list[LeftToDo]]:
    """Plan each file without the tools that are gone, and with our server where theirs is."""
    gone = {*OLDER_TOOLS, *decide.IN_GROUP} - {*still}
    edits, left = [], []
    for path, paper in papers.items():
        try:
            edited = decide.without_tools(
                _decoded(paper.content),
                tools=gone,
                servers=servers,
                is_toml=path.endswith(".toml"),
            )
        except InvalidError as error:
            left.append(_left(path, f"{error}; {error.cure}"))
            continue
        if decide.tells_of(edited.text, servers) and not decide.has_its_own(still):
            try:
                edited = decide.with_ours(edited, file=path, name=ours.name, entry=ours.entry)
            except InvalidError as error:
                left.append(_left(path, f"our server was not added: {error}; {error.cure}"))
        if edited.text.encode() != paper.content:
            edits.append(_edit(path, paper, edited, Place.PROJECT))
    return edits, left


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidError("it is no UTF-8", cure="correct the file") from error


def _edit(path: TreePath, paper: Paper, edited: decide.Edited, place: Place) -> Edit:
    after = edited.text.encode()
    entry = Entry(
        kind=Kind.FILE,
        mode=paper.entry.mode if paper.entry else _NEW_MODE,
        size_bytes=len(after),
        digest=hashlib.sha256(after).hexdigest(),
    )
    change = Change(path=path, before=paper.entry, after=entry, place=place)
    file = ChangedFile(change=change, removed=edited.removed, added=edited.added)
    return Edit(file, paper.content, after)


def _left(path: TreePath, why: str) -> LeftToDo:
    return LeftToDo(file=path, why=why)
