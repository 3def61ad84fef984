"""The cut-over from the older separate tools: found, shown, made, taken back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from aos_upgrade_plugin.actions.client_install import NAME, how_to_start, tried
from aos_upgrade_plugin.decide.service.cutting_over import gone_tools
from aos_upgrade_plugin.effects.service.mcp_probe import probe
from aos_upgrade_plugin.effects.session import run_folder
from aos_upgrade_plugin.errors import ServerError
from aos_upgrade_plugin.models.base import SessionId
from aos_upgrade_plugin.models.cut_over import CutOver
from aos_upgrade_plugin.models.server import ServerProcess
from aos_upgrade_plugin.models.tree import TreePath
from aos_upgrade_plugin.phases import making_cut_over, serving
from aos_upgrade_plugin.phases.beside import copied_beside
from aos_upgrade_plugin.phases.cutting_over import OurServer, Tools, plan_edits
from aos_upgrade_plugin.phases.finding_uses import find_uses
from aos_upgrade_plugin.phases.holding import holding
from aos_upgrade_plugin.phases.installation import Installation, site_of

_LIMIT_S = 180.0
"""The first start of a server builds its index."""


class Done(NamedTuple):
    """What a cut-over found and did."""

    found: CutOver
    record: SessionId | None
    """The way back; nothing where nothing was changed."""
    folder: str
    """The name of the install folder."""
    running: tuple[ServerProcess, ...]
    """Servers that have the older tools until they are started anew."""


def cut_over(installation: Installation, *, executable: str, dry_run: bool) -> Done:
    """Take the older separate tools out of server and clients; find who speaks of them.

    What both servers list was asked of real ones, before and as it is then; the installation's
    in a copy. Texts stay as they are. Raises ServerError where one does not answer, RefusedError,
    StaleError where a file moved meanwhile, DiskError; nothing is changed then.
    """
    with run_folder.for_planning() as folder:

        def measure(instead: Mapping[TreePath, bytes]) -> Tools:
            return _tools(installation, folder / "beside", instead)

        before = measure({})
        ours = _our_server(installation, executable)
        edits = plan_edits(installation, before=before, ours=ours, measure=measure)
    uses = find_uses(installation, instead=edits.of_clients)
    found = CutOver(
        uses=uses.found,
        files_read=uses.files_read,
        unread=uses.unread,
        files=tuple(each.file for each in edits.made),
        by_hand=edits.by_hand,
        before=edits.before,
        after=edits.after,
        gone=gone_tools(edits.before.of_product, edits.after.of_product),
    )
    record = None
    if edits.made and not dry_run:
        with holding(installation.path, session=None, command="mcp cut-over") as held:
            record = making_cut_over.make(held.install, edits.made, now=datetime.now(UTC)).name
    running = serving.look(site_of(installation)).running if found.gone else ()
    return Done(found, record, installation.path.name, running)


def undo(installation: Installation) -> tuple[TreePath, ...]:
    """Take the last cut-over back, byte for byte, and return the paths as the project has them.

    Raises NotFoundError where there is none, StaleError where a file was changed since.
    """
    with holding(installation.path, session=None, command="mcp cut-over --undo") as held:
        return making_cut_over.take_back(held.install, now=datetime.now(UTC))


def _our_server(installation: Installation, executable: str) -> OurServer:
    entry = how_to_start(executable, installation.project)
    answered = tried([executable, *entry["args"]], installation.project)
    return OurServer(NAME, entry, answered.tools)


def _tools(installation: Installation, folder: Path, instead: Mapping[TreePath, bytes]) -> Tools:
    """Return what a copy of the installation's server lists; nothing where it has no environment.

    Raises ServerError where it does not answer.
    """
    if not site_of(installation).environment.is_dir():
        return ()
    with copied_beside(installation, folder, with_files=instead) as command:
        answered = probe(command, limit_s=_LIMIT_S)
    if not answered.reached:
        raise ServerError(
            f"the installation's server does not answer, nothing was changed: {answered.problem}",
            cure="mend it: aos-upgrade doctor; or only find uses: aos-upgrade mcp cut-over --find",
        )
    return answered.tools
