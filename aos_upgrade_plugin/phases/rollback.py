"""The way back: every transaction of the run undone, the last one first."""

from collections.abc import Collection, Iterator, Sequence

from aos_upgrade_plugin.effects.backup import backups
from aos_upgrade_plugin.effects.environment import environment_stage
from aos_upgrade_plugin.effects.tree import journal, staging
from aos_upgrade_plugin.effects.tree.files import as_disk_error, entry_at
from aos_upgrade_plugin.effects.tree.set_aside import listed
from aos_upgrade_plugin.effects.tree.transaction import Transaction, leftovers
from aos_upgrade_plugin.errors import UpgradeError
from aos_upgrade_plugin.models.journal import Change, Place, Undone
from aos_upgrade_plugin.models.layout import Part
from aos_upgrade_plugin.models.run import Run, WayBack
from aos_upgrade_plugin.models.session import PhaseStatus
from aos_upgrade_plugin.models.tree import Entry, TreePath
from aos_upgrade_plugin.models.workflow import CONTENT, SERVER
from aos_upgrade_plugin.phases.beside import remove_copy
from aos_upgrade_plugin.phases.content import header_for, old_content_of
from aos_upgrade_plugin.phases.environment_planning import Detect
from aos_upgrade_plugin.phases.former_server import begin_server_way_back
from aos_upgrade_plugin.phases.installation import installation_of
from aos_upgrade_plugin.phases.planning import paths_in_installation
from aos_upgrade_plugin.phases.renaming import located
from aos_upgrade_plugin.phases.restarting import why_nothing_answers
from aos_upgrade_plugin.phases.restore import whole
from aos_upgrade_plugin.phases.server_before import before_of
from aos_upgrade_plugin.phases.server_upgrade import touches_server


def roll_back(run: Run, *, detect: Detect) -> WayBack:
    """Bring back what stood before the run; may be repeated, also after the run was completed.

    What the user made or changed since survives: where an old file comes back to its place, it
    is set aside and listed; where the run had not come yet, it stays. Nothing happens where the
    run had not changed anything. A server that the run stopped runs again afterwards.
    """
    staging.release_space(run.folder)
    try:
        return _roll_back(run, detect)
    except UpgradeError as error:
        if down := server_is_down(run):
            raise type(error)(f"{error}; {down}", cure=error.cure) from error
        raise


def server_is_down(run: Run) -> str:
    """Say that the server of a run stands still, and how it is started; empty where it does not."""
    run = located(run)
    begun = any(each.phase == SERVER for each in run.session.phase_history)
    return why_nothing_answers(run, before_of(run)) if begun and touches_server(run) else ""


def _roll_back(run: Run, detect: Detect) -> WayBack:
    with as_disk_error("going back"):
        opened = _open_transactions(run)
        _refuse_blocked(run, opened)
        server = begin_server_way_back(
            run,
            environment_is_gone=SERVER in run.session.completed_phases and not opened,
            detect=detect,
        )
        made_since = _made_since(run)
        edited = [
            (change, entry)
            for change, entry in _standing(run)
            if entry not in (change.before, change.after)
        ]
        kept_folders = _take_back(run)
        run = located(run)
        _clear_what_was_built(run, but_the_stage=server is not None and server.rebuilt)
        # Also what was set aside when an interrupted change was taken back before this.
        undone = Undone(set_aside=listed(run.install, run.folder), kept_folders=kept_folders)
        left_alone = (change.path for change, entry in _standing(run) if (change, entry) in edited)
        now = server.come_back() if server else None
        return WayBack(undone, made_since, tuple(left_alone), now)


def _refuse_blocked(run: Run, opened: Sequence[Transaction]) -> None:
    """Raise RefusedError or DamagedError where the way back is blocked, with nothing changed yet.

    Whoever asks this before the server is stopped leaves it running where nobody can go back.
    """
    for transaction in opened:
        transaction.refuse_links()
    if committed := _committed_changes(run, but={each.header.purpose for each in opened}):
        Transaction(run.install, header_for(run, committed)).refuse_links()
        whole(run.install, backups.find(run.install, str(run.session.backup)))


def _take_back(run: Run) -> tuple[TreePath, ...]:
    """Undo every change of the run's; name the folders that had to stay."""
    kept: list[TreePath] = []
    opened = _open_transactions(run)
    for transaction in opened:  # each may give the install folder its old name back
        kept += Transaction(located(run).install, transaction.header).undo().kept_folders
    run = located(run)
    committed = _committed_transaction(run, but={each.header.purpose for each in opened})
    if committed is not None:
        kept += committed.undo().kept_folders
    return tuple(kept)


def _clear_what_was_built(run: Run, *, but_the_stage: bool) -> None:
    """Remove what a kill left while the new server was built and asked beside."""
    remove_copy(run)
    if not but_the_stage:
        environment_stage.clear(run.install)


def keep_space(run: Run) -> None:
    """Keep disk space back, so that a full disk keeps nobody from going back and saying so."""
    with as_disk_error("keeping disk space back"):
        staging.release_space(run.folder)
        staging.reserve_space(run.folder)


def _standing(run: Run) -> Iterator[tuple[Change, Entry | None]]:
    """Yield what stands now at each path that the plan changes."""
    roots = {Place.INSTALL: run.install, Place.PROJECT: run.project}
    for one in run.plan.changes:
        yield one.change, entry_at(roots[one.change.place], one.change.path)


def refuse_without_way_back(run: Run) -> None:
    """Raise NotFoundError or DamagedError where a completed run's backup cannot lead back."""
    if not _open_transactions(run) and {CONTENT, SERVER} & {*run.session.completed_phases}:
        whole(run.install, backups.find(run.install, str(run.session.backup)))


def _made_since(run: Run) -> tuple[TreePath, ...]:
    """Name what was neither there nor planned. It need not be readable: nothing happens to it."""
    known = {one.change.path for one in run.plan.changes} | set(run.plan.target)
    return tuple(sorted(paths_in_installation(installation_of(run)) - known))


def _open_transactions(run: Run) -> tuple[Transaction, ...]:
    """Take up the run's transactions that are not for good yet, the last one first."""
    found = (journal.read(folder) for folder in leftovers(run.install))
    headers = [
        header for header, _ in filter(None, found) if header.owner == run.session.session_id
    ]
    headers.sort(key=lambda header: header.created_at, reverse=True)
    return tuple(Transaction(run.install, header) for header in headers)


def _committed_changes(run: Run, *, but: Collection[str]) -> list[Change]:
    """Return what the run committed and is not back yet.

    What belongs to transactions of the purposes ``but`` is dealt with by them, and what was taken
    back once is: what stands there since is the user's.
    """
    history = run.session.phase_history
    back = {each.phase for each in history if each.status is PhaseStatus.ROLLED_BACK}
    parts = [
        part
        for part, phase in ((Part.CONTENT, CONTENT), (Part.SERVER, SERVER))
        if phase in run.session.completed_phases and phase not in back and part not in but
    ]
    ours = [one.change for part in parts for one in run.plan.of(part)]
    return [change for change, entry in _standing(run) if change in ours and entry != change.before]


def _committed_transaction(run: Run, *, but: Collection[str]) -> Transaction | None:
    """Take up what the run committed, with the old content from its backup, which is whole."""
    to_do, rename = _committed_changes(run, but=but), run.plan.rename
    renamed = rename if rename and run.install.name == rename.after else None
    if not to_do and renamed is None:
        return None
    header = header_for(run, to_do).model_copy(update={"rename": renamed})
    return Transaction.retrace(run.install, header, lambda change: old_content_of(run, change))
