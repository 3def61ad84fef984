"""A server asked everything that an upgrade could break: handshake, tools, search, workflows."""

import time
from collections.abc import Mapping, Sequence

from aos_upgrade_plugin.decide.service.server import patience_ends_s, worth_asking_again
from aos_upgrade_plugin.decide.service.workflow_list import LISTINGS, listed_workflows
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.service.server import index_bytes
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.models.server import KnownAnswer, Site, StartCommand
from aos_upgrade_plugin.models.service import Measured
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases.search import (
    STANDARDS,
    pick_known_answers,
    question,
    why_search_failed,
)

_LOOK_AGAIN_S = 0.2


def measure_server(
    site: Site,
    endpoint: str | StartCommand,
    *,
    limit_s: float,
    new: Sequence[KnownAnswer] = (),
    changed: Mapping[TreePath, str] | None = None,
) -> Measured:
    """Ask a server at a URL, or one that is started over its pipes for this and ended again.

    The known answers come from the installation's own standards. ``new`` are sentences that only
    an index of today knows; ``changed`` holds what some files said earlier, so that no answer is
    asked for that an older index cannot know. Nothing is raised for what a server does
    wrong: that is the measurement.
    """
    with as_disk_error("reading the standards"):
        known = pick_known_answers(site, STANDARDS, changed=changed)
    calls = (*map(question, (*known, *new)), *LISTINGS)
    said = probe(endpoint, limit_s=limit_s, calls=calls)
    if not said.reached:
        return Measured(probe=said, search_problem=said.problem, index_problem=said.problem)
    answers, asked = said.answers[len(known) :], said.answers[len(known) + len(new) :]
    searched = said.answers[: len(known)]
    found = (listed_workflows(answer.content) for answer in asked)
    return Measured(
        probe=said,
        search_problem=why_search_failed(known, searched),
        search_hopeless=all(answer.absent for answer in searched),
        index_problem=why_search_failed(new, answers) if new else None,
        workflows=next((each for each in found if each is not None), None),
    )


def measure_until_searchable(
    site: Site,
    endpoint: str | StartCommand,
    *,
    limit_s: float,
    new: Sequence[KnownAnswer] = (),
    changed: Mapping[TreePath, str] | None = None,
) -> Measured:
    """Measure until the search works, as an index may still be built; the last measurement else.

    The limit counts anew while the index grows. Asked once is a server that cannot be reached, a
    search that no waiting mends, and a server over pipes that left its index as it was.
    """
    began_s = grew_s = time.monotonic()
    size_bytes = index_bytes(site)
    while True:
        measured = measure_server(site, endpoint, limit_s=limit_s, new=new, changed=changed)
        if grew := (now_bytes := index_bytes(site)) != size_bytes:
            grew_s, size_bytes = time.monotonic(), now_bytes
        over_pipes = isinstance(endpoint, StartCommand)
        if not worth_asking_again(measured, over_pipes=over_pipes, grew=grew):
            return measured
        if time.monotonic() > patience_ends_s(started_s=began_s, grew_s=grew_s, limit_s=limit_s):
            return measured
        time.sleep(_LOOK_AGAIN_S)
