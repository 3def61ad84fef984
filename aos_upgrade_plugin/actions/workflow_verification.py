"""The workflow tool verified: a real server, in a scratch project, asked by the official client."""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from aos_upgrade_plugin import __version__
from aos_upgrade_plugin.actions.workflow_catalogue import Catalogue
from aos_upgrade_plugin.actions.workflow_walks import Asked, result_of, walk, walk_upgrade
from aos_upgrade_plugin.decide.run.sessions import UPGRADE_WORKFLOWS
from aos_upgrade_plugin.decide.service.older_tools import TOOL
from aos_upgrade_plugin.decide.workflow import verifying
from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.effects.tree import durable
from aos_upgrade_plugin.effects.tree.files import as_disk_error
from aos_upgrade_plugin.effects.workflow.own_workflows import EVIDENCE, GATED, OWN
from aos_upgrade_plugin.errors import NotFoundError
from aos_upgrade_plugin.models.definition import Listed, Origin
from aos_upgrade_plugin.models.verification import CallResult, Verification, WalkResult
from aos_upgrade_plugin.models.words import line
from aos_upgrade_plugin.phases.installation import Installation, find
from aos_upgrade_plugin.phases.scratch import scratch_project
from aos_upgrade_plugin.plugins import installed_plugins
from aos_upgrade_plugin.sample import Environment, build_source, lay_down

_FROM, _TO = "1.0.0", "1.1.0"
"""Of the sample: content and server code change, and no package."""
_LIMIT_S = 120.0
_MOST_WALKS = 25
_ASKED_AGAIN = 4
"""Once tells how long reading everything takes, not how long an answer does."""
_CONVERSATION = "aos_upgrade_plugin.effects.service.mcp_conversation"


def verify(
    installation: Installation, *, command: list[str], source: Path | None = None
) -> Verification:
    """Let a real server show all fourteen actions, and walk every usable workflow to its end.

    ``command`` starts the server; ``--target`` and ``--source`` are added. Works on copies of the
    installation's workflows, so no session is left in it; an upgrade is walked as a dry run in the
    sample. Raises ServerError where the server does not answer, DiskError.
    """
    with scratch_project(installation) as project:
        listed = Catalogue(installed_plugins(), source=source).listed(find(project))
        more = () if source is None else ("--source", str(source))
        with _talk([*command, "--target", str(project), *more], project) as asked:
            calls = tuple(_calls(asked))
            walked = [walk(asked, each) for each in _chosen(listed)]
            for _ in range(_ASKED_AGAIN):
                asked("list_workflows")
    walks = (*walked, *(_upgrade(each, command) for each in listed if _is_upgrade(each)))
    problems = [*_unfit(asked.tools), *verifying.problems(calls, walks)]
    return Verification(
        made_at=datetime.now(UTC),
        version=__version__,
        server=asked.server,
        protocol=asked.protocol,
        installation=installation.layout.name,
        calls=calls,
        walks=walks,
        latencies=verifying.latencies(asked.took),
        problems=tuple(map(line, problems)),
    )


@contextmanager
def _talk(command: list[str], project: Path) -> Generator[Asked]:
    """Start a server in a project and offer its tool."""
    conversation = import_module(_CONVERSATION).conversation
    with conversation(command, folder=str(project), limit_s=_LIMIT_S) as held:
        yield Asked(held)


def _unfit(tools: tuple[str, ...]) -> Iterator[str]:
    if tools != (TOOL,):
        yield f"the server has the tools {', '.join(tools) or 'none'}, and {TOOL} alone was due"


def _calls(asked: Asked) -> Iterator[CallResult]:
    """Make every step; a step whose session is not there fails by itself."""
    session = "nobody_started_any"
    for step in verifying.steps(GATED, dict(EVIDENCE)):
        arguments = verifying.filled_in(step.arguments, session_id=session)
        told = asked(step.action, **arguments)
        session = str(told.answer.get("session_id") or session) if _begins(step) else session
        problem = told.problem or verifying.wrong_with(step, told.answer, is_error=told.is_error)
        yield CallResult(
            action=step.action,
            expected=step.expects,
            answered=verifying.answered(told.answer),
            took_ms=round(told.took_ms, 3),
            problem=None if problem is None else line(problem),
        )


def _begins(step: verifying.Step) -> bool:
    return step.action == "start" and step.expects == verifying.SUCCESS


# ---- the workflows -------------------------------------------------------------------------------


def _chosen(listed: tuple[Listed, ...]) -> list[Listed]:
    """Return the workflows to walk: those of the installation by name, the others, then ours."""
    places = [Origin.INSTALLATION, Origin.SOURCE, Origin.PLUGIN, Origin.BUNDLED]
    others = [each for each in listed if each.workflow_type not in OWN and not _is_upgrade(each)]
    others.sort(key=lambda each: (places.index(each.origin), each.workflow_type))
    own = [each for each in listed if each.workflow_type in OWN]
    return [
        *others[:_MOST_WALKS],
        *(each.model_copy(update={"origin": Origin.BUNDLED}) for each in own),
    ]


def _is_upgrade(listed: Listed) -> bool:
    return listed.workflow_type in UPGRADE_WORKFLOWS


def _upgrade(listed: Listed, command: list[str]) -> WalkResult:
    """Walk the upgrade of a small product that comes with this package, as a dry run."""
    try:
        with (
            _sample() as (project, source),
            _talk([*command, "--target", str(project)], project) as asked,
        ):
            return walk_upgrade(asked, listed, options={"source_path": str(source)})
    except NotFoundError as error:  # without git there is no source
        return result_of(listed, {"left_out": str(error)})


@contextmanager
def _sample() -> Generator[tuple[Path, Path]]:
    """Offer a project with an older version of the sample, and a source with a newer one."""
    with run_folder.for_planning() as folder:
        project = folder / "project"
        kept_with_user = run_folder.with_user(project)
        try:
            with as_disk_error("laying the sample down"):
                durable.make_directories(project)
                source = build_source(folder / "source", at=_TO)
                install = lay_down(source, _FROM, project, environment=Environment.SHARED)
            kept_with_user = run_folder.with_user(install)
            yield project, source.folder
        finally:
            with as_disk_error("removing the sample"):
                durable.remove_tree(kept_with_user)
                durable.remove_tree(folder)
